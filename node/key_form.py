"""The form of a file with a private key, and how it is read, made, replaced and removed.

A small JSON object: `format`, `owner`, whose key it is, and the fields of its wrapping (node.key_wrapping).
Mode 0600; whole or not there at all; on disk before a call returns.
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from node.key_errors import (
    KeyFileBrokenError,
    KeyFileError,
    KeyFileExistsError,
    KeyFileExposedError,
    KeyFileMissingError,
)
from node.key_wrapping import FORMAT, Wrapping

# A tree of days that has lost every second one is the largest there can be: 32,768 seeds, 1.7 MB in base64.
FILE_BYTES_MAX = 2 * 1024 * 1024


def read_fields(path: Path, owner: str | None = None) -> dict[str, Any]:
    """The fields of a key file, read only if nobody else could have read or written it; else a KeyFileError.

    owner: whose it must be; None where the caller looks at `owner` himself.
    """
    try:
        with path.open("rb") as file:
            check_private(path, os.fstat(file.fileno()))
            fields = json.loads(file.read(FILE_BYTES_MAX))
    except FileNotFoundError as error:
        raise KeyFileMissingError(f"there is no {path}: make the keys, or correct the directory") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileBrokenError(f"{path} is damaged: restore it from a backup") from error
    if not isinstance(fields, dict):
        raise KeyFileBrokenError(f"{path} is damaged: restore it from a backup")
    if fields.get("format") != FORMAT or owner not in (None, fields.get("owner")):
        raise KeyFileBrokenError(f"{path} is a key file of another version or owner: restore it")
    return fields


def write_new(path: Path, owner: str, content: bytes, wrapping: Wrapping) -> None:
    """Put a key file in place; KeyFileExistsError where the name is taken, for keys are never overwritten."""
    part = _written_beside(path, owner, content, wrapping)
    try:
        os.link(part, path)  # unlike a rename, it fails where the name is taken
    except FileExistsError as error:
        raise KeyFileExistsError(taken(path)) from error
    finally:
        part.unlink()
    _sync_folder(path.parent)


def replace(path: Path, owner: str, content: bytes, wrapping: Wrapping) -> None:
    """Put another content in the place of a key file. A crash leaves the old one or the new one, whole.

    Then the old bytes are overwritten where they lay, as far as the file system lets them be: see
    node.key_files.destroy_day for what that is worth.
    """
    path.chmod(0o600)  # an operator may have made it read-only
    with path.open("r+b") as old:  # stays open, so that its bytes can be reached when it has lost its name
        part = _written_beside(path, owner, content, wrapping)
        try:
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        _overwrite(old)


def sweep(path: Path) -> None:
    """Remove what interrupted runs left beside a key file: it may hold keys that were destroyed since."""
    for left in sorted(path.parent.glob(f".{path.name}.*")):
        with left.open("r+b") as file:
            left.unlink()
            _overwrite(file)
    _sync_folder(path.parent)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time change keys in `folder`: two would undo one another's change."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeyFileMissingError(f"{folder} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_private(path: Path, status: os.stat_result) -> None:
    """KeyFileExposedError where another user could read or replace what `status` was taken of."""
    if status.st_uid != os.geteuid():
        raise KeyFileExposedError(f"{path} belongs to another user: chown it to the user that runs yakujo")
    if stat.S_IMODE(status.st_mode) & 0o077:
        wanted = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise KeyFileExposedError(f"{path} is open to others: `chmod {wanted} {path}`, and consider new keys")


def refuse_existing(path: Path) -> None:
    """KeyFileExistsError where there is something at `path`, be it a dangling link."""
    if os.path.lexists(path):
        raise KeyFileExistsError(taken(path))


def taken(path: Path) -> str:
    """What to say of a name that is taken."""
    return f"{path} exists and is not overwritten: move it away to make a new one"


def _written_beside(path: Path, owner: str, content: bytes, wrapping: Wrapping) -> Path:
    """A file with the whole content, on disk, under a name that no reader looks at."""
    fields = {"format": FORMAT, "owner": owner, **wrapping.closed(owner, content)}
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(fields, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink()
        raise
    return part


def _overwrite(file: BinaryIO) -> None:
    """Zeros over all that `file` holds, once no name leads to it any more; a disk that refuses is let be."""
    status = os.fstat(file.fileno())
    if status.st_nlink:  # under another name it may be the key file itself: see write_new
        return
    with contextlib.suppress(OSError):
        os.pwrite(file.fileno(), bytes(status.st_size), 0)
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
