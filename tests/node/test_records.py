from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest

from canonical.base import Canonical
from canonical.contracts.matching.v1.cards import Index
from canonical.contracts.matching.v1.messages import Mentions, messages_key
from canonical.contracts.matching.v1.records import link_key
from canonical.message import Role
from node import records
from node.attestation import Written, decision_digest
from node.records import Records
from node.store import open_store


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    connection = open_store(tmp_path / "store.db")
    yield connection
    connection.close()


def stored(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT key FROM state ORDER BY key")]


def test_a_change_is_seen_before_it_is_written(connection: Connection):
    """An entry builds on what the one before it in the same batch has changed."""
    found = Records()
    found.change({"a": Mentions(keys=("1",))})
    assert found.get(connection, "a") == Mentions(keys=("1",))
    assert stored(connection) == []


def test_what_is_told_of_a_change_is_what_is_stored(connection: Connection):
    """Nodes attest the very bytes that they keep; the last change of a batch is the one that stays."""
    found = Records()
    found.change({"a": Mentions(keys=("1",)), "b": Mentions(keys=("2",)), "c": None})
    told = found.change({"a": Mentions(keys=("3",)), "b": None})
    found.write(connection)
    assert told["b"] is None
    assert connection.execute("SELECT key, value FROM state").fetchall() == [("a", told["a"])]


def test_written_records_are_there_after_a_restart(connection: Connection):
    found = Records()
    found.change({"a": Mentions(keys=("1",)), "b": Mentions(keys=("2",))})
    found.write(connection)
    found.change({"a": None, "b": Mentions(keys=("3",))})
    found.write(connection)
    assert stored(connection) == ["b"]
    assert Records().get(connection, "b") == Mentions(keys=("3",))
    assert Records().get(connection, "a") is None


def test_what_left_the_cache_is_read_again(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    """Memory stays bounded however many trades there are, also while changes wait to be written."""
    monkeypatch.setattr(records, "RECENT_MAX", 2)
    found, asked = Records(), list[str]()
    for names in ("abc", "de", "fg"):
        found.change({name: Mentions(keys=(name,)) for name in names})
        assert found.get(connection, names[0]) == Mentions(keys=(names[0],))
        found.write(connection)
    connection.set_trace_callback(asked.append)
    for name in "gfedcba":
        assert found.get(connection, name) == Mentions(keys=(name,))
    assert [statement[-3:] for statement in asked] == ["'e'", "'d'", "'c'", "'b'", "'a'"]


def test_what_is_asked_for_stays_in_the_cache(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "RECENT_MAX", 2)
    found = Records()
    found.change({"a": Mentions(keys=("a",))})
    found.write(connection)
    for name in "bcdefg":
        assert found.get(connection, "a") == Mentions(keys=("a",))
        found.change({name: Mentions(keys=(name,))})
        found.write(connection)
    connection.execute("DELETE FROM state")
    assert found.get(connection, "a") == Mentions(keys=("a",))


def test_what_is_large_is_not_held(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    """Memory stays bounded however many funds the blocks have; what is read is always the last word."""
    monkeypatch.setattr(records, "RECENT_MAX", 1)
    found, asked = Records(), list[str]()
    small = Mentions(keys=("1",))
    large = Mentions(keys=tuple(map(str, range(records.HELD_CHARACTERS_MAX // 4))))
    for record in (small, large):
        found.change({"a": record})
        found.write(connection)
        connection.set_trace_callback(asked.append)
        assert [found.get(connection, "a"), found.get(connection, "a")] == [record, record]
        connection.set_trace_callback(None)
    assert len(asked) == 2


def test_what_only_lists_others_is_stored_and_not_attested(connection: Connection):
    """A node that cannot read a destroyed day comes to the same about all trades beside those of that day."""
    found = Records()
    listed = {link_key("B/I", "common/C1"): Index(cards=("1\nbroker\nalone\ncommon/C1",))}
    said: dict[str, Canonical | None] = {messages_key("B/I", Role.BROKER, "R1"): Mentions(keys=("1",))}
    alone, both = found.change(said), found.change({**said, **listed})
    assert decision_digest("c", Written((), alone)) == decision_digest("c", Written((), both))
    assert decision_digest("c", Written((), alone)) != decision_digest("c", Written((), {}))
    found.write(connection)
    assert Records().get(connection, *listed) == next(iter(listed.values()))
