"""Promises about reading a server's monitoring: what is damage, what is not, and what others must hold."""

from typing import Any

import pytest

from node.guard_findings import Copy, copy_in, damage, illness, is_off, names_corruption
from node.guard_look import Look
from node.guard_peers import Others, obstacle, others_in, peer_id
from node.lasting import Lasting


def _jsz(**state: Any) -> dict[str, Any]:
    whole = {"messages": 10, "first_seq": 1, "last_seq": 10}
    stream = {"name": "LEDGER", "cluster": {"leader": "sp2"}, "state": whole | state, "config": {"a": 1}}
    return {"account_details": [{"name": "X"}, {"name": "$G", "stream_detail": [{"name": "O"}, stream]}]}


def test_a_copy_is_found_among_accounts_and_streams():
    assert copy_in(_jsz(), "LEDGER") == Copy(10, 1, 10, leader="sp2", config={"a": 1})
    assert copy_in(_jsz(), "OTHER") is None
    assert copy_in({}, "LEDGER") is None


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"messages": 7, "num_deleted": 3}, "3 of 10 blocks"),
        ({"messages": 7}, "3 of 10 blocks"),
        ({"messages": 11}, "1 of 10 blocks"),
        ({"messages": 7, "first_seq": 4}, "3 of 10 blocks"),
        ({"messages": 0, "first_seq": 11}, "10 of 10 blocks"),
        ({"first_seq": 2, "last_seq": 11, "messages": 11}, "first block has sequence 2"),
        ({"lost": {"msgs": [3, 4], "bytes": 100}}, "lost 2 blocks"),
        ({"lost": {"bytes": 100}}, "lost 1 blocks"),
    ],
)
def test_damage_is_named(state: dict[str, Any], text: str):
    copy = copy_in(_jsz(**state), "LEDGER")
    assert copy is not None
    assert text in str(damage(copy))


@pytest.mark.parametrize(
    "state", [{}, {"messages": 3, "last_seq": 3}, {"messages": 0, "first_seq": 0, "last_seq": 0}]
)
def test_what_only_ends_early_is_not_damaged(state: dict[str, Any]):
    """A server that was killed lacks the last blocks for a moment, and a new one has none."""
    copy = copy_in(_jsz(**state), "LEDGER")
    assert copy is not None
    assert damage(copy) is None


def test_health_and_log_lines_are_understood():
    assert illness({"status": "ok"}) is None
    assert illness({"status": "unavailable", "error": "JetStream not enabled (10076)"}) is not None
    assert illness({}) is not None
    assert is_off({"disabled": True})
    assert not is_off({"config": {}})
    assert names_corruption("[FTL] Can't start JetStream: raft: snapshot corrupt")
    assert not names_corruption("[FTL] listen tcp 127.0.0.1:4222: bind: address already in use")


def test_a_look_tells_raft_files_from_the_stream():
    """A change of leader is neither."""
    looks = [
        Look((), None, "", off=False, illness=f"stream '$G > LEDGER' is not current: {why}")
        for why in ("stream assignment error: raft: snapshot corrupt", "group node missing", "no leader")
    ]
    assert [bool(look.corruption) for look in looks] == [True, False, False]
    assert [look.is_groupless for look in looks] == [False, True, False]
    assert [look.damage for look in looks] == [None] * 3


def _info(leader: str = "sp2", **peers: dict[str, Any]) -> dict[str, Any]:
    listed = [{"name": name} | peer for name, peer in peers.items()]
    return {
        "state": {"messages": 10, "first_seq": 1, "last_seq": 10},
        "cluster": {"leader": leader, "replicas": listed},
    }


def test_the_leaders_word_says_who_holds_the_ledger():
    info = _info(sp1={"offline": True}, sp3={"current": True})
    others = others_in(info, ["sp2", "sp3", "sp2"], "sp1")
    assert others == Others(("sp2", "sp3"), "sp2", ("sp2", "sp3"), 10, 1, 10, serves=True)
    assert obstacle(others, members=("sp2", "sp3"), replicas=3, archived=10) is None


def test_a_server_that_the_leader_has_never_seen_is_known_by_its_number():
    """Raft names servers by a hash, which a leader shows where it has met no such server yet."""
    assert peer_id("sp1") == "OzzfSSUJ"
    unknown = {"name": "Server name unknown at this time (peerID: OzzfSSUJ)", "peer": "OzzfSSUJ"}
    info = _info(sp3={"current": True})
    assert not others_in(info, [], "sp1").serves
    info["cluster"]["replicas"].append(unknown)
    assert others_in(info, [], "sp1").serves


@pytest.mark.parametrize(
    ("info", "connected", "archived", "text"),
    [
        ({}, ["sp2"], 0, "no leader of the ledger; not connected: sp3"),
        (_info("sp1", sp2={"current": True}), ["sp2", "sp3"], 0, "no leader"),
        (_info(sp3={"current": False}), ["sp2", "sp3"], 0, "only sp2 holds all"),
        (_info(sp3={"current": True, "offline": True}), ["sp2"], 0, "not connected: sp3"),
        (_info(sp3={"current": True}), ["sp2", "sp3"], 11, "have 10 blocks, this node's archive has 11"),
        (
            _info(sp3={"current": True}) | {"state": {"messages": 9, "first_seq": 1, "last_seq": 10}},
            ["sp2", "sp3"],
            0,
            "sp2, which leads, has 9 of 10 blocks itself",
        ),
    ],
)
def test_what_keeps_an_empty_server_from_starting_is_named(
    info: dict[str, Any], connected: list[str], archived: int, text: str
):
    """Each of these could have an empty or shorter ledger elected."""
    others = others_in(info, connected, "sp1")
    assert text in str(obstacle(others, members=("sp2", "sp3"), replicas=3, archived=archived))


def test_what_lasts_is_counted_without_breaks():
    lasting = Lasting()
    told = [("a", 1.0), ("a", 4.0), ("b", 5.0), (None, 6.0), ("b", 7.0), ("b", 9.0)]
    assert [lasting.seconds(what, now) for what, now in told] == [0, 3, 0, 0, 0, 2]
    lasting.end()
    assert lasting.seconds("b", 10.0) == 0
