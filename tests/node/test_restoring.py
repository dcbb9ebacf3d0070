"""A new store takes the place of a damaged one, with what could be kept, and nothing can come in between."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from damage import cut, flip_in, killed_store, overwrite, raw_message, sealed_store

from node import restoring
from node.own_blocks import RESTORING
from node.restoring import NEW_FILE, restore_store
from node.settings import SettingsError
from node.startup import alone
from node.store import (
    STORE_FILE,
    StoreDamagedError,
    StoreVersionError,
    close_store,
    keep_setting,
    open_store,
    read_store,
    setting,
)
from node.store_seal import seal_of, wal_of


def numbers(folder: Path) -> list[int]:
    """The messages in a folder's store, which is in order."""
    with closing(open_store(folder / STORE_FILE)) as connection:
        found = [row[0] for row in connection.execute("SELECT id FROM raw ORDER BY id")]
        assert setting(connection, RESTORING) == "1"
        assert connection.execute("SELECT COUNT(*) FROM archive").fetchone() == (0,)
        close_store(connection, folder / STORE_FILE)
    return found


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit": lambda path: flip_in(path, raw_message(200)),
    "a cut": lambda path: cut(path, 2**20),
    "no first page": lambda path: overwrite(path, 1),
    "no file": lambda path: path.unlink(),
    "nothing in it": lambda path: cut(path, path.stat().st_size),
    "nothing but text": lambda path: path.write_bytes(b"no store" * 999),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_replaced(tmp_path: Path, damage: str):
    """The node starts with what was kept; the old files are kept beside it, as they were."""
    path = sealed_store(tmp_path, messages=250)
    DAMAGES[damage](path)
    old = path.read_bytes() if path.exists() else None
    with pytest.raises(StoreDamagedError):
        open_store(path)
    done = restore_store(tmp_path)
    kept = numbers(tmp_path)
    assert done.aside is not None
    assert stat.S_IMODE(done.aside.stat().st_mode) == 0o700
    if old is not None:
        assert (done.aside / STORE_FILE).read_bytes() == old
        assert done.salvaged is not None
        assert next(one.kept for one in done.salvaged.tables if one.table == "raw") == len(kept)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (tmp_path / NEW_FILE).exists()
    if damage in ("a flipped bit", "no first page"):
        assert kept == list(range(1, 251))


def test_a_killed_node_s_store_is_kept_with_its_log(tmp_path: Path):
    killed_store(tmp_path, 10, 20)
    done = restore_store(tmp_path)
    assert numbers(tmp_path) == list(range(1, 21))
    assert done.aside is not None
    assert wal_of(done.aside / STORE_FILE).exists()


def test_where_all_is_gone_a_store_is_begun(tmp_path: Path):
    """The whole data folder was lost: there is nothing to keep, and the ledger is with the peers."""
    done = restore_store(tmp_path / "data")
    assert (done.aside, done.salvaged) == (None, None)
    assert numbers(tmp_path / "data") == []
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_running_node_is_left_alone(tmp_path: Path):
    path = sealed_store(tmp_path, messages=3)
    with alone(tmp_path), pytest.raises(SettingsError, match="running"):
        restore_store(tmp_path)
    assert path.exists()
    assert seal_of(path).exists()


class KilledError(Exception):
    """The machine is switched off."""


@pytest.mark.parametrize("step", range(12))
def test_whenever_it_is_interrupted_doing_it_again_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
):
    """No moment is left in which what was kept could be lost."""
    path = sealed_store(tmp_path, messages=250)
    overwrite(path, 1)
    wal_of(path).write_bytes(b"")
    left = [step]

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def step_of(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return function(*arguments, **options)

        return step_of

    with monkeypatch.context() as patch:
        for name in ("salvage", "keep_setting", "close_store", "sync"):
            patch.setattr(restoring, name, dying(getattr(restoring, name)))
        for name in ("replace", "mkdir"):
            patch.setattr(Path, name, dying(getattr(Path, name)))
        try:
            restore_store(tmp_path)
        except KilledError:
            pass
        else:
            assert step > 10
    if left[0] < 0 or not seal_of(path).exists():
        restore_store(tmp_path)
    assert numbers(tmp_path) == list(range(1, 251))
    assert not (tmp_path / NEW_FILE).exists()


def test_what_an_old_try_left_is_not_taken_for_the_store(tmp_path: Path):
    """The node may have gone on since."""
    sealed_store(tmp_path, messages=3).rename(tmp_path / NEW_FILE)
    seal_of(tmp_path / STORE_FILE).rename(seal_of(tmp_path / NEW_FILE))
    sealed_store(tmp_path, messages=5)
    restore_store(tmp_path)
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]


def test_a_whole_store_of_another_release_is_not_torn_apart(tmp_path: Path):
    """It is not damaged: that release can go on with it."""
    path = sealed_store(tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    seal_of(path).unlink()
    with pytest.raises(StoreVersionError):
        restore_store(tmp_path)
    assert path.exists()


def test_a_restored_store_keeps_its_network(tmp_path: Path):
    """And none of the settings that follow from the ledger."""
    path = tmp_path / STORE_FILE
    connection = open_store(path)
    for name in ("network", "head", "seq/sp1"):
        keep_setting(connection, name, name)
    close_store(connection, path)
    restore_store(tmp_path)
    with closing(read_store(path)) as reader:
        assert {row[0] for row in reader.execute("SELECT name FROM setting")} == {"network", RESTORING}
