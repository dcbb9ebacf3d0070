"""A store whose node was killed has no seal: what it holds tells whether it is whole."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from damage import (
    cut,
    fill,
    flip,
    flip_in,
    flip_in_table,
    killed_store,
    leaf_pages,
    overwrite,
    raw_message,
    sealed_store,
)

from node import store_check
from node.sqlite_pages import PAGE_BYTES
from node.store import Store, StoreDamagedError, each, keep_setting, open_store
from node.store_seal import seal_of, wal_of


def messages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM raw").fetchone()[0])


def test_a_killed_node_starts_again(tmp_path: Path):
    """Nobody has to do anything, and nothing is lost."""
    path = killed_store(tmp_path, 30, 60)
    with closing(open_store(path)) as connection:
        assert messages(connection) == 60


@pytest.mark.parametrize("table", ["archive", "raw"])
def test_a_flipped_bit_in_a_block_or_a_message_is_found(tmp_path: Path, table: str):
    path = sealed_store(tmp_path, messages=50)
    seal_of(path).unlink()
    flip_in_table(path, table, raw_message(49))
    noun = "raw message" if table == "raw" else "block"
    with pytest.raises(StoreDamagedError, match=f"{noun} 49 is not what was stored.*yakujo restore"):
        open_store(path)


@pytest.mark.parametrize("first", [0, 2])
def test_of_a_very_large_store_the_newest_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
):
    """The rest is the nightly scrub's, so that a start takes no longer than it may; a cut is always seen."""
    path = sealed_store(tmp_path, messages=30)
    seal_of(path).unlink()
    monkeypatch.setattr(store_check, "WHOLE_BYTES_MAX", 0)
    monkeypatch.setattr(store_check, "NEWEST_BYTES_MAX", len(raw_message(30)) + 1)
    flip_in(path, raw_message(30 - first))
    if first == 0:
        with pytest.raises(StoreDamagedError, match="raw message 30"):
            open_store(path)
    else:
        open_store(path).close()
        cut(path, PAGE_BYTES)
        with pytest.raises(StoreDamagedError, match=r"1 of its .* pages are cut off"):
            open_store(path)


def test_a_cut_is_found(tmp_path: Path):
    path = sealed_store(tmp_path, messages=250)
    seal_of(path).unlink()
    cut(path, 2**20)
    with pytest.raises(StoreDamagedError, match=rf"{2**20 // PAGE_BYTES} of its .* pages are cut off"):
        open_store(path)


def test_a_store_cut_to_nothing_is_not_begun_anew(tmp_path: Path):
    """SQLite would throw the log away and begin an empty store."""
    path = killed_store(tmp_path, 5)
    cut(path, path.stat().st_size)
    with pytest.raises(StoreDamagedError, match="its log"):
        open_store(path)
    assert wal_of(path).stat().st_size > 0


def test_damage_to_the_structure_is_found(tmp_path: Path):
    """A row that leads nowhere, a page that is none: SQLite's own check says so."""
    path = sealed_store(tmp_path, messages=30)
    seal_of(path).unlink()
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_delivery_1'"
        ((root,),) = each(connection, query)
    flip(path, (root - 1) * PAGE_BYTES * 8)
    with pytest.raises(StoreDamagedError, match="SQLite"):
        open_store(path)


def test_a_rotten_log_is_found(tmp_path: Path):
    """SQLite would silently pass over all that was committed after the broken place."""
    path = killed_store(tmp_path, 10, 20, 30)
    flip_in(wal_of(path), raw_message(5))
    with pytest.raises(StoreDamagedError, match="its log is damaged"):
        open_store(path)


@pytest.mark.parametrize("place", [8, 16, 33, 40])
def test_a_rotten_head_of_the_log_or_of_a_frame_is_found(tmp_path: Path, place: int):
    path = killed_store(tmp_path, 10, 20, 30)
    flip(wal_of(path), place * 8)
    with pytest.raises(StoreDamagedError, match="its log is damaged"):
        open_store(path)


@pytest.mark.parametrize("how", ["flip", "cut"])
def test_a_last_transaction_that_never_came_to_the_disk_is_no_damage(tmp_path: Path, how: str):
    """The power failed while it was written: nobody was told that it was stored, and no person is needed."""
    path = killed_store(tmp_path, 10, 20, 30)
    if how == "flip":
        flip_in(wal_of(path), raw_message(25))
    else:
        cut(wal_of(path), 5000)
    with closing(open_store(path)) as connection:
        assert messages(connection) == 20


def test_a_log_that_was_begun_anew_is_whole(tmp_path: Path):
    """Behind its frames lie older ones, which do not belong to it."""
    path = sealed_store(tmp_path)
    with closing(open_store(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        fill(connection, 1, 40)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        fill(connection, 41, 43)
        fill(connection, 44, 45)
        assert list(store_check.damage_to_files(path)) == []
        flip_in(wal_of(path), b"message 42 " * 3)
        assert list(store_check.damage_to_files(path)) != []


async def test_damage_met_while_running_ends_the_node(tmp_path: Path):
    """It is not retried as if the disk were full; nothing is written on top of it, and it is not sealed."""
    path = sealed_store(tmp_path, messages=60)
    async with Store(path) as store:
        overwrite(path, leaf_pages(path, "raw")[-1])
        with pytest.raises(StoreDamagedError, match="yakujo restore"):
            await store.write(lambda connection: each(connection, "SELECT SUM(length(bytes)) FROM raw"))
        with pytest.raises(StoreDamagedError):
            await store.write(lambda connection: keep_setting(connection, "a", "1"))
    assert not seal_of(path).exists()
    with pytest.raises(StoreDamagedError):
        open_store(path)


async def test_a_job_may_find_the_damage(tmp_path: Path):
    """What a job reads may carry a digest of its own."""

    def job(connection: sqlite3.Connection) -> None:
        keep_setting(connection, "a", "1")
        raise StoreDamagedError(tmp_path, "record 1 is not what was stored")

    path = sealed_store(tmp_path)
    async with Store(path) as store:
        for _ in range(2):
            with pytest.raises(StoreDamagedError, match="record 1"):
                await store.write(job)
    assert not seal_of(path).exists()
    with closing(open_store(path)) as connection:
        assert each(connection, "SELECT * FROM setting WHERE name = 'a'") == []
