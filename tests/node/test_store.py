"""The store: what was said to be written is on disk, and one job's failure is its own."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from node.store import (
    STORE_FILE,
    Store,
    StoreError,
    StoreFullError,
    each,
    keep_setting,
    open_store,
    read_store,
    setting,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path / STORE_FILE) as opened:
        yield opened


def keeping(name: str, *, fails: Exception | None = None) -> object:
    def job(connection: sqlite3.Connection) -> str:
        keep_setting(connection, name, "kept")
        if fails is not None:
            raise fails
        return name

    return job


async def kept(store: Store) -> set[str]:
    return await store.write(
        lambda connection: {row[0] for row in each(connection, "SELECT name FROM setting")}
    )


async def test_what_is_written_is_there_for_others_at_once(store: Store, tmp_path: Path):
    """Another process reads what a client was told is stored."""
    await store.write(lambda connection: keep_setting(connection, "a", "1"))
    connection = read_store(tmp_path / STORE_FILE)
    assert setting(connection, "a") == "1"
    connection.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks the system which files are open")
async def test_what_is_deleted_is_written_nowhere_else(store: Store, tmp_path: Path):
    """SQLite keeps what a job changes until it ends, so as to take it back: not in a file of its own."""

    def delete_and_look(connection: sqlite3.Connection) -> set[str]:
        connection.execute("DELETE FROM setting")
        files = set[str]()
        for link in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                files.add(str(link.readlink()))
        return {name for name in files if "etilqs" in name or str(tmp_path) in name}

    await store.write(lambda connection: keep_setting(connection, "large", "x" * 2**20))
    opened = await store.write(delete_and_look)
    file = str(tmp_path / STORE_FILE)
    assert opened == {file, f"{file}-wal", f"{file}-shm"}


@pytest.mark.parametrize("error", [ValueError("bad"), StopIteration(), sqlite3.IntegrityError("twice")])
async def test_a_job_that_fails_leaves_nothing_and_spoils_nothing(store: Store, error: Exception):
    """Jobs share a commit; each has its own end, and everyone who waits hears it."""
    names = [f"n{number}" for number in range(50)]
    jobs = [store.write(keeping(name, fails=error if name == "n7" else None)) for name in names]
    async with asyncio.timeout(20):
        ends = await asyncio.gather(*jobs, return_exceptions=True)
    assert [end for end in ends if isinstance(end, str)] == [name for name in names if name != "n7"]
    assert isinstance(ends[7], type(error) if not isinstance(error, StopIteration) else RuntimeError)
    assert await kept(store) == set(names) - {"n7"}


async def test_a_full_disk_is_told_and_loses_nothing_before_it(store: Store):
    """Who waits for a write that does not fit hears so; what was written stays, and less still fits."""
    await store.write(keeping("before"))
    pages = await store.write(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await store.write(
        lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 4}").fetchone()
    )

    def large(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO setting VALUES ('large', ?)", ("x" * 1_000_000,))

    with pytest.raises(StoreFullError, match=r"cannot be written: the disk is full"):
        await store.write(large)
    await store.write(keeping("after"))
    assert await kept(store) == {"before", "after"}


async def test_a_job_whose_caller_has_gone_is_done_all_the_same(store: Store):
    """A cancelled caller neither undoes a write nor holds up those after it."""
    task = asyncio.create_task(store.write(keeping("gone")))
    await asyncio.sleep(0)
    task.cancel()
    await store.write(keeping("next"))
    assert await kept(store) == {"gone", "next"}


async def test_a_closed_store_says_so(tmp_path: Path):
    """Nobody waits for ever for a write that nobody will do."""
    async with Store(tmp_path / STORE_FILE) as store:
        pending = [asyncio.ensure_future(store.write(keeping(f"{number}"))) for number in range(300)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*pending) == [f"{number}" for number in range(300)]
    with pytest.raises(StoreError, match="is closed"):
        await store.write(keeping("late"))


async def test_only_the_owner_can_read_its_files(store: Store, tmp_path: Path):
    """The side files hold the same data as the store itself."""
    await store.write(keeping("a"))
    names = (STORE_FILE, f"{STORE_FILE}-wal", f"{STORE_FILE}-shm")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names] == [0o600] * 3


@pytest.mark.parametrize("content", [b"no database, but long enough to be looked at as one" * 40, None])
def test_a_file_that_is_no_store_is_told(tmp_path: Path, content: bytes | None):
    """One sentence that names the file, not a traceback."""
    path = tmp_path / "absent" / STORE_FILE if content is None else tmp_path / STORE_FILE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=STORE_FILE):
        open_store(path)
    with pytest.raises(StoreError, match=STORE_FILE):
        read_store(path)
