"""Promises about the ledger on real nats-servers: one order for all, nothing lost, holes are seen."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from ledger_scene import (
    PATIENCE_SECONDS,
    STREAM,
    alive,
    api,
    append_until_acknowledged,
    cluster_settings,
    first,
    ledger_on,
    raw_client,
    single_settings,
)
from nats.aio.msg import Msg

from node import jetstream, jetstream_feed
from node.guard_peers import peer_id
from node.jetstream import JetStreamLedger
from node.jetstream_feed import Feed
from node.jetstream_near import holds, is_of_leader
from node.jetstream_settings import monitoring_findings, stream_config
from node.ledger import LedgerError, LedgerGapError, LedgerRefusedError, LedgerUnavailableError
from node.nats_server import EmbeddedServer

# Where a server dies as it is greeted, nats-py drops the connection without closing it: Python 3.13 says so.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")


async def test_three_members_order_alike_and_lose_nothing_when_killed(tmp_path: Path) -> None:
    """kill -9 of each server in turn, the leader too, under load: every block arrives, in one order."""
    async with contextlib.AsyncExitStack() as stack:
        settings = cluster_settings(tmp_path)
        entered = [stack.enter_async_context(EmbeddedServer(each)) for each in settings]
        servers = await asyncio.gather(*entered)
        nodes = [ledger_on(server, each.name, 3) for server, each in zip(servers, settings, strict=True)]
        ledgers = await asyncio.gather(*(stack.enter_async_context(node) for node in nodes))

        acknowledged: dict[bytes, int] = {}

        async def author(ledger: JetStreamLedger, sp: str) -> None:
            for number in range(120):
                block = f"{sp} {number}".encode()
                acknowledged[block] = await append_until_acknowledged(ledger, block, block.decode())

        async def killer() -> None:
            for server in servers:
                await asyncio.sleep(0.3)
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
                await _restarted(server)

        readers = [asyncio.create_task(first(ledger, 360)) for ledger in ledgers]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(killer())
            for ledger, each in zip(ledgers, settings, strict=True):
                tasks.create_task(author(ledger, each.name))
        seen = await asyncio.gather(*readers)

        assert seen[0] == seen[1] == seen[2]
        assert [sequence for sequence, _ in seen[0]] == list(range(1, 361))
        assert {block: sequence for sequence, block in seen[0]} == acknowledged
        for each in settings:
            mine = [block for _, block in seen[0] if block.startswith(each.name.encode())]
            assert mine == [f"{each.name} {number}".encode() for number in range(120)]
        pids = [server.pid for server in servers]
    assert not any(alive(pid) for pid in pids if pid is not None)


async def test_a_member_that_ends_is_not_felt_by_the_others(tmp_path: Path) -> None:
    """Each node reads from its own server alone, and a server that ends has made another one lead before."""
    async with contextlib.AsyncExitStack() as stack:
        settings = cluster_settings(tmp_path)
        servers = {each.name: EmbeddedServer(each) for each in settings}
        entered = await asyncio.gather(*(server.__aenter__() for server in servers.values()))
        for server in entered:
            stack.push_async_exit(server)
        ledgers = {sp: ledger_on(server, sp, 3) for sp, server in servers.items()}
        await asyncio.gather(*(stack.enter_async_context(ledger) for ledger in ledgers.values()))
        readers = {sp: asyncio.create_task(first(ledger, 2)) for sp, ledger in ledgers.items()}
        await append_until_acknowledged(ledgers["sp1"], b"before", "1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _served_by(servers["sp1"]) != sorted(servers):  # noqa: ASYNC110 - tests alone wait
                await asyncio.sleep(0.05)

        leads = await _leader(servers["sp1"])
        await ledgers[leads].__aexit__(None, None, None)  # as a node does that ends
        await servers[leads].__aexit__(None, None, None)
        left = [sp for sp in servers if sp != leads]
        assert {await _leader(servers[sp]) for sp in left} < set(left)
        await append_until_acknowledged(ledgers[left[0]], b"after", "2")
        for sp in left:
            assert await readers[sp] == [(1, b"before"), (2, b"after")]
        readers[leads].cancel()


def test_a_server_counts_before_its_name_is_known() -> None:
    """A leader that has not met a member since it leads tells of it by Raft's own name alone."""
    unknown = {"name": "Server name unknown at this time", "peer": peer_id("sp2")}
    known = {"name": "sp3", "peer": peer_id("sp3")}
    info = {"cluster": {"leader": "sp1", "replicas": [unknown, known]}}
    assert [sp for sp in ("sp1", "sp2", "sp3", "sp4") if holds(info, sp)] == ["sp1", "sp2", "sp3"]
    assert holds({"cluster": None}, "sp1"), "servers that form no cluster"


async def _served_by(server: EmbeddedServer) -> list[str]:
    """The servers that serve readers, one for each reader."""
    async with raw_client(server) as client:
        found = (await api(client, f"CONSUMER.LIST.{STREAM}", {})).get("consumers") or ()
    return sorted(str(consumer["cluster"]["leader"]) for consumer in found)


async def _leader(server: EmbeddedServer) -> str:
    async with raw_client(server) as client:
        return str((await api(client, f"STREAM.INFO.{STREAM}", {}))["cluster"]["leader"])


async def _restarted(server: EmbeddedServer) -> None:
    """Wait until the supervision has brought the server back."""
    restarts = server.restarts
    async with asyncio.timeout(PATIENCE_SECONDS):
        while server.restarts == restarts or server.pid is None:  # noqa: ASYNC110 - tests alone wait for it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("info", "is_leaders"),
    [
        ({}, True),
        ({"cluster": {"leader": "sp1"}}, True),
        ({"cluster": {"leader": "sp1", "replicas": [{"name": "sp2"}, {"name": "sp3"}]}}, True),
        ({"cluster": {"leader": "sp1", "replicas": [{"name": "sp1"}, {"name": "sp3"}]}}, False),
        ({"cluster": {"leader": "", "replicas": [{"name": "sp1"}, {"name": "sp3"}]}}, False),
        ({"cluster": {"replicas": None}}, False),
    ],
)
def test_who_has_lost_its_copy_does_not_tell_how_far_the_ledger_goes(
    info: dict[str, Any], *, is_leaders: bool
) -> None:
    """Only the leader's answer counts: who answers does not stand among its own replicas."""
    assert is_of_leader(info) is is_leaders


async def test_one_member_works_and_remembers(tmp_path: Path) -> None:
    """A trial network of one keeps what it was given over a restart, and drops a copy it remembers."""
    settings = single_settings(tmp_path)
    async with EmbeddedServer(settings) as server, ledger_on(server) as ledger:
        assert await ledger.head() == 0
        assert [await ledger.append(b"%d" % number, f"id {number}") for number in range(5)] == [1, 2, 3, 4, 5]
        assert await ledger.append(b"2", "id 2") == 3
        assert await ledger.check() == ()
    async with EmbeddedServer(settings) as server, ledger_on(server, create=False) as ledger:
        assert await ledger.head() == 5
        assert await first(ledger, 2, after=3) == [(4, b"3"), (5, b"4")]


async def test_who_has_not_read_its_own_blocks_publishes_nothing(tmp_path: Path) -> None:
    """An author whose store is lost or old is held back, whatever it takes the height of the ledger for."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(single_settings(tmp_path)))

        async def life(sp: str) -> JetStreamLedger:
            return await stack.enter_async_context(ledger_on(server, sp))

        before, other, now, late = [await life(sp) for sp in ("sp1", "sp2", "sp1", "sp1")]
        assert await before.append(b"first", "sp1-1", 0) == 1
        assert await other.append(b"another's", "sp2-1", 0) == 2
        with pytest.raises(
            LedgerUnavailableError, match="block of this node's at sequence 1, it has read as far"
        ):
            await now.append(b"first again", "sp1-1-x", 0)
        assert await now.append(b"second", "sp1-2", 1) == 3  # what others have said since is no hindrance
        assert await now.append(b"third", "sp1-3", 1) == 4  # it knows its own from here on
        condition = await late._fence.condition(4)
        await now.append(b"fourth", "sp1-4", 4)
        with pytest.raises(LedgerUnavailableError, match="wrong last sequence: 5"):
            await late._publish(b"beside it", condition, 1.0)
        assert await late.head() == 5


async def test_what_is_not_acknowledged_is_said_again_and_stands_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that steps down may have taken a block, or not: the next one is asked at once."""
    async with EmbeddedServer(single_settings(tmp_path)) as server, ledger_on(server) as ledger:
        request, asked = ledger._client.request, 0

        async def unheard(*arguments: Any, **words: Any) -> Msg:
            nonlocal asked
            asked += 1
            answer = await request(*arguments, **words)
            if asked == 1:
                raise nats.errors.TimeoutError
            return answer

        monkeypatch.setattr(ledger._client, "request", unheard)
        assert await ledger.append(b"once", "1") == 1
        assert await ledger.append(b"next", "2") == 2
        assert asked == 3


async def test_a_waiting_reader_gets_new_blocks_through_every_trouble(tmp_path: Path) -> None:
    """Reading goes on when the server forgets the reader, and when the server itself is killed."""
    async with EmbeddedServer(single_settings(tmp_path)) as server, ledger_on(server) as ledger:
        reader = asyncio.create_task(first(ledger, 3))
        await append_until_acknowledged(ledger, b"first", "1")
        async with raw_client(server) as client:
            for name in (await api(client, f"CONSUMER.NAMES.{STREAM}", {})).get("consumers") or ():
                await api(client, f"CONSUMER.DELETE.{STREAM}.{name}", {})
        await append_until_acknowledged(ledger, b"second", "2")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await append_until_acknowledged(ledger, b"third", "3")
        assert await reader == [(1, b"first"), (2, b"second"), (3, b"third")]


async def test_a_long_read_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of blocks arrive in order, whole, also to a reader that is slower than the server."""
    monkeypatch.setattr(jetstream_feed, "SILENCE_SECONDS", 10)
    async with EmbeddedServer(single_settings(tmp_path)) as server, ledger_on(server) as ledger:
        limit = asyncio.Semaphore(100)

        async def append(number: int) -> None:
            async with limit:
                await append_until_acknowledged(ledger, number.to_bytes(4, "big") * 500, str(number))

        await asyncio.gather(*(append(number) for number in range(1_500)))
        seen = await first(ledger, 1_500)
        assert [sequence for sequence, _ in seen] == list(range(1, 1_501))
        assert {block for _, block in seen} == {number.to_bytes(4, "big") * 500 for number in range(1_500)}


async def test_a_gap_is_named(tmp_path: Path) -> None:
    """A server that lacks a block is never read past it."""
    async with EmbeddedServer(single_settings(tmp_path)) as server, raw_client(server) as client:
        await api(client, f"STREAM.CREATE.{STREAM}", stream_config(STREAM, 1) | {"deny_delete": False})
        for number in range(3):
            await client.jetstream().publish("ledger.sp1", b"%d" % number)
        await api(client, f"STREAM.MSG.DELETE.{STREAM}", {"seq": 2, "no_erase": True})
        feed = Feed(client, STREAM, 0)
        await feed.open()
        await api(client, f"CONSUMER.CREATE.{feed.path}", feed.request)
        assert await feed.next() == (1, b"0")
        with pytest.raises(LedgerGapError, match="expected sequence 2, saw 3"):
            await feed.next()
        holes = await monitoring_findings(server.monitoring, STREAM)
        assert ["has holes" in str(finding) for finding in holes] == [True]


async def test_a_ledger_that_has_been_rewound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that knows more than the engine does not wait for ever, nor start over."""
    monkeypatch.setattr(jetstream, "REWIND_SECONDS", 0.1)
    async with EmbeddedServer(single_settings(tmp_path)) as server, ledger_on(server) as ledger:
        await ledger.append(b"only", "1")
        with pytest.raises(LedgerGapError, match="expected sequence 8, saw 1"):
            await first(ledger, 1, after=7)


async def test_an_unanswered_append_is_an_operating_error(tmp_path: Path) -> None:
    """A node whose server has gone hears so in one kind of error, for every call."""
    async with EmbeddedServer(single_settings(tmp_path)) as server:
        ledger = await ledger_on(server).__aenter__()
    try:
        for call in (ledger.append(b"x", "1"), ledger.head(), ledger.check()):
            with pytest.raises(LedgerUnavailableError):
                await call
    finally:
        await ledger.__aexit__(None, None, None)


def test_errors_of_a_ledger_have_one_root() -> None:
    """A caller can treat all of them alike."""
    assert {LedgerUnavailableError, LedgerGapError, LedgerRefusedError} <= set(LedgerError.__subclasses__())
