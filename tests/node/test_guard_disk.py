"""Promises about the watermarks of the disk."""

from pathlib import Path

import pytest

from node import guard_disk
from node.guard_disk import DiskMarks, DiskWatch, Space, space_of, want_of_room
from node.guard_state import Report, Word

MARKS = DiskMarks(full_percent=85, plenty_bytes=1000, low_bytes=100, resume_percent=5, resume_bytes=50)


@pytest.mark.parametrize(
    ("free", "percent", "is_low", "wanting"),
    [
        (500, 84, False, False),
        (500, 85, False, True),
        (500, 84, True, True),  # it was low: more must come back
        (500, 79, True, False),
        (1000, 99, False, False),  # of a very large disk, 1 % is plenty
        (1000, 99, True, True),
        (99, 1, False, True),
        (149, 1, True, True),
        (150, 1, True, False),
    ],
)
def test_watermarks_have_hysteresis(free: int, percent: int, is_low: bool, wanting: bool):  # noqa: FBT001 - a table
    want = want_of_room(Space(Path("/data"), free, percent), MARKS, is_low=is_low)
    assert (want is not None) is wanting
    assert want is None or ("/data" in want and "make room" in want)


def test_a_file_system_without_room_for_files_is_full():
    assert want_of_room(Space(Path("/data"), 10**9, 1, free_files=3), MARKS, is_low=False) is not None


def test_a_folder_that_is_still_to_be_made_counts_where_it_will_lie(tmp_path: Path):
    assert space_of(tmp_path / "a" / "b").free_bytes > 0


def test_input_is_told_when_to_stop_and_when_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Once each, also where two folders lie on two file systems and one alone is full."""
    free = {tmp_path: 5000, tmp_path / "other": 5000}
    monkeypatch.setattr(guard_disk, "space_of", lambda folder: Space(folder, free[folder], 50))
    told: list[bool] = []
    report = Report(clock=lambda: 7.0)
    report.say(Word.WELL, "all of it")
    watch = DiskWatch([tmp_path], MARKS, told.append, report)
    watch.also(tmp_path / "other")
    for now, expected in ((5000, []), (99, [False]), (120, [False]), (5000, [False, True])):
        free[tmp_path / "other"] = now
        watch.look()
        watch.look()
        assert told == expected
        assert report.state.word is (Word.DISK_LOW if expected == [False] else Word.WELL)
    assert report.state.free_bytes == 5000
