"""The nightly scrub comes about once a day, whatever the clock does, and what it finds is told and kept."""

import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from damage import sealed_store
from founding import network
from hypothesis import given
from hypothesis import strategies as st

from node.nightly import REPORT_FILE, gentle_scrub, is_due, nightly, read_report
from node.scrub import Follow, OpenBlock, follow_nothing, opener
from node.scrub_report import ScrubFinding, ScrubReport
from node.store import StoreError

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
AT = time(2, 30)


def by_founders(_: sqlite3.Connection) -> tuple[OpenBlock, Follow]:
    return opener(network()), follow_nothing


def report(began: datetime, *findings: str) -> ScrubReport:
    found = tuple(ScrubFinding(sequence=None, text=text) for text in findings)
    return ScrubReport(
        began=began, seconds=1, blocks=2, entries=3, bytes=4, messages=5, findings=found, found=len(found)
    )


class EndOfTestError(Exception):
    """The clock has no more to show."""


async def run(
    folder: Path, clock: Iterator[datetime], zone: ZoneInfo = TOKYO, *findings: str
) -> list[datetime]:
    """The times at which the scrub was done while the clock showed these; alarms are kept beside it."""
    done: list[datetime] = []
    shown = [datetime(2000, 1, 1, tzinfo=UTC)]

    def now() -> datetime:
        shown[0] = next(clock, shown[0])
        if shown[0] is LAST:
            raise EndOfTestError
        return shown[0]

    async def job() -> ScrubReport:
        await asyncio.sleep(0)
        done.append(shown[0].astimezone(zone))
        return report(shown[0], *findings)

    async def alarm(found: ScrubReport) -> None:
        await asyncio.sleep(0)
        (folder / "alarm").write_text(found.findings[0].text)

    with suppress(EndOfTestError):
        await nightly(folder, AT, zone, job, alarm, clock=now, minute=0)
    return done


LAST = datetime(9999, 1, 1, tzinfo=UTC)


def minutes(first: datetime, count: int) -> Iterator[datetime]:
    yield from (first + timedelta(minutes=number) for number in range(count))


def until_end(*parts: Iterator[datetime]) -> Iterator[datetime]:
    for part in parts:
        yield from part
    yield LAST


async def test_once_a_day_at_the_local_time(tmp_path: Path):
    start = datetime(2026, 11, 20, 0, 0, tzinfo=TOKYO)
    done = await run(tmp_path, until_end(minutes(start, 3 * 24 * 60)))
    assert done == [datetime(2026, 11, day, 2, 30, tzinfo=TOKYO) for day in (20, 21, 22)]


async def test_a_restart_does_not_repeat_it(tmp_path: Path):
    """The report says when it was done last; a node that was down at the time makes up for it."""
    start = datetime(2026, 11, 20, 2, 0, tzinfo=TOKYO)
    assert len(await run(tmp_path, until_end(minutes(start, 60)))) == 1
    assert await run(tmp_path, until_end(minutes(start + timedelta(hours=1), 600))) == []
    late = datetime(2026, 11, 21, 9, 12, tzinfo=TOKYO)
    assert await run(tmp_path, until_end(minutes(late, 600))) == [late]


@pytest.mark.parametrize(
    ("day", "hour"),
    [(date(2026, 3, 29), 3), (date(2026, 10, 25), 2)],
    ids=["02:30 is left out", "it comes twice"],
)
async def test_summer_time(tmp_path: Path, day: date, hour: int):
    start = datetime(day.year, day.month, day.day, 0, 0, tzinfo=BERLIN).astimezone(UTC)
    done = await run(tmp_path, until_end(minutes(start, 20 * 60)), BERLIN)
    assert [(when.date(), when.hour) for when in done] == [(day, hour)]


@pytest.mark.parametrize("hours", [-23, -2, -1, 1, 2, 23])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 12, 23])
async def test_a_clock_that_is_set_makes_it_neither_twice_nor_never(tmp_path: Path, hours: int, at: int):
    """Once for every date that the clock shows at the time or after it."""
    start = datetime(2026, 11, 20, 0, 0, tzinfo=TOKYO)
    jump = start + timedelta(days=1, hours=at)
    shown = [*minutes(start, (24 + at) * 60), *minutes(jump + timedelta(hours=hours), 72 * 60)]
    done = [when.date() for when in await run(tmp_path, until_end(iter(shown)))]
    assert done == sorted({when.date() for when in shown if when.time() >= AT})


async def test_a_clock_that_was_wrong_for_a_year_does_not_stop_it(tmp_path: Path):
    start = datetime(2026, 11, 20, 0, 0, tzinfo=TOKYO)
    wrong = datetime(2027, 11, 20, 3, 0, tzinfo=TOKYO)
    done = await run(tmp_path, until_end(minutes(start, 200), minutes(wrong, 5), minutes(start, 48 * 60)))
    assert [when.date().isoformat() for when in done] == [
        "2026-11-20",
        "2027-11-20",
        "2026-11-20",
        "2026-11-21",
    ]


@given(now=st.datetimes(), done=st.none() | st.dates())
def test_before_its_time_it_is_never_due(now: datetime, done: date | None):
    assert not (is_due(now, AT, done) and now.time() < AT)
    assert not is_due(now, AT, now.date())


async def test_findings_are_told_and_kept(tmp_path: Path):
    """For `yakujo status`; the file is the owner's alone."""
    start = datetime(2026, 11, 20, 2, 29, tzinfo=TOKYO)
    await run(tmp_path, until_end(minutes(start, 3)), TOKYO, "block 5 has rotted")
    kept = read_report(tmp_path)
    assert kept is not None
    assert [finding.text for finding in kept.findings] == ["block 5 has rotted"]
    assert (tmp_path / "alarm").read_text() == "block 5 has rotted"
    assert stat.S_IMODE((tmp_path / REPORT_FILE).stat().st_mode) == 0o600


async def test_a_scrub_that_cannot_be_done_is_a_finding(tmp_path: Path):
    """It does not end the node, and is not passed over in silence."""
    told: list[ScrubReport] = []
    ended = asyncio.Event()

    async def job() -> ScrubReport:
        return await gentle_scrub(tmp_path / "absent.db", by_founders)

    async def alarm(found: ScrubReport) -> None:
        await asyncio.sleep(0)
        told.append(found)
        ended.set()

    now = datetime(2026, 11, 20, 3, 0, tzinfo=TOKYO)
    task = asyncio.create_task(nightly(tmp_path, AT, TOKYO, job, alarm, clock=lambda: now))
    await ended.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "cannot be read: no store" in told[0].findings[0].text


async def test_a_broken_report_is_none(tmp_path: Path):
    (tmp_path / REPORT_FILE).write_text("{")
    assert read_report(tmp_path) is None


async def test_the_gentle_scrub_reads_all(tmp_path: Path):
    path = sealed_store(tmp_path, messages=40)
    done = await gentle_scrub(path, by_founders)
    assert (done.blocks, done.messages) == (40, 40)
    with pytest.raises(StoreError):
        await gentle_scrub(tmp_path / "absent.db", by_founders)


async def test_a_scrub_that_is_told_to_end_has_let_go_of_the_store(tmp_path: Path):
    """The node closes and seals its store then: a thread that still reads it would take the process down."""
    path = sealed_store(tmp_path, messages=400)
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    used: list[sqlite3.Connection] = []

    def reader(connection: sqlite3.Connection) -> tuple[OpenBlock, Follow]:
        used.append(connection)
        loop.call_soon_threadsafe(begun.set)
        return opener(network()), follow_nothing

    task = asyncio.create_task(gentle_scrub(path, reader))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        used[0].execute("SELECT 1")
