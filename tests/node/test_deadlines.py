"""At a deadline, by ledger time alone, both sides hear what is open; an idle network gets there too."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from audits import own
from beside import seen
from forging import act, say
from founding import BROKER, INVESTOR, RIVAL
from messages import block, file, report
from scene import PACE, Node, Scene, in_folder, outcomes, running, until

from node.act import SetDeadlines
from node.auditing import audit
from node.entry import EntryKind
from node.inspection import status_of
from node.ledger_time import machine_clock, microseconds_of
from node.memory_ledger import MemoryLedger
from node.network import NetworkDeadlines
from node.store import STORE_FILE

THREE = datetime(2026, 11, 20, 15, 0, tzinfo=UTC) - timedelta(hours=9)
HOUR = timedelta(hours=1)
RULES = {"deadlines": {"remind_at": [time(16)]}}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """It is three in the afternoon of the trade date; the rules know one deadline, at four."""
    made = in_folder(tmp_path, MemoryLedger(), **RULES)
    it_is(made, THREE)
    return made


def it_is(scene: Scene, now: datetime, *sps: str) -> None:
    """Set clocks, all of them if none is named: they go on from there."""
    off = microseconds_of(now) - machine_clock()
    for sp in sps or scene.nodes:
        scene.nodes[sp].clock = lambda: machine_clock() + off


def statuses(node: Node, client: str) -> list[str]:
    """What a client has heard, without copies."""
    query = "SELECT status FROM delivery WHERE client = ? AND kind <> 'copy' ORDER BY number"
    return [status for (status,) in node.rows(query, client)]


def reminders(node: Node) -> list[str | None]:
    """The faults of the reminders that a node has read, None for those that counted."""
    return [fault for (fault,) in node.rows("SELECT fault FROM said WHERE submission LIKE '%\"reminder\"%'")]


async def test_what_is_alone_is_alleged_at_the_deadline(scene: Scene):
    """Nobody speaks any more after three; at four the broker hears that it stands alone, the investor too."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert (statuses(scene.sp1, "broker"), statuses(scene.sp2, "investor")) == (["received"], [])
        it_is(scene, THREE + HOUR)
        await until(lambda: statuses(scene.sp2, "investor"))
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "unmatched"]
        assert statuses(scene.sp2, "investor") == ["alleged"]
        [row] = [sent.raw.decode("cp932") for sent in scene.sp2.link.to("investor") if b"B-1" in sent.raw][
            -1:
        ]
        assert "相手方のみ" in row
        assert "16:00:00 (1 of 1)" in row
        assert "buy 30000 JP3633400001 at 2845.5 JPY" in row
        assert outcomes(scene.sp1) == outcomes(scene.sp2)


async def test_a_deadline_passes_once(scene: Scene, tmp_path: Path):
    """Restarts and both sides' nodes say it again at most; nobody hears it twice, and the audit agrees."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        it_is(scene, THREE + HOUR)
        await until(lambda: statuses(scene.sp2, "investor"))
        await scene.settled()
        for node in (scene.sp1, scene.sp2):
            await node.stop()
            await node.start()
        await scene.settled()
        assert statuses(scene.sp2, "investor") == ["alleged"]
        assert 1 <= len(reminders(scene.sp1)) <= 2
        assert reminders(scene.sp1) == [None] * len(reminders(scene.sp1))
        told = scene.sp1.rows("SELECT outcome FROM outcome WHERE kind = 'result'")
        assert [json.loads(text)["deadline"]["number"] for (text,) in told] == [1]
    for sp in ("sp1", "sp2"):
        found = await audit(tmp_path / sp / STORE_FILE, scene.sp1.network, own(sp))
        assert (found.findings, found.not_checked) == ((), ())


async def test_one_fast_clock_passes_no_deadline(scene: Scene):
    """The node whose clock is an hour ahead asks the others for the time, and is told that it is not yet."""
    scene.sp1.pace = scene.sp2.pace = replace(PACE, look=0.01)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        it_is(scene, THREE + HOUR, "sp1")
        await until(lambda: times_asked(scene.sp3) > 0)
        await scene.settled()
        assert scene.sp3.rows("SELECT MAX(time) FROM archive")[0][0] < microseconds_of(THREE + HOUR)
        assert times_asked(scene.sp3) <= 2  # not at every look
        assert reminders(scene.sp1) == []
        assert statuses(scene.sp2, "investor") == []


def times_asked(node: Node) -> int:
    """How many entries there are that only say the time: an array that holds nothing but its kind."""
    entry = bytes([0x41 + 1, 0x81, EntryKind.TIME])
    return sum(entry in raw for (raw,) in node.rows("SELECT block FROM archive"))


async def test_nothing_is_said_of_what_is_agreed(scene: Scene):
    """Where all is agreed, a deadline costs nothing: not one block."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        before = scene.sp1.head()
        it_is(scene, THREE + HOUR)
        await asyncio.sleep(10 * PACE.look)
        await scene.settled()
        assert scene.sp1.head() == before
        assert statuses(scene.sp2, "investor") == ["received", "matched"]


async def test_what_differs_is_told_again_to_both(scene: Scene):
    """With the same cause, in an answer of its own."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1", commission="56900")))
        await scene.settled()
        it_is(scene, THREE + HOUR)
        await until(lambda: len(statuses(scene.sp2, "investor")) == 3)
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "funds_mismatched", "funds_mismatched"]
        assert statuses(scene.sp2, "investor") == ["received", "funds_mismatched", "funds_mismatched"]
        again = scene.sp1.link.to("broker")[-1].raw.decode()
        assert "commission: broker 56910, investor 56900" in again
        assert "16:00:00 (1 of 1)" in again


async def test_at_once_where_the_rules_say_so(tmp_path: Path):
    """The investor hears of the block when it is ordered, and need not wait for a deadline."""
    scene = in_folder(tmp_path, MemoryLedger(), deadlines={"allege_at_once": True})
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "unmatched"]
        assert statuses(scene.sp2, "investor") == ["alleged"]
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        assert statuses(scene.sp1, "broker")[-1] == statuses(scene.sp2, "investor")[-1] == "matched"


async def test_one_side_away_at_the_deadline(scene: Scene):
    """What is open is told when the other side's node is back: by the ledger it is four all the same."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.stop()
        it_is(scene, THREE + HOUR)
        await until(lambda: reminders(scene.sp1))
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received"]
        it_is(scene, THREE + 3 * HOUR)
        await scene.sp2.start()
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "unmatched"]
        assert statuses(scene.sp2, "investor") == ["alleged"]


async def test_members_set_deadlines_for_all_that_have_none(tmp_path: Path):
    """Two of three members have voted the day before: at four both sides hear, and the audit agrees."""
    scene = in_folder(tmp_path, MemoryLedger())
    it_is(scene, THREE - timedelta(days=1))
    deadlines = NetworkDeadlines(remind_at=(time(16),), from_trade_date=THREE.date())
    async with running(scene):
        for node in (scene.sp1, scene.sp3):
            await say(scene, node, act(SetDeadlines(deadlines=deadlines)))
        it_is(scene, THREE)
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert statuses(scene.sp2, "investor") == []
        it_is(scene, THREE + HOUR)
        await until(lambda: statuses(scene.sp2, "investor"))
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "unmatched"]
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
    found = await audit(tmp_path / "sp1" / STORE_FILE, scene.sp1.network, own("sp1"))
    assert (found.findings, found.not_checked) == ((), ())


async def test_in_a_network_of_two_a_deadline_waits_for_who_is_away(tmp_path: Path):
    """It is told once the second is back; until then status says since when time stands, and for whom."""
    two = {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL)}
    scene = in_folder(tmp_path, MemoryLedger(), served=two, **RULES)
    it_is(scene, THREE)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.stop()
        it_is(scene, THREE + HOUR)
        await until(lambda: times_asked(scene.sp1) > 0)
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received"]
        with seen(scene.sp1) as view:
            standing = status_of(view).time
        assert standing is not None
        assert (standing.held_back_by, standing.needed) == (("sp2",), 1)
        assert standing.at < THREE + HOUR
        await scene.sp2.start()
        await until(lambda: statuses(scene.sp2, "investor"))
        await scene.settled()
        assert statuses(scene.sp1, "broker") == ["received", "unmatched"]
        with seen(scene.sp1) as view:
            assert not [one for one in status_of(view).findings if "stands still" in one]
