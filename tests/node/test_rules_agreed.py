"""Rules that both sides agree on while the network runs: each trade is judged by those of its trade date."""

from datetime import date
from pathlib import Path

from forging import applied, forged, stated
from founding import BROKER, INVESTOR, identity_of
from messages import block, file, report
from releases import finality, kinds
from scene import Scene, in_folder, outcomes, running

from canonical.rules import Rules
from node.act import AgreeRules
from node.entry import ActEntry
from node.memory_ledger import MemoryLedger

LONG_AGO = 1_577_836_800_000_000  # the first of 2020: the day of the blocks in which they agree
UNUSED = {"code": "NUFM"}
LENIENT = Rules.model_validate({"compare": {"fund": {"commission": UNUSED, "net": UNUSED}}})


def agreement(lei: str, since: date) -> ActEntry:
    said = AgreeRules(
        institution=lei,
        number=1,
        broker=BROKER,
        investor=INVESTOR,
        version=2,
        from_trade_date=since,
        rules=LENIENT,
    )
    return stated(said, identity_of(lei))


async def agree(scene: Scene, since: date) -> None:
    """Both sides' statements, in blocks of sp3, which the test plays."""
    for number, lei in ((1, BROKER), (2, INVESTOR)):
        await applied(scene, forged("sp3", number, agreement(lei, since), time=LONG_AGO))


async def traded(scene: Scene, number: int) -> None:
    """One trade of 2026-11-20 in which the commissions differ."""
    await scene.sp1.arrives("broker", report(f"B-{number}", commission="56900"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


def scene_in(folder: Path) -> Scene:
    scene = in_folder(folder, MemoryLedger())
    del scene.nodes["sp3"]
    return scene


async def test_new_rules_hold_for_trades_from_their_date_on(tmp_path: Path):
    """What was judged before stays as it was; both nodes change at the same entry."""
    scene = scene_in(tmp_path)
    async with running(scene):
        await traded(scene, 1)
        await agree(scene, date(2026, 11, 20))
        await traded(scene, 2)
        assert kinds(scene.sp1, "broker") == ["receipt", "other", "receipt", "agreed"]
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 4
        assert outcomes(scene.sp1) == outcomes(scene.sp2)


async def test_earlier_trades_stay_under_the_rules_of_their_date(tmp_path: Path):
    scene = scene_in(tmp_path)
    async with running(scene):
        await agree(scene, date(2026, 11, 21))
        await traded(scene, 1)
        assert kinds(scene.sp1, "broker") == ["receipt", "other"]
        assert finality(scene.sp1) == ["final"] * 2
