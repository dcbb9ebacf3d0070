import os
from pathlib import Path

import pytest
from drilled import held

from node.drill.account import ImpossibleError
from node.drill.full import FULL_BYTES, Disk


def test_a_full_disk_stops_one_node_for_as_long_as_it_is_full() -> None:
    """Input is refused politely, nothing is lost, and the node goes on by itself once there is room."""
    held("full", seconds=2)


def test_what_is_written_while_the_disk_shrinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel refuses a size that has become too small: it is asked for another, and the drill goes on."""
    disk = Disk(tmp_path / "disk")
    try:
        disk.mount()
    except ImpossibleError as error:
        pytest.skip(str(error))
    try:
        found = [os.statvfs(disk.folder)]
        (disk.folder / "file").write_bytes(bytes(16 * FULL_BYTES))
        statvfs = os.statvfs
        monkeypatch.setattr(os, "statvfs", lambda path: found.pop() if found else statvfs(path))
        disk.leave(FULL_BYTES)
        assert found == []
        left = statvfs(disk.folder)
        assert left.f_bfree * left.f_frsize == FULL_BYTES
    finally:
        disk.unmount()
