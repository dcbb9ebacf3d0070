"""The private keys of a node on disk, each owner's in a file of its own that nobody else may read.

    create_keys(directory, institutions, protection)       load_keys(directory, protection) -> NodeKeys
    add_institution(directory, institution, protection)    rewrap(directory, old, new)
    destroy_day(directory, institution, day, protection)

`sp.key` holds the SP's signing seed; `<LEI>.key` an institution's seeds for encryption and signing, and its
tree of day keys (node.day_keys). A protection is a passphrase, a token's wrapping, or None for keys in clear.
node.key_form says what a file looks like, node.key_wrapping how it is protected, node.key_errors what can be
wrong with it.
"""

import datetime
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.day_keys import DayTree, DayTreeBrokenError, new_day_tree
from node.key_errors import (
    KeyFileBrokenError,
    KeyFileError,
    KeyFileMissingError,
    WrappingError,
    WrappingsMixedError,
)
from node.key_form import (
    alone_in,
    check_private,
    read_fields,
    refuse_existing,
    replace,
    sweep,
    write_new,
)
from node.key_wrapping import Protection, Wrapping, wrapping_of
from node.keys import SEED_BYTES, InstitutionKeys, NodeKeys, institution_keys

__all__ = [
    "KeyFileError",
    "add_institution",
    "create_keys",
    "destroy_day",
    "load_keys",
    "rewrap",
]

SP_OWNER = "sp"
INSTITUTION = re.compile(r"[A-Z0-9]{18}[0-9]{2}")  # the form of an LEI, ISO 17442; also safe as a file name
_SEEDS_BYTES = 2 * SEED_BYTES


def create_keys(directory: Path, institutions: Iterable[str], protection: Protection) -> NodeKeys:
    """Make the SP's key and those of each of `institutions` (LEIs), on disk before this returns.

    directory: made with mode 0700 if absent.
    """
    owners = [*sorted(set(institutions)), SP_OWNER]  # the SP's key last: it marks the set as complete
    for path in (_path(directory, owner) for owner in owners):
        refuse_existing(path)
    wrapping = wrapping_of(protection)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(directory):
        for owner in owners:
            write_new(_path(directory, owner), owner, _new_content(owner), wrapping)
    return load_keys(directory, wrapping)


def add_institution(directory: Path, institution: str, protection: Protection) -> NodeKeys:
    """Make the keys of one more institution beside the existing ones, under the same protection."""
    path = _path(directory, institution)
    refuse_existing(path)
    wrapping = wrapping_of(protection)
    with alone_in(directory):
        # Proves the passphrase before it is used.
        wrapping.opened(SP_OWNER, read_fields(_path(directory, SP_OWNER), SP_OWNER))
        write_new(path, institution, _new_content(institution), wrapping)
    return load_keys(directory, wrapping)


def load_keys(directory: Path, protection: Protection) -> NodeKeys:
    """All keys in `directory`, after checking that nobody else can read them; else a KeyFileError."""
    if not directory.is_dir():
        raise KeyFileMissingError(f"there is no directory {directory}: make the keys first, or correct it")
    check_private(directory, directory.stat())
    files = {owner: read_fields(_path(directory, owner), owner) for owner in _owners(directory)}
    contents = _opened(directory, files, wrapping_of(protection))
    signing = contents.pop(SP_OWNER)
    if len(signing) != SEED_BYTES:
        raise KeyFileBrokenError(_damaged(SP_OWNER))
    institutions = {owner: _institution_keys(owner, content) for owner, content in contents.items()}
    return NodeKeys(Ed25519PrivateKey.from_private_bytes(signing), institutions)


def destroy_day(directory: Path, institution: str, day: datetime.date, protection: Protection) -> DayTree:
    """Destroy the key of one day of one institution (LEI): the tree that is left, for `NodeKeys.with_days`.

    After it nothing in `directory` gives that key, nor does anything that a crash had left there. It may be
    repeated at will, and must be after a crash. It cannot reach:
    - copies. A backup of the directory still holds the day, for whoever has the passphrase or the token.
      Change the protection (`rewrap`) to a new passphrase or a new key of the token, and destroy the old
      one: then no older copy opens any more, and the directory as it is now must be copied anew. Copies of
      keys in clear must be found and destroyed by hand.
    - old blocks of the disk. The bytes are overwritten where they lay, but copy-on-write file systems,
      snapshots, journals and the wear levelling of SSDs keep old blocks for as long as they like. What is
      left there is protected as the file was: not at all where keys are in clear, and else until the
      protection is changed as above.
    - memory. A running node holds the day until it drops its keys for new ones (`NodeKeys.with_days`), and
      Python does not wipe memory: start the node anew where swap or core dumps are feared.

    Raises DayOutOfRangeError, KeyFileError.
    """
    path = _path(directory, institution)
    wrapping = wrapping_of(protection)
    with alone_in(directory):
        sweep(path)
        content = wrapping.opened(institution, read_fields(path, institution))
        days = _institution_keys(institution, content).days
        left = days.destroyed(day)
        if left is not days:
            replace(path, institution, content[:_SEEDS_BYTES] + left.to_bytes(), wrapping)
    return left


def rewrap(directory: Path, old: Protection, new: Protection) -> NodeKeys:
    """Change what protects all keys in `directory`; nothing is changed unless all of them open.

    File by file, each as a whole. After a crash some are wrapped in the old way and some in the new:
    `load_keys` says so, and the same call again does the rest. A node that runs meanwhile goes on with the
    old protection and cannot destroy days with it: start it anew.
    """
    before, after = wrapping_of(old), wrapping_of(new)
    with alone_in(directory):
        changes = {}
        for owner in _owners(directory):
            fields = read_fields(_path(directory, owner), owner)
            if not _opens(after, owner, fields):
                changes[owner] = before.opened(owner, fields)
        for owner, content in changes.items():
            sweep(_path(directory, owner))
            replace(_path(directory, owner), owner, content, after)
    return load_keys(directory, after)


def _owners(directory: Path) -> list[str]:
    return sorted({path.stem for path in directory.glob("*.key")} | {SP_OWNER})


def _path(directory: Path, owner: str) -> Path:
    if owner != SP_OWNER and INSTITUTION.fullmatch(owner) is None:
        raise KeyFileError(f"{owner!r} is not an LEI: keys are named after the institution they belong to")
    return directory / f"{owner}.key"


def _opened(directory: Path, files: Mapping[str, dict[str, Any]], wrapping: Wrapping) -> dict[str, bytes]:
    """The contents by owner; WrappingsMixedError where some files open and some are wrapped otherwise."""
    mixed = f"the keys in {directory} are wrapped in different ways, for a change of wrapping was interrupted"
    mixed += " or goes on just now: do it again, from the same old to the same new protection"
    if len({str(fields.get("cipher")) for fields in files.values()}) > 1:
        raise WrappingsMixedError(mixed)
    contents: dict[str, bytes] = {}
    for owner, fields in files.items():
        try:
            contents[owner] = wrapping.opened(owner, fields)
        except WrappingError as error:
            if contents:
                raise WrappingsMixedError(f"{mixed} ({error})") from error
            raise
    return contents


def _opens(wrapping: Wrapping, owner: str, fields: Mapping[str, Any]) -> bool:
    try:
        wrapping.opened(owner, fields)
    except WrappingError:
        return False
    return True


def _new_content(owner: str) -> bytes:
    if owner == SP_OWNER:
        return secrets.token_bytes(SEED_BYTES)
    return secrets.token_bytes(_SEEDS_BYTES) + new_day_tree().to_bytes()


def _institution_keys(institution: str, content: bytes) -> InstitutionKeys:
    try:
        days = DayTree.from_bytes(content[_SEEDS_BYTES:])
    except DayTreeBrokenError as error:
        raise KeyFileBrokenError(_damaged(institution)) from error
    return institution_keys(institution, content[:_SEEDS_BYTES], days)


def _damaged(owner: str) -> str:
    return f"the key file of {owner} is damaged: restore it from a backup"
