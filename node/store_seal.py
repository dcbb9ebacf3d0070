"""The seal of a store that was closed in order: what its file must be, to the bit, when it is opened again.

    write_seal(store, version)  when nobody writes any more      break_seal(store)  before the first write

A store with a seal has not been written since: whatever differs is damage, or another program's doing. One
without a seal was not closed in order, and is looked over instead (node.store_check).
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from node.private_file import write_private

# Reading takes about 1 s per GB on a plain cloud disk, the digest less. Up to 8 GiB a node so starts within
# its 10 s and stops within the 90 s that systemd grants; of what is larger the seal leaves out the middle,
# which holds the oldest, and the nightly scrub reads that.
SEALED_BYTES_MAX = 8 * 2**30
_HEAD_BYTES = 2**20  # the first pages hold the schema and the roots of all tables
_READ_BYTES = 2**20

Progress = Callable[[int, int], None]
"""Told while a file is read: bytes done, bytes in all. Called from the thread that reads."""


class Seal(BaseModel):
    """What a store was when it was closed. size: bytes. unread: from, to: bytes that `sha256` leaves out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: int
    size: int
    unread: tuple[int, int]
    sha256: str


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def seal_of(store: Path) -> Path:
    """Where the seal of a store lies."""
    return store.with_name(f"{store.name}.seal")


def write_seal(store: Path, schema_version: int, progress: Progress = no_progress) -> None:
    """Seal a store that no connection writes to; on disk when this returns. Raises OSError."""
    log = wal_of(store)
    if log.exists():  # somebody still reads: the log is empty, and must not come back after a power cut
        sync(log)
    sync(store.parent)
    size = store.stat().st_size
    unread = (_HEAD_BYTES, size - SEALED_BYTES_MAX) if size > SEALED_BYTES_MAX + _HEAD_BYTES else (0, 0)
    digest = _digest(store, size, unread, progress)
    seal = Seal(schema_version=schema_version, size=size, unread=unread, sha256=digest)
    body = seal.model_dump_json().encode()
    write_private(seal_of(store), body + b"\n" + _own_digest(body) + b"\n")
    sync(store.parent)


def read_seal(store: Path) -> Seal | None:
    """The seal of a store; None where there is none, or it is damaged itself and so proves nothing."""
    try:
        body, own, end = seal_of(store).read_bytes().split(b"\n")
        if end or own != _own_digest(body):
            return None
        return Seal.model_validate_json(body)
    except (FileNotFoundError, ValueError, ValidationError):
        return None


def fault_under(seal: Seal, store: Path, progress: Progress = no_progress) -> str | None:
    """How a store differs from what its seal says; None where it does not. Raises OSError."""
    size = store.stat().st_size
    if size != seal.size:
        return f"it had {seal.size} bytes when it was closed, and has {size}"
    log = wal_of(store)
    if log.exists() and log.stat().st_size:
        return "it was written after it was closed, by something else than the node"
    if _digest(store, size, seal.unread, progress) != seal.sha256:
        return "it is not what it was when it was closed"
    return None


def break_seal(store: Path) -> None:
    """Remove the seal, for good when this returns: from now on the store may be written."""
    if seal_of(store).exists():
        seal_of(store).unlink()
        sync(store.parent)


def wal_of(store: Path) -> Path:
    """Where SQLite keeps the log of a store."""
    return store.with_name(f"{store.name}-wal")


def _digest(path: Path, size: int, unread: tuple[int, int], progress: Progress) -> str:
    """SHA-256 of a file, read as hashlib.file_digest does, which does not tell how far it is."""
    digest, done, total = hashlib.sha256(), 0, size - (unread[1] - unread[0])
    buffer = memoryview(bytearray(_READ_BYTES))
    with path.open("rb", buffering=0) as file:
        for start, end in ((0, unread[0]), (unread[1], size)):
            file.seek(start)
            left = end - start
            while left and (count := file.readinto(buffer[: min(left, _READ_BYTES)])):
                digest.update(buffer[:count])
                left -= count
                done += count
                progress(done, total)
    return digest.hexdigest()


def _own_digest(body: bytes) -> bytes:
    """Tells a seal that is damaged from a store that is."""
    return hashlib.sha256(b"yakujo seal\n" + body).hexdigest().encode()


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
