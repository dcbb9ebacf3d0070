"""What a command puts into the outbox of a node: nothing is lost, and no store looks damaged by it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from acts import admit, revoke
from founding import BROKER, network

from node.act import RemoveMember, encode_act
from node.act_submission import ActPointlessError, NoMemberError, submit_act, submit_entries
from node.entry import ActEntry, RetireEntry, decode_entry
from node.settings import ExternalLedger, NodeSettings
from node.setup import write_toml
from node.startup import alone
from node.store import STORE_FILE, StoreError, close_store, open_store
from node.store_seal import seal_of

NOTHING = RetireEntry(bytes(32))


@pytest.fixture
def settings(tmp_path: Path) -> NodeSettings:
    """Of a node that has run, and ended in order."""
    write_toml(tmp_path / "network.toml", network())
    (tmp_path / "data").mkdir()
    close_store(open_store(tmp_path / "data" / STORE_FILE), tmp_path / "data" / STORE_FILE)
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=tmp_path)
    return NodeSettings(
        sp="sp1", network_file=tmp_path / "network.toml", data_folder=tmp_path / "data", ledger=nowhere
    )


@pytest.fixture
def running(settings: NodeSettings) -> Iterator[sqlite3.Connection]:
    """The store of a node that runs."""
    path = settings.data_folder / STORE_FILE
    with alone(settings.data_folder):
        connection = open_store(path)
        yield connection
        close_store(connection, path)


def outbox(settings: NodeSettings) -> list[object]:
    path = settings.data_folder / STORE_FILE
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT body FROM outbox ORDER BY id").fetchall()
    return [decode_entry(body) for (body,) in rows]


def test_a_node_that_does_not_run_finds_it_later(settings: NodeSettings):
    """Once, however often it is said; and its store opens as the sealed one that it is."""
    for _ in range(2):
        told = submit_act(settings, admit("sp4", 1), wait_seconds=5.0)
        assert (told.position, told.in_effect, told.fault) == (None, False, None)
    assert outbox(settings) == [ActEntry(encode_act(admit("sp4", 1)))]
    path = settings.data_folder / STORE_FILE
    assert seal_of(path).exists()
    close_store(open_store(path), path)


def test_it_is_written_beside_a_node_that_runs(settings: NodeSettings, running: sqlite3.Connection):
    assert submit_act(settings, revoke(BROKER, "sp1", 1), wait_seconds=0).position is None
    assert not submit_entries(settings, [NOTHING, NOTHING], wait_seconds=0)
    (count,) = running.execute("SELECT COUNT(*) FROM outbox").fetchone()
    assert count == 3


def test_what_would_not_count_is_not_queued(settings: NodeSettings, running: sqlite3.Connection):
    """As far as the node knows: here it has voted so before."""
    act = encode_act(RemoveMember(sp="sp3")).decode()
    running.execute("INSERT INTO act VALUES (0, 'sp1', '2026-11-20', ?, 0, NULL)", (act,))
    with pytest.raises(ActPointlessError, match="it would not count: sp1 has said so already"):
        submit_act(settings, RemoveMember(sp="sp3"), wait_seconds=0)
    assert outbox(settings) == []


def test_a_store_that_is_being_closed_is_left_alone(settings: NodeSettings):
    """Its seal says that it is whole; whoever wrote now would make it look damaged."""
    path = settings.data_folder / STORE_FILE
    with alone(settings.data_folder), pytest.raises(StoreError, match="try again in a moment"):
        submit_act(settings, admit("sp4", 1), wait_seconds=0)
    assert outbox(settings) == []
    close_store(open_store(path), path)


def test_only_a_member_is_heard(settings: NodeSettings):
    stranger = settings.model_copy(update={"sp": "sp9"})
    with pytest.raises(NoMemberError, match="sp9 is no member"):
        submit_act(stranger, admit("sp4", 1), wait_seconds=0)
    with pytest.raises(NoMemberError, match="sp9 is no member"):
        submit_entries(stranger, [NOTHING], wait_seconds=0)
    assert outbox(settings) == []


def test_a_node_that_never_ran_has_no_outbox(settings: NodeSettings):
    (settings.data_folder / STORE_FILE).unlink()
    with pytest.raises(StoreError, match="start the node once"):
        submit_act(settings, admit("sp4", 1), wait_seconds=0)
    assert not (settings.data_folder / STORE_FILE).exists()
