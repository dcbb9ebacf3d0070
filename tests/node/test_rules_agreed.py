"""Rules that both sides agree on while the network runs: each trade is judged by those of its trade date.

What the rules say, the nodes of the two sides know, and nobody else.
"""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from agreeing import agree, agreement, document, sealed
from audits import own
from forging import delegate, say
from founding import BROKER, INVESTOR, keys_of, network
from granting import grants, secrets
from messages import block, file, report
from releases import finality, kinds
from scene import Node, Scene, in_folder, outcomes, running

from canonical.rules import Rules
from node.audit_keys import AuditKeys, keys_in
from node.auditing import audit
from node.document import seal_document
from node.memory_ledger import MemoryLedger
from node.reader_keys import create_reader
from node.rules_history import rules_alarm
from node.sealing import grant_secret
from node.store import STORE_FILE

LONG_AGO = 1_577_836_800_000_000  # the first of 2020: the day of the blocks in which they agree
TRADE_DATE = date(2026, 11, 20)
UNUSED = {"code": "NUFM"}
RATE = "0.00123457"
LENIENT = Rules.model_validate({"compare": {"fund": {"commission": UNUSED, "net": UNUSED}}})


async def traded(scene: Scene, number: int) -> None:
    """One trade of 2026-11-20 in which the commissions differ."""
    await scene.sp1.arrives("broker", report(f"B-{number}", commission="56900"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The investor may be served by sp3 as well, once it says so. Blocks are of long before any trade."""
    made = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["investor"], "sp3": ["investor"]})
    made.sp3.keys = keys_of("sp3", (INVESTOR,))
    for node in made.nodes.values():
        node.clock = lambda: LONG_AGO
    return made


def copies(node: Node) -> Counter[str]:
    """How many copies of the other side's words, and results, a node has queued for its clients."""
    return Counter(kind for (kind,) in node.rows("SELECT kind FROM delivery ORDER BY number"))


async def test_new_rules_hold_for_trades_from_their_date_on(scene: Scene):
    """What was judged before stays as it was; both nodes change at the same entry."""
    async with running(scene):
        await traded(scene, 1)
        await agree(scene, scene.sp1, LENIENT, TRADE_DATE)
        await traded(scene, 2)
        assert kinds(scene.sp1, "broker") == ["receipt", "other", "receipt", "agreed"]
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 4
        assert outcomes(scene.sp1) == outcomes(scene.sp2)


async def test_earlier_trades_stay_under_the_rules_of_their_date(scene: Scene):
    async with running(scene):
        await agree(scene, scene.sp1, LENIENT, date(2026, 11, 21))
        await traded(scene, 1)
        assert kinds(scene.sp1, "broker") == ["receipt", "other"]
        assert finality(scene.sp1) == ["final"] * 2


async def test_nobody_else_can_read_them(scene: Scene):
    """Neither in a third member's store nor in either side's: a copied disk tells nothing of a rate."""
    said = {"average_price": {"decimals": 7}, "commission": {"tariffs": [{"bands": [{"rate": RATE}]}]}}
    async with running(scene):
        named = await agree(scene, scene.sp1, Rules.model_validate(said), TRADE_DATE)
        assert RATE.encode() in named.text
        assert named.id.hex().encode() in scene.sp3.bytes_on_disk()  # the acts are there
        assert scene.sp3.rows("SELECT * FROM document") == []
        for node in scene.nodes.values():
            assert RATE.encode() not in node.bytes_on_disk()
            assert b"decimals" not in node.bytes_on_disk()


async def test_a_node_that_is_started_anew_knows_them(scene: Scene):
    async with running(scene):
        await agree(scene, scene.sp1, LENIENT, TRADE_DATE)
        for node in (scene.sp1, scene.sp2):
            await node.stop()
            await node.start()
        await traded(scene, 1)
        assert finality(scene.sp1) == ["final"] * 2
        assert kinds(scene.sp1, "broker") == ["receipt", "agreed"]


async def test_a_node_that_cannot_read_what_was_agreed_judges_nothing_until_it_can(scene: Scene):
    """It says so, and what came meanwhile is then judged in order, with a copy of it to its clients."""
    async with running(scene):
        await traded(scene, 1)
        named = await agree(scene, scene.sp1, LENIENT, TRADE_DATE, ("sp1", BROKER))
        assert "version 2, that this node cannot read" in scene.sp2.alarms()[rules_alarm(BROKER, INVESTOR)]
        before = copies(scene.sp2)
        await traded(scene, 2)
        assert finality(scene.sp2) == ["final"] * 2
        assert finality(scene.sp1)[2:] == ["open"] * 2
        assert copies(scene.sp2) == before
        await scene.sp2.stop()
        await scene.sp2.start()
        await say(scene, scene.sp1, sealed(named, ("sp2", INVESTOR)))
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 4
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert kinds(scene.sp1, "broker")[-1] == "agreed"
        assert copies(scene.sp2)["copy"] == 2 * before["copy"] > 0
        assert rules_alarm(BROKER, INVESTOR) not in scene.sp2.alarms()


@pytest.mark.parametrize("documents_first", [True, False])
async def test_who_reads_later_needs_them_too(scene: Scene, *, documents_first: bool):
    """Another SP of the investor comes to the same once it has been granted all days, and the rules."""
    async with running(scene):
        await traded(scene, 1)
        named = await agree(scene, scene.sp1, LENIENT, TRADE_DATE)
        await traded(scene, 2)
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 2))
        await traded(scene, 3)
        rules, days = [sealed(named, ("sp3", INVESTOR))], grants(scene.sp1)
        first, then = (rules, days) if documents_first else (days, rules)
        await say(scene, scene.sp2, *first)
        assert outcomes(scene.sp3) == []
        await say(scene, scene.sp2, *then)
        assert outcomes(scene.sp3) == outcomes(scene.sp1) != []
        await traded(scene, 4)
        ((last,),) = scene.sp1.rows("SELECT MAX(position) FROM decided")
        assert ("sp3",) in scene.sp1.rows("SELECT sp FROM attested WHERE position = ?", last)


async def test_what_is_no_document_of_the_two_is_passed_over(scene: Scene):
    """Of an SP that acts for neither side, of other rules than were agreed, altered, twice."""
    named = document(LENIENT, TRADE_DATE)
    other = document(LENIENT, date(2026, 11, 21))
    async with running(scene):
        await say(scene, scene.sp3, sealed(named))
        assert scene.sp1.rows("SELECT * FROM document") == []
        await say(scene, scene.sp1, sealed(other), sealed(other))
        assert len(scene.sp1.rows("SELECT * FROM document")) == 1
        for lei in (BROKER, INVESTOR):  # of rules that hold a day later
            await say(scene, scene.sp1, agreement(lei, other, TRADE_DATE))
        assert rules_alarm(BROKER, INVESTOR) not in scene.sp1.alarms()  # nothing was ever judged
        await traded(scene, 1)
        assert outcomes(scene.sp1) == []


async def test_an_audit_replays_by_them(scene: Scene, tmp_path: Path):
    """With the keys of a side whole; a reader who was not granted the rules can follow up to them."""
    public = create_reader(tmp_path / "reader", "reader", None).encryption.public
    async with running(scene):
        await traded(scene, 1)
        await agree(scene, scene.sp1, LENIENT, TRADE_DATE)
        await traded(scene, 2)
        await say(scene, scene.sp1, *(grant_secret(secret, public) for secret in secrets(scene.sp1)))
        blind = await audit(scene.sp1.folder / STORE_FILE, network(), read_by(tmp_path))
        named = document(LENIENT, TRADE_DATE)
        await say(scene, scene.sp1, seal_document(named, [public]))
        whole = await audit(scene.sp1.folder / STORE_FILE, network(), read_by(tmp_path))
        of_side = await audit(scene.sp1.folder / STORE_FILE, network(), own("sp1"))
    for found in (blind, whole, of_side):
        assert found.findings == ()
    assert [one.replayed for one in whole.relationships] == ["whole"]
    assert [one.replayed for one in of_side.relationships] == ["whole"]
    [told] = blind.relationships
    assert told.replayed == "in part"
    assert "its rules, version 2, were not granted" in told.reason


def read_by(folder: Path) -> AuditKeys:
    return keys_in(folder / "reader", None, network())
