"""Files in folders, such that nothing is half written, followed out of its folder, overwritten or lost.

Blocking; a caller on the event loop puts these into a thread. All raise OSError, where the file system says
no.
"""

import contextlib
import heapq
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o640
NAME_BYTES_MAX: Final = 255

_TEMPORARY_PREFIX: Final = ".yakujo-"
_TEMPORARY_SUFFIX: Final = ".tmp"


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from a later one of its name: inode, size in bytes and time of change in ns."""

    inode: int
    size: int
    changed_ns: int


class NotRegularError(OSError):
    """The entry is a symbolic link, a folder, a pipe or a device: it is never opened as a file."""


class StillChangingError(OSError):
    """The file changed while it was read: it is not complete yet."""


def make_folder(folder: Path) -> None:
    """Make `folder` and what it lies in where absent, each for its owner alone."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def names_in(folder: Path, is_meant: Callable[[str], bool], count_max: int) -> list[str]:
    """The first `count_max` names in `folder` that are meant, in order."""
    with os.scandir(folder) as entries:
        return heapq.nsmallest(count_max, (entry.name for entry in entries if is_meant(entry.name)))


def identity_of(file: Path) -> Identity:
    """What `file` is now. Raises NotRegularError for anything but a regular file; a link is not followed."""
    return _identity(os.lstat(file))


def read_whole(file: Path, expected: Identity) -> bytes:
    """The bytes of `file`. Raises StillChangingError where it is not, or does not stay, as expected."""
    # O_NONBLOCK: to open a pipe that took the file's place would wait for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        raw = opened.read(expected.size + 1)
        if _identity(os.fstat(descriptor)) != expected or len(raw) != expected.size:
            raise StillChangingError(f"{file.name} changed while it was read")
    return raw


def write_whole(folder: Path, name: str, raw: bytes) -> None:
    """Put `raw` into `folder` under `name`, durably and in one step, in the place of an earlier file."""
    descriptor, temporary = tempfile.mkstemp(_TEMPORARY_SUFFIX, _TEMPORARY_PREFIX, folder)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            os.fchmod(descriptor, FILE_MODE)
            opened.write(raw)
            opened.flush()
            os.fsync(descriptor)
        Path(temporary).replace(folder / name)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(folder)


def move(file: Path, target: Path, expected: Identity) -> None:
    """Move `file` to `target` durably. Raises StillChangingError, nothing moved, if it is another now."""
    file.replace(target)
    # Looked at after the move: a look before it would leave a moment for a newer file to slip in unread.
    if identity_of(target) != expected:
        target.replace(file)
        raise StillChangingError(f"{file.name} was replaced by a newer file")
    _sync_folder(target.parent)
    _sync_folder(file.parent)


def remove_temporary(folder: Path) -> None:
    """Remove what a crash during `write_whole` left in `folder`."""
    for leftover in _temporary_in(folder):
        leftover.unlink(missing_ok=True)


def are_on_one_file_system(*folders: Path) -> bool:
    """Whether a move between these folders is one step."""
    return len({folder.stat().st_dev for folder in folders}) == 1


def marked(name: str, mark: str) -> str:
    """`name` with `mark` before its suffix, its stem cut where the file system could not hold the whole."""
    stem, suffix = Path(name).stem, Path(name).suffix
    end = os.fsencode(f".{mark}{suffix}")
    return os.fsdecode(os.fsencode(stem)[: NAME_BYTES_MAX - len(end)] + end)


def _identity(status: os.stat_result) -> Identity:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError("not a regular file")
    return Identity(status.st_ino, status.st_size, status.st_mtime_ns)


def _temporary_in(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_TEMPORARY_PREFIX) and entry.name.endswith(_TEMPORARY_SUFFIX):
                yield Path(entry.path)


def _sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a rename alone may be undone by a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
