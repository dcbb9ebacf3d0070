"""The calendar of the master data reaches the contract: that of the entry's position, at whatever node."""

import asyncio
import datetime
from pathlib import Path

from audits import audited, own
from forging import act, delegate, say
from founding import INVESTOR, keys_of
from granting import grants
from messages import block, file, report
from scene import Scene, in_folder, outcomes, running

from canonical.calendar import Calendar
from canonical.diagnosis.english import in_english
from canonical.result import Result
from node.act import SetCalendar
from node.memory_ledger import MemoryLedger
from node.store import STORE_FILE

FIRST, LAST = datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)
OPEN = Calendar(name="JPX", first=FIRST, last=LAST)
HOLIDAY = OPEN.model_copy(update={"closed": (datetime.date(2026, 11, 23),)})
TOLD = [
    "settlement date: broker 2026-11-25, investor 2026-11-24: no calendar is known to count business days by",
    "settlement date: broker settles on T+3 (2026-11-25), investor settles on T+2 (2026-11-24)",
    "settlement date: broker observes holidays (2026-11-25), "
    "investor counts the holiday Monday 2026-11-23 as a business day (2026-11-24)",
]


async def traded(scene: Scene, number: int) -> None:
    """A trade of Friday, 20 November 2026, that the investor settles a day before the broker."""
    await scene.sp1.arrives("broker", report(f"B-{number}"), f"report {number}")
    await scene.settled()
    raw = file(block(f"A-{number}", order=f"B-{number}")).replace(b"2026/11/25", b"2026/11/24")
    await scene.sp2.arrives("investor", raw, f"file {number}")
    await scene.settled()


async def decided(scene: Scene, calendar: Calendar) -> None:
    for node in (scene.sp1, scene.sp2):
        await say(scene, node, act(SetCalendar(calendar=calendar)))


def causes(scene: Scene) -> list[str]:
    """Why settlement dates differ, as sp1 has it, trade by trade."""
    rows = scene.sp1.rows("SELECT outcome FROM outcome WHERE kind = 'result' ORDER BY position")
    found = [Result.model_validate_json(text).diagnosis for (text,) in rows]
    return [in_english(one.causes[0]) for one in found if one is not None]


async def test_each_trade_is_judged_by_the_calendar_of_its_position(tmp_path: Path):
    """What members vote on between two trades holds for the second alone, at all nodes alike.

    An SP that may read everything only afterwards comes to the same, and so does an audit.
    """
    scene = in_folder(tmp_path, MemoryLedger())
    scene.sp3.keys = keys_of("sp3", (INVESTOR,))
    async with running(scene):
        await traded(scene, 1)
        await decided(scene, OPEN)
        await traded(scene, 2)
        await decided(scene, HOLIDAY)
        await traded(scene, 3)
        assert causes(scene) == TOLD
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        await say(scene, scene.sp1, delegate(INVESTOR, "sp3", 1))
        await say(scene, scene.sp2, *grants(scene.sp1))
        await traded(scene, 4)  # whose secret follows on those that were granted
        assert outcomes(scene.sp3) == outcomes(scene.sp1)


def test_an_audit_has_the_calendar_of_each_position(tmp_path: Path):
    """Years later the whole archive is replayed with the calendars that held then."""
    asyncio.run(test_each_trade_is_judged_by_the_calendar_of_its_position(tmp_path))
    found = audited(tmp_path / "sp1" / STORE_FILE, own("sp1"))
    assert (found.findings, found.not_checked) == ((), ())
    assert found.checked["decisions"] == 8
