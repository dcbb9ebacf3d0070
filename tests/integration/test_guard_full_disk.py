"""Promises about a full disk: input is refused in time, nothing is lost, and it heals without a person."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from guard_scene import (
    BLOCKS,
    Others,
    all_blocks,
    copied_network,
    fill,
    fill_network,
    until,
    until_word,
    watching,
)

from node.guard_disk import DiskMarks
from node.guard_state import Word

MIB = 1024 * 1024
MARKS = DiskMarks(full_percent=101, low_bytes=8 * MIB, resume_percent=0, resume_bytes=4 * MIB)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own below the first member's folder."""
    folder = tmp_path / "network" / "sp1"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_stops_input_and_heals_by_itself(small_disk: Path, tmp_path: Path) -> None:
    """JetStream switches itself off; once there is room it is started again, and has everything."""
    await asyncio.to_thread(asyncio.run, fill_network(tmp_path / "filled"))
    network = copied_network(tmp_path / "filled", small_disk.parent)
    ballast = small_disk / "ballast"
    async with Others(network) as others, watching(network.guard(disk=MARKS)) as guard:
        await until_word(guard, Word.WELL)
        assert network.accepting == []
        ballast.write_bytes(bytes(_free(guard_bytes=guard.state.free_bytes) - 2 * MIB))
        await until(lambda: network.accepting == [False])
        assert guard.state.word is Word.DISK_LOW
        await fill(others.ledger, BLOCKS + 1, BLOCKS + 101)
        await until(lambda: guard.state.sequence is None)
        assert guard.state.word is Word.DISK_LOW
        ballast.unlink()
        await until(lambda: network.accepting == [False, True])
        await until(lambda: guard.state.word is Word.WELL and guard.state.sequence == BLOCKS + 100)
        await all_blocks(guard, BLOCKS + 100)
        assert guard.state.restarted >= 1


def _free(guard_bytes: int | None) -> int:
    assert guard_bytes is not None, "the guard has looked at the disk"
    return guard_bytes
