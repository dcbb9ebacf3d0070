"""A store that was closed in order is opened only if it is the same to the bit."""

import asyncio
import shutil
import sqlite3
import stat
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from damage import copied, cut, fill, flip, sealed_store
from hypothesis import given
from hypothesis import strategies as st

from node import store as store_module
from node import store_seal
from node.store import (
    STORE_FILE,
    Store,
    StoreDamagedError,
    StoreVersionError,
    close_store,
    keep_setting,
    open_store,
    read_store,
    setting,
)
from node.store_file import SCHEMA_VERSION
from node.store_seal import read_seal, seal_of, wal_of


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of some hundred pages that no test changes."""
    return sealed_store(tmp_path_factory.mktemp("sealed"), messages=60)


@given(place=st.integers(0, 2**48))
def test_any_flipped_bit_is_refused(sealed: Path, tmp_path_factory: pytest.TempPathFactory, place: int):
    """Wherever the disk has rotted, the node does not start, today or tomorrow, and says what to do."""
    folder = tmp_path_factory.mktemp("flipped")
    path = copied(sealed, folder)
    flip(path, place % (8 * path.stat().st_size))
    damaged = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match="Run `yakujo restore FOLDER`"):
            open_store(path)
    assert path.read_bytes() == damaged
    shutil.rmtree(folder)


@given(place=st.integers(0, 2**48))
def test_a_flipped_bit_in_the_seal_condemns_no_store(
    sealed: Path, tmp_path_factory: pytest.TempPathFactory, place: int
):
    """The store is whole: it is looked over as after a crash, and opened."""
    folder = tmp_path_factory.mktemp("flipped")
    path = copied(sealed, folder)
    flip(seal_of(path), place % (8 * seal_of(path).stat().st_size))
    open_store(path).close()
    shutil.rmtree(folder)


@pytest.mark.parametrize("count", [1, 4096, 2**20])
def test_a_cut_is_refused(tmp_path: Path, count: int):
    path = sealed_store(tmp_path, messages=250)
    assert path.stat().st_size > 2**20
    cut(path, count)
    with pytest.raises(StoreDamagedError, match="bytes when it was closed"):
        open_store(path)


def test_a_store_that_is_gone_is_refused(tmp_path: Path):
    """An empty store in its place would begin the node's numbers anew."""
    path = sealed_store(tmp_path)
    path.unlink()
    with pytest.raises(StoreDamagedError, match="has 0"):
        open_store(path)


def test_what_another_program_wrote_is_refused(tmp_path: Path):
    """Whoever edits a stopped node's store by hand hears of it; also where it still lies in the log."""
    path = sealed_store(tmp_path)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO setting VALUES ('a', 'b')")
        other.commit()
        aside = copied(path, tmp_path / "aside")
        with pytest.raises(StoreDamagedError, match="something else"):
            open_store(aside)
    with pytest.raises(StoreDamagedError, match=r"not what it was|bytes when"):
        open_store(path)


async def test_a_clean_end_seals_and_a_start_breaks_the_seal(tmp_path: Path):
    """So that only a store that nobody has written since has one."""
    path = tmp_path / STORE_FILE
    for _ in range(2):
        async with Store(path) as store:
            assert not seal_of(path).exists()
            await store.write(lambda connection: keep_setting(connection, "a", "1"))
        assert read_seal(path) is not None
        assert stat.S_IMODE(seal_of(path).stat().st_mode) == 0o600
        assert not wal_of(path).exists()
    with closing(read_store(path)) as reader:  # it leaves files beside the store, and does no harm
        assert setting(reader, "a") == "1"
    open_store(path).close()


def test_a_reader_that_stays_costs_no_seal(tmp_path: Path):
    """`yakujo status` may have the store open when the node ends."""
    path = tmp_path / STORE_FILE
    connection = open_store(path)
    with closing(read_store(path)) as reader:
        fill(connection, 1, 3)
        close_store(connection, path)
        assert reader.execute("SELECT COUNT(*) FROM raw").fetchone()[0] == 3
        again = open_store(path)
        close_store(again, path)
    open_store(path).close()


def test_progress_is_told(sealed: Path, tmp_path: Path):
    """A large store takes its time: what starts the node can say how far it is."""
    path = copied(sealed, tmp_path / "copy")
    told: list[tuple[int, int]] = []
    open_store(path, lambda done, total: told.append((done, total))).close()
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize(("place", "found"), [(0, True), (2**20 + 1, False), (-1, True)])
def test_of_a_very_large_store_the_oldest_is_left_to_the_scrub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, *, found: bool
):
    """Its head and its newest part are sealed, so that a start takes no longer than it may."""
    monkeypatch.setattr(store_seal, "SEALED_BYTES_MAX", 2**18)
    path = sealed_store(tmp_path, messages=400)
    size = path.stat().st_size
    assert size > 2**20 + 2**19
    flip(path, 8 * (place % size))
    seal = read_seal(path)
    assert seal is not None
    assert (store_seal.fault_under(seal, path) is not None) == found


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_another_release_s_store_is_refused_and_left_alone(tmp_path: Path, version: int):
    """It says which release is needed, also where the store is not sealed and to those who only read."""
    path = sealed_store(tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    store_seal.write_seal(path, version)
    before = path.read_bytes()
    word = "older release" if version < SCHEMA_VERSION else "newer release"
    for _ in range(2):
        with pytest.raises(StoreVersionError, match=word):
            open_store(path)
        with pytest.raises(StoreVersionError, match=word):
            read_store(path)
        seal_of(path).unlink(missing_ok=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("since", ["while it is opened", "once it is open"])
async def test_a_node_that_ends_while_it_starts_leaves_its_store_in_order(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: str
):
    """A large store takes minutes to look over: who stops the node meanwhile has no file left open."""
    path = copied(sealed, tmp_path)
    opened: list[sqlite3.Connection] = []
    begun, told = threading.Event(), threading.Event()

    def slowly(path: Path, progress: object) -> sqlite3.Connection:
        del progress
        begun.set()
        assert told.wait(10)
        opened.append(open_store(path))
        return opened[0]

    monkeypatch.setattr(store_module, "open_store", slowly)
    task = asyncio.create_task(Store(path).__aenter__())
    await asyncio.to_thread(begun.wait, 10)
    if since == "once it is open":
        told.set()
        while not opened:  # noqa: ASYNC110 - another thread tells nobody
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        store = await task
        await store.__aexit__()
    told.set()
    while not opened or is_open(opened[0]):  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.01)
    if since == "while it is opened":
        assert read_seal(path) is not None
    open_store(path).close()


def is_open(connection: sqlite3.Connection) -> bool:
    """Whether a connection can still be used."""
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True
