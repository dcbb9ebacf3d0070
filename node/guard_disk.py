"""When a disk is too full to take anything more: before it is so full that a server stops in mid-write."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from node.guard_state import Report

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class DiskMarks:
    """Where the watermarks are.

    full_percent: input is refused from here on, as `df` counts; except where plenty_bytes are free, as that
    is much however large the disk is. low_bytes: input is refused with less than that free, however little
    of the disk it is. resume_percent, resume_bytes: what must have come back before input is taken again,
    so that it does not go to and fro.
    """

    full_percent: int = 85
    plenty_bytes: int = 20 * GIB
    low_bytes: int = GIB // 2
    resume_percent: int = 2
    resume_bytes: int = GIB // 8


@dataclass(frozen=True, slots=True)
class Space:
    """The file system of `folder`. free_files: inodes left, None where it does not count them."""

    folder: Path
    free_bytes: int
    used_percent: int
    free_files: int | None = None


_FREE_FILES_MIN = 1_000


def space_of(folder: Path) -> Space:
    """The space there is now at `folder`, or where it will be made; OSError."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    found = os.statvfs(there)
    free, used = found.f_bavail * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize
    percent = -(-100 * used // (used + free)) if used + free else 0  # rounded up, as df does
    return Space(folder, free, percent, found.f_favail if found.f_files else None)


def fullest(spaces: Iterable[Space]) -> Space:
    """The one with the least room."""
    return min(spaces, key=lambda space: space.free_bytes)


def want_of_room(space: Space, marks: DiskMarks, *, is_low: bool) -> str | None:
    """Why nothing more should be taken; None while there is room. is_low: whether that was so already."""
    percent = marks.full_percent - (marks.resume_percent if is_low else 0)
    low = marks.low_bytes + (marks.resume_bytes if is_low else 0)
    plenty = marks.plenty_bytes + (marks.resume_bytes if is_low else 0)
    where = f"the file system of {space.folder}"
    if space.free_bytes < low:
        return f"{where} has {_mega(space.free_bytes)} free, {_mega(low)} are needed: make room"
    if space.used_percent >= percent and space.free_bytes < plenty:
        return f"{where} is {space.used_percent} % full, input is taken below {percent} %: make room"
    if space.free_files is not None and space.free_files < _FREE_FILES_MIN:
        return f"{where} can hold only {space.free_files} more files: make room"
    return None


def _mega(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB"


class DiskWatch:
    """Watches the file systems of `folders`, and tells `accepting` when there is room no more, or again."""

    def __init__(
        self, folders: Iterable[Path], marks: DiskMarks, accepting: Callable[[bool], None], report: Report
    ) -> None:
        self._folders = tuple(folders)
        self._marks = marks
        self._accepting = accepting
        self._report = report
        self.low: str | None = None

    def also(self, folder: Path) -> None:
        """Watch the file system of `folder` too."""
        if folder not in self._folders:
            self._folders += (folder,)

    def look(self) -> None:
        """Look now. A folder that is not to be read is left out: what needs it says so itself."""
        spaces = []
        for folder in self._folders:
            with suppress(OSError):
                spaces.append(space_of(folder))
        if not spaces:
            return
        worst = fullest(spaces)
        self._report.free_bytes, self._report.used_percent = worst.free_bytes, worst.used_percent
        was, reasons = self.low, [self._want(space) for space in spaces]
        self.low = next((reason for reason in reasons if reason is not None), None)
        self._report.disk(self.low)
        if (was is None) is not (self.low is None):
            self._accepting(self.low is None)

    def _want(self, space: Space) -> str | None:
        return want_of_room(space, self._marks, is_low=self.low is not None)
