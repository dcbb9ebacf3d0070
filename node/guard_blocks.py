"""A slow sweep over the block files of a server that runs, for one that has changed since it was finished.

A server checks a block when it reads it, and of old blocks it reads none for months. The ledger's stream is
only ever appended to, so every block file but the last is as it was when the next one was begun. The first
sweep keeps the SHA-256 of each, the later ones compare. A file that differs is not judged here: the server is
examined then (node.guard_examination), by its own checksums.
"""

import asyncio
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from node.private_file import write_private

CHUNK_BYTES = 1024 * 1024


class Sweep:
    """Goes over the block files in `blocks`, one at each step. file: where their digests are kept."""

    def __init__(self, blocks: Path, file: Path) -> None:
        self._blocks = blocks
        self._file = file
        self._left: list[Path] = []
        self._digests = _kept(file)

    @property
    def done(self) -> bool:
        """Whether the sweep that was begun is over."""
        return not self._left

    def begin(self) -> None:
        """Begin a sweep over all files that are finished now."""
        files = sorted(self._blocks.glob("*.blk"), key=lambda path: int(path.stem))
        self._left = files[:-1]
        names = {path.name for path in self._left}
        self._digests = {name: digest for name, digest in self._digests.items() if name in names}

    def forget(self) -> None:
        """Begin anew: the files are others now."""
        self._left, self._digests = [], {}
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    async def step(self) -> str | None:
        """Read the next file; its name where it is not what it was, None where it is or none is left."""
        if not self._left:
            return None
        path = self._left.pop(0)
        try:
            digest = await asyncio.to_thread(_digest, path)
        except FileNotFoundError:  # the server has begun anew by itself
            return None
        except OSError:  # the disk itself says that it is not what it was
            return path.name
        if not self._left:
            with suppress(OSError):  # no room: they are made anew next time
                write_private(self._file, json.dumps(self._digests | {path.name: digest}).encode())
        return path.name if self._digests.setdefault(path.name, digest) != digest else None


def _digest(path: Path) -> str:
    """The SHA-256 of what is on the disk, hexadecimal, leaving the cache to those who need it."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        _drop_cached(file.fileno())
        while chunk := file.read(CHUNK_BYTES):
            found.update(chunk)
        _drop_cached(file.fileno())
    return found.hexdigest()


def _drop_cached(descriptor: int) -> None:
    if hasattr(os, "posix_fadvise"):  # Linux has it, macOS has not
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _kept(file: Path) -> dict[str, str]:
    """The digests in `file`; none where it cannot be used, as the next sweep makes them anew."""
    with suppress(OSError, ValueError):
        kept = json.loads(file.read_bytes())
        if isinstance(kept, dict) and all(isinstance(digest, str) for digest in kept.values()):
            return kept
    return {}
