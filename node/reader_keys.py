"""The key of a later reader, such as an auditor or a trust bank: what days are granted to.

    create_reader(folder, name, protection) -> Reader     load_reader(folder, protection) -> Reader

`reader.key` is a private key file like those of a node (node.key_form) and stays with the reader.
`reader.toml` is public: the name and the encryption key as text, for the member that makes the grant.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from node.key_errors import KeyFileBrokenError, KeyFileError
from node.key_form import alone_in, read_fields, refuse_existing, write_new
from node.key_wrapping import Protection, wrapping_of
from node.keys import SEED_BYTES, EncryptionKey, encryption_key
from node.private_file import write_private

KEY_FILE = "reader.key"
CARD_FILE = "reader.toml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNER = "reader "


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader and its key pair. name: as it calls itself."""

    name: str
    encryption: EncryptionKey


def create_reader(folder: Path, name: str, protection: Protection) -> Reader:
    """Make a reader's key, and its card, in `folder` (made with mode 0700 if absent).

    Raises KeyFileExistsError where there is one: what was granted to it could not be read any more.
    """
    if NAME.fullmatch(name) is None:
        raise KeyFileError(
            f"{name!r} is no reader's name: A-Z, a-z, 0-9, '.', '_' and '-', at most 64 of them"
        )
    refuse_existing(folder / KEY_FILE)
    wrapping = wrapping_of(protection)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(folder):
        write_new(folder / KEY_FILE, _OWNER + name, secrets.token_bytes(SEED_BYTES), wrapping)
    reader = load_reader(folder, wrapping)
    card = {"name": name, "encryption_key": reader.encryption.public_text}
    write_private(folder / CARD_FILE, tomli_w.dumps(card).encode())
    return reader


def load_reader(folder: Path, protection: Protection) -> Reader:
    """The reader's key in `folder`, else a KeyFileError."""
    path = folder / KEY_FILE
    fields = read_fields(path)
    owner = str(fields.get("owner"))
    name = owner.removeprefix(_OWNER)
    if name == owner or NAME.fullmatch(name) is None:
        raise KeyFileBrokenError(f"{path} is not a reader's key: restore it")
    seed = wrapping_of(protection).opened(owner, fields)
    if len(seed) != SEED_BYTES:
        raise KeyFileBrokenError(f"{path} is damaged: restore it from a backup")
    return Reader(name, encryption_key(seed))
