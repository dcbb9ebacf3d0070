"""The log of a node that was killed while it began it anew."""

import sqlite3
from contextlib import closing
from pathlib import Path

from damage import fill

from node.sqlite_log import read_log
from node.sqlite_pages import PAGE_BYTES
from node.store import close_store, each, open_store
from node.store_seal import wal_of

HEAD_BYTES = 32


def test_a_node_that_is_killed_right_behind_a_new_head_starts_again(tmp_path: Path) -> None:
    """The frames that follow it are older, and in the store already: nothing is damaged, nothing lost."""
    path = tmp_path / "running" / "yakujo.db"
    path.parent.mkdir()
    with closing(open_store(path)) as connection:
        fill(connection, 1, 40)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        older = wal_of(path).read_bytes()
        store = path.read_bytes()
        fill(connection, 41, 41)
        newer = wal_of(path).read_bytes()
    assert newer[:HEAD_BYTES] != older[:HEAD_BYTES], "the log was begun anew"
    killed = tmp_path / path.name
    killed.write_bytes(store)
    wal_of(killed).write_bytes(newer[:HEAD_BYTES] + older[HEAD_BYTES:])
    log = read_log(wal_of(killed), PAGE_BYTES)
    assert log is not None
    assert (log.is_damaged, log.committed()) == (False, ())
    with closing(open_store(killed)) as connection:
        assert messages(connection) == 40
        close_store(connection, killed)


def messages(connection: sqlite3.Connection) -> int:
    return int(each(connection, "SELECT COUNT(*) FROM raw")[0][0])
