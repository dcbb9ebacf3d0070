"""A full disk: who writes hears of it, nothing is lost, and with room again the store goes on by itself."""

import asyncio
import hashlib
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from damage import put, raw_message

from node.store import STORE_FILE, Store, StoreError, StoreFullError, each, open_store, read_store
from node.store_seal import seal_of

BYTES = 8 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def occupy(disk: Path) -> Path:
    """Fill a disk up, to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**16, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return ballast


def keeping(number: int) -> "partial[None]":
    """A job that stores one message."""

    def job(connection: sqlite3.Connection, number: int) -> None:
        raw = raw_message(number)
        connection.execute(
            "INSERT INTO raw VALUES (?, 'client', ?, 1, ?, ?, 'stored')",
            (number, str(number), hashlib.sha256(raw).hexdigest(), raw),
        )

    return partial(job, number=number)


async def stored_until_full(store: Store) -> int:
    """How many messages go into a store."""
    for number in range(1, 10_000):
        try:
            await store.write(keeping(number))
        except StoreFullError:
            return number - 1
    raise AssertionError("the disk is not full")


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in each(connection, "SELECT id FROM raw ORDER BY id")]


async def test_a_full_disk_loses_nothing_and_with_room_again_all_goes_on(small_disk: Path):
    """What was said to be stored is there; what was refused is not, and the same job is taken later."""
    async with Store(small_disk / STORE_FILE) as store:
        ballast = occupy(small_disk)
        stored = await stored_until_full(store)
        for _ in range(3):
            with pytest.raises(StoreFullError):
                await store.write(lambda connection: put(connection, 5_000, 5_100))
        assert await store.write(numbers) == list(range(1, stored + 1))
        ballast.unlink()
        await store.write(keeping(stored + 1))
        assert await store.write(numbers) == list(range(1, stored + 2))
    with closing(open_store(small_disk / STORE_FILE)) as connection:
        assert numbers(connection) == list(range(1, stored + 2))


async def test_jobs_that_wait_together_each_hear_their_own_end(small_disk: Path):
    """Those that were told "stored" are stored, and no others."""
    async with Store(small_disk / STORE_FILE) as store:
        occupy(small_disk)
        ends = await asyncio.gather(
            *(store.write(keeping(number)) for number in range(1, 200)), return_exceptions=True
        )
        assert {type(end) for end in ends} <= {type(None), StoreFullError}
        stored = [number for number, end in enumerate(ends, 1) if end is None]
        assert len(stored) < len(ends)
        assert await store.write(numbers) == stored
        (small_disk / "ballast").unlink()
        for number in range(1, 200):
            if number not in stored:
                await store.write(keeping(number))
        assert await store.write(numbers) == list(range(1, 200))


async def test_a_node_that_ends_on_a_full_disk_starts_again(small_disk: Path):
    """There is no room for a seal: the store is looked over instead."""
    path = small_disk / STORE_FILE
    async with Store(path) as store:
        await store.write(keeping(1))
        ballast = occupy(small_disk)
    assert not seal_of(path).exists()
    with closing(read_store(path)) as connection:
        assert numbers(connection) == [1]
    ballast.unlink()
    async with Store(path) as store:
        assert await store.write(numbers) == [1]
    assert seal_of(path).exists()


async def test_a_start_on_a_full_disk_says_so(small_disk: Path):
    """And a supervisor's next try succeeds when there is room."""
    ballast = occupy(small_disk)
    with pytest.raises(StoreError, match="full"):
        open_store(small_disk / STORE_FILE)
    ballast.unlink()
    open_store(small_disk / STORE_FILE).close()
