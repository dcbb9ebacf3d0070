"""The FIX link on a real quickfix at both ends: nothing lost, nothing sent twice, whatever is killed."""

import asyncio
import os
import sys
from asyncio import StreamWriter
from asyncio.subprocess import Process
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fix_peers import (
    BareClient,
    Inbox,
    alive,
    deliver,
    fix_text,
    free_port,
    kill_child,
    report,
    running,
    session,
    until,
    value,
)

from adapters import fix_link
from adapters.fix_link import FixLink
from adapters.link import Arrival, ClientAwayError, Delivery

pytest.importorskip("quickfix")
EACH_WAY = 200


async def test_both_ways(tmp_path: Path) -> None:
    """Two engines exchange messages: each arrives once, in order, with its fields as they were written."""
    port, ours, theirs = free_port(), Inbox(), Inbox()
    async with (
        running([session("BRK", "acceptor", port)], tmp_path / "sp", ours) as sp,
        running([session("BRK", "initiator", port)], tmp_path / "brk", theirs) as broker,
    ):
        await until(lambda: sp.connected("BRK") and broker.connected("BRK"))
        names = [f"N{number}" for number in range(EACH_WAY)]
        await asyncio.gather(
            *(deliver(link, "BRK", name, report(name)) for name in names for link in (sp, broker))
        )
        await until(lambda: len(ours.arrivals) == len(theirs.arrivals) == EACH_WAY)
        assert ours.references() == theirs.references() == names
        assert len({arrival.origin for arrival in ours.arrivals}) == EACH_WAY
        assert value(ours.arrivals[0].raw, 49) == "BRK"
        assert value(ours.arrivals[0].raw, 6) == "2500.5"
        assert sp.status()[0].received == EACH_WAY
        assert sp.status()[0].sent == EACH_WAY


async def test_repeated_delivery_is_sent_once(tmp_path: Path) -> None:
    """A delivery queue that repeats an id, in this run or the next, does the client no harm."""
    port, theirs = free_port(), Inbox()
    async with running([session("BRK", "initiator", port)], tmp_path / "brk", theirs):
        for _ in range(2):
            async with running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp:
                for _ in range(3):
                    await deliver(sp, "BRK", "once", report("ONCE"))
                await deliver(sp, "BRK", f"last {id(sp)}", report("LAST"))
        await until(lambda: theirs.references().count("LAST") == 2)
        assert theirs.references().count("ONCE") == 1


async def test_child_killed_while_messages_flow(tmp_path: Path) -> None:
    """kill -9 of the engine: all that is sent arrives, once towards the client, at least once towards us."""
    port, ours, theirs = free_port(), Inbox(), Inbox()
    async with (
        running([session("BRK", "acceptor", port)], tmp_path / "sp", ours) as sp,
        running([session("BRK", "initiator", port)], tmp_path / "brk", theirs) as broker,
    ):
        names = [f"N{number}" for number in range(EACH_WAY)]
        flow = asyncio.gather(
            *(deliver(link, "BRK", name, report(name)) for name in names for link in (sp, broker))
        )
        for so_far in (20, 80, 140):
            await until(lambda so_far=so_far: len(set(ours.references())) > so_far)
            killed = kill_child(sp)
            await until(lambda killed=killed: sp.child_pid not in (None, killed))
        await flow
        await until(lambda: set(ours.references()) == set(names) == set(theirs.references()))
        assert len(theirs.arrivals) == EACH_WAY
        origins: dict[str, str] = {}
        for arrival in ours.arrivals:
            assert origins.setdefault(value(arrival.raw, 755), arrival.origin) == arrival.origin
        assert len(set(origins.values())) == EACH_WAY


async def test_initiator_child_killed_while_messages_flow(tmp_path: Path) -> None:
    """The same where we are the side that connects."""
    port, ours, theirs = free_port(), Inbox(), Inbox()
    async with (
        running([session("BRK", "acceptor", port)], tmp_path / "sp", ours) as sp,
        running([session("BRK", "initiator", port)], tmp_path / "brk", theirs) as broker,
    ):
        names = [f"N{number}" for number in range(EACH_WAY)]
        flow = asyncio.gather(
            *(deliver(link, "BRK", name, report(name)) for name in names for link in (sp, broker))
        )
        await until(lambda: len(theirs.arrivals) > 50)
        kill_child(broker)
        await flow
        await until(lambda: set(ours.references()) == set(names) == set(theirs.references()))
        assert len(ours.arrivals) == EACH_WAY


@pytest.mark.parametrize("turns", range(6))
async def test_told_to_end_while_the_child_ends(turns: int) -> None:
    """A link that is cancelled just when its child has ended, so many turns of the loop later, ends too."""
    ended = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await asyncio.shield(ended)

    child = SimpleNamespace(wait=wait, returncode=-9)
    writer = SimpleNamespace(write=lambda _: None, close=lambda: None)
    stopping = asyncio.create_task(fix_link._stop_child(cast(Process, child), cast(StreamWriter, writer)))
    await asyncio.sleep(0)
    ended.set_result(None)
    for _ in range(turns):
        await asyncio.sleep(0)
    is_told = stopping.cancel()  # not where it has ended already
    await asyncio.wait([stopping])
    assert stopping.cancelled() is is_told


async def test_not_stored_is_sent_again(tmp_path: Path) -> None:
    """Where storing fails the link ends with that error, and the next one gets the message again."""
    port, ours = free_port(), Inbox()
    failed: list[Arrival] = []

    class Broken(Inbox):
        async def receive(self, arrival: Arrival) -> None:
            failed.append(arrival)
            raise OSError("disk full")

    async with running([session("BRK", "initiator", port)], tmp_path / "brk", Inbox()) as broker:
        broken = FixLink([session("BRK", "acceptor", port)], tmp_path / "sp")
        sending = asyncio.create_task(deliver(broker, "BRK", "one", report("ONE")))
        with pytest.raises(ExceptionGroup):
            await broken.run(Broken().receive)
        await sending
        async with running([session("BRK", "acceptor", port)], tmp_path / "sp", ours):
            await until(lambda: len(ours.arrivals) == 1)
    assert ours.arrivals[0].origin == failed[0].origin


async def test_power_cut(tmp_path: Path) -> None:
    """After the host went down our numbers go on ahead of what the client has seen, and the session lives."""
    port, theirs = free_port(), Inbox()
    async with running([session("BRK", "initiator", port)], tmp_path / "brk", theirs):
        async with running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp:
            await deliver(sp, "BRK", "one", report("ONE"))
        (tmp_path / "sp" / "FIX.4.4-SP-BRK.boot").write_text("another run of the host")
        async with running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp:
            await deliver(sp, "BRK", "two", report("TWO"))
            await until(lambda: theirs.references() == ["ONE", "TWO"])
    assert int(value(theirs.arrivals[1].raw, 34)) > 1000


async def test_away(tmp_path: Path) -> None:
    """A client that is not logged on is away; the delivery stays with its queue."""
    async with running([session("BRK", "acceptor", free_port())], tmp_path / "sp", Inbox()) as sp:
        with pytest.raises(ClientAwayError):
            await sp.send(Delivery("d1", "BRK", "result", report("R")))
        await until(lambda: sp.child_pid is not None)
        with pytest.raises(ClientAwayError):
            await sp.send(Delivery("d1", "BRK", "result", report("R")))


@pytest.mark.parametrize("raw", [fix_text((35, "0")), b"nonsense", fix_text((35, "AS"), (58, "a\0b"))])
async def test_unsendable(tmp_path: Path, raw: bytes) -> None:
    """What is no business message in FIX is refused, and the session lives on."""
    port, theirs = free_port(), Inbox()
    async with (
        running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp,
        running([session("BRK", "initiator", port)], tmp_path / "brk", theirs),
    ):
        await until(lambda: sp.connected("BRK"))
        with pytest.raises(ValueError, match="not a message"):
            await sp.send(Delivery("bad", "BRK", "result", raw))
        await deliver(sp, "BRK", "good", report("GOOD"))
        await until(lambda: theirs.references() == ["GOOD"])


DAEMON = """
import asyncio, pathlib, sys
from fix_peers import Inbox, running, session

async def main(port, state):
    async with running([session("BRK", "acceptor", port)], pathlib.Path(state), Inbox()) as sp:
        while sp.child_pid is None:
            await asyncio.sleep(0.01)
        print(sp.child_pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
"""


async def test_nothing_of_a_lot_overtakes_what_was_not_sent(tmp_path: Path) -> None:
    """Many deliveries are handed over at once; where one cannot be sent, those behind it wait with it."""
    port, theirs = free_port(), Inbox()
    async with (
        running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp,
        running([session("BRK", "initiator", port)], tmp_path / "brk", theirs) as broker,
    ):
        await until(lambda: sp.connected("BRK") and broker.connected("BRK"))
        names = [f"N{number}" for number in range(EACH_WAY)]
        lot = [Delivery(name, "BRK", "result", report(name)) for name in names]
        faulty = Delivery("faulty", "BRK", "result", b"no message")
        taken: list[None] = []
        with pytest.raises(ValueError, match="not a message"):
            await sp.send_lot([*lot[:50], faulty, *lot[50:]], lambda: taken.append(None))
        assert len(taken) == 50
        await sp.send_lot(lot[50:], lambda: taken.append(None))
        await until(lambda: len(theirs.arrivals) == EACH_WAY)
        assert theirs.references() == names
        assert len(taken) == EACH_WAY


async def test_no_orphan(tmp_path: Path) -> None:
    """kill -9 of the daemon takes the engine along, and the port is free for the next daemon."""
    port, here = free_port(), Path(__file__).parent
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(port), str(tmp_path / "sp"),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": f"{here}:{here.parents[1]}"},
    )  # fmt: skip
    assert daemon.stdout is not None
    line = b""
    while not line.strip().isdigit():
        line = await daemon.stdout.readline()
    daemon.kill()
    await daemon.wait()
    await until(lambda: not alive(int(line)))
    client = BareClient("BRK")
    async with running([session("BRK", "acceptor", port)], tmp_path / "sp", Inbox()) as sp:
        await client.connect(port)
        await until(lambda: sp.connected("BRK"))
        await client.close()
