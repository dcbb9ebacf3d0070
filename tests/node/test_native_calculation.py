"""In FIX 4.4 and ISO 20022 too a client asks what the agreed rules make of a trade, and takes it over."""

import re
from pathlib import Path

import pytest
from messages import report
from native_words import accepted, claim, heard, instruction, response, split, statuses
from scene import Scene, in_folder, running

from node.memory_ledger import MemoryLedger

COMMISSION = {"tariffs": ({"bands": ({"rate": "0.0010"},)},)}
WORKING = "consumption tax 2845 = 28455 x 0.1 (down)"


def scene_of(folder: Path, **rules: object) -> Scene:
    clients = {"sp1": ["broker"], "sp2": ["fix", "iso"]}
    return in_folder(folder, MemoryLedger(), clients, commission=COMMISSION, **rules)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(tmp_path)


def figures(report_of_ours: str) -> list[tuple[str, ...]]:
    """Account, commission, net and consumption tax of an AllocationReport."""
    one = r"\|79=(\w+)\|.*?\|12=(\d+)\|13=3\|154=(\d+)\|136=1\|137=(\d+)\|138=JPY\|139=9"
    return re.findall(one, report_of_ours)


AS_CALCULATED = [("F1", "56910", "56972601", "5691"), ("F2", "28455", "28486300", "2845")]


@pytest.mark.parametrize("adoption", ["J", "AT"])
async def test_an_investor_on_fix_asks_and_takes_over(scene: Scene, adoption: str):
    """The figures come with each amount in its own field, and one message makes the trade agreed."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "2")))
        await scene.settled()
        await scene.sp2.arrives("fix", instruction("Q-1", ("72", "A-1"), ("626", "8"), ("808", "1")))
        await scene.settled()
        *_, status, told = heard(scene.sp2, "fix")
        assert all(part in status for part in ("|35=P|", "|70=Q-1|", "|87=3|"))
        assert all(part in told for part in ("|35=AS|", "|70=Q-1|", "|794=8|", "|808=1|", "|118=85458901|"))
        assert figures(told) == AS_CALCULATED
        assert WORKING in told
        assert statuses(scene.sp2)[-1] == "PEND"  # to ask changes nothing
        named = re.search(r"\|755=([^|]+)\|", told)
        assert named is not None
        takes_over = {
            "J": instruction("Q-2", ("72", "A-1"), ("626", "8"), ("808", "4")),
            "AT": accepted(named[1], "Q-1"),
        }[adoption]
        await scene.sp2.arrives("fix", takes_over)
        await scene.settled()
        assert statuses(scene.sp1)[-1] == statuses(scene.sp2)[-1] == "MAGR"
        assert any(
            "|35=P|" in one and "|70=A-1|" in one and "|87=0|" in one for one in heard(scene.sp2, "fix")
        )


async def test_a_split_and_the_request_are_one_message_on_fix(scene: Scene):
    """An investor that computes nothing itself sends one message, and the trade is agreed."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "8"), ("808", "4")))
        await scene.settled()
        assert statuses(scene.sp1) == ["MAGR"]


async def test_a_proposal_is_taken_over_with_one_message(tmp_path: Path):
    """The broker, whose commission is a yen too high, is told the figures by the rules and accepts them."""
    scene = scene_of(tmp_path, agreeing={"resolve": "propose"})
    async with running(scene):
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "8"), ("808", "4")))
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-1", commission="56911"))
        await scene.settled()
        *_, status, told = heard(scene.sp1, "broker")
        assert "|87=2|" in status
        assert all(part in told for part in ("|35=AS|", "|70=B-1|", "|808=1|"))
        assert figures(told) == AS_CALCULATED
        named = re.search(r"\|755=([^|]+)\|", told)
        assert named is not None
        await scene.sp1.arrives("broker", accepted(named[1], "B-1"))
        await scene.settled()
        assert statuses(scene.sp2)[-1] == "MAGR"


async def test_a_broker_on_fix_asks_and_takes_over(scene: Scene):
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1", commission="56911"))
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "8"), ("808", "4")))
        await scene.settled()
        await scene.sp1.arrives("broker", claim("Q-1", ("808", "1"), ("795", "B-1")))
        await scene.settled()
        *_, status, told = heard(scene.sp1, "broker")
        assert all(part in status for part in ("|35=AT|", "|755=Q-1|", "|87=3|"))
        assert figures(told) == AS_CALCULATED
        await scene.sp1.arrives("broker", claim("Q-2", ("808", "4"), ("795", "B-1")))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == "MAGR"


async def test_an_investor_on_iso20022_asks_and_takes_over(scene: Scene):
    """A proprietary status of setr.030 asks; commission and tax come in fields of their own."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1", commission="56910"))
        await scene.settled()
        await scene.sp2.arrives("iso", split("calculation-asked-with-the-split"))
        await scene.settled()
        await scene.sp2.arrives("iso", response("X-1", "CALC", InstgPtyTxId="K1-0"))
        await scene.settled()
        told = heard(scene.sp2, "iso")[-1]
        assert told.count("<Id>CALC</Id>") == 5  # of the block, of each fund and of its commission
        assert '<TtlVATAmt Ccy="JPY">5691</TtlVATAmt>' in told
        assert "net 28486300" in told
        assert WORKING in told
        await scene.sp2.arrives("iso", response("X-2", "ADPT", InstgPtyTxId="K1-0"))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == "MAGR"
        assert "<Mtchd" in heard(scene.sp2, "iso")[-1]


async def test_a_split_and_the_request_are_one_thing_in_iso20022(scene: Scene):
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("iso", split("calculation-adopted-with-the-split"))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == "MAGR"


async def test_what_the_rules_cannot_calculate_is_refused_with_the_reason(tmp_path: Path):
    """Without a commission table there is nothing to tell: the client hears why, in its own format."""
    scene = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["fix", "iso"]})
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "2")))
        await scene.settled()
        await scene.sp2.arrives("fix", instruction("Q-1", ("72", "A-1"), ("626", "8"), ("808", "1")))
        await scene.sp2.arrives("iso", response("X-1", "CALC", InstgPtyTxId="A-1"))
        await scene.settled()
        refused = heard(scene.sp2, "fix")[-1]
        assert all(part in refused for part in ("|35=P|", "|70=Q-1|", "|87=1|", "no commission in common"))
        assert "no commission in common" in heard(scene.sp2, "iso")[-1]
