"""The nightly scrub: once a day at a time of the local clock, beside the work of the node.

    await nightly(data_folder, at, zone, job, alarm)      until cancelled
    await gentle_scrub(path, reader)                      such a job

The clock is asked each minute what day and time it is, so that a machine that slept or a clock that was set
changes neither that it comes about nor that it comes about once. A node that was not running at that time
makes up for it when it is started.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from node.private_file import write_private
from node.scrub import Follow, OpenBlock, scrub
from node.scrub_report import ScrubFinding, ScrubReport
from node.store import StoreError, read_store

REPORT_FILE = "scrub.json"
GENTLE_SHARE = 0.25  # of the time: the rest is the node's
_MINUTE = 60.0
_ONE_DAY = 1

log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[ScrubReport]]
Alarm = Callable[[ScrubReport], Awaitable[None]]


async def nightly(
    data_folder: Path,
    at: time,
    zone: ZoneInfo,
    job: Job,
    alarm: Alarm,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    minute: float = _MINUTE,
) -> NoReturn:
    """Do `job` once a day at `at` in `zone`, keep its report, and tell `alarm` of one with findings.

    clock, minute: the time now, and the seconds between two looks at it; others in tests.
    """
    last = read_report(data_folder)
    done = last.began.astimezone(zone).date() if last else None
    while True:
        now = clock().astimezone(zone)
        if is_due(now, at, done):
            done = now.date()
            await _scrubbed(data_folder, job, alarm)
        await asyncio.sleep(minute)


def is_due(now: datetime, at: time, done: date | None) -> bool:
    """Whether the job of this day is to be done. now: local time. done: the day it was done last.

    A clock that was set back over midnight finds it done tomorrow, and waits. One that had been wrong by more
    must not keep it from being done until then.
    """
    ahead = (done - now.date()).days if done is not None else None
    return now.time() >= at and (ahead is None or ahead < 0 or ahead > _ONE_DAY)


def read_report(data_folder: Path) -> ScrubReport | None:
    """What the last nightly scrub found; None where there was none."""
    try:
        return ScrubReport.model_validate_json((data_folder / REPORT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


class _EndedError(Exception):
    """The node ends: what the scrub has read so far is of no use."""


Reader = Callable[[sqlite3.Connection], tuple[OpenBlock, Follow]]
"""What opens the archive's blocks and follows them, made for the connection that a scrub reads through."""


async def gentle_scrub(path: Path, reader: Reader) -> ScrubReport:
    """Scrub a store in a thread that mostly sleeps. Raises StoreError.

    When cancelled it returns once that thread has let go of the store: whoever closes it then is alone.
    """
    ended = threading.Event()
    reading: list[sqlite3.Connection] = []

    def rest(seconds: float) -> None:
        if ended.wait(seconds * (1 / GENTLE_SHARE - 1)):
            raise _EndedError

    def work() -> ScrubReport:
        with closing(read_store(path)) as connection:
            reading.append(connection)
            open_block, follow = reader(connection)
            return scrub(connection, open_block, follow=follow, rest=rest)

    working = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        ended.set()
        for connection in tuple(reading):
            with suppress(sqlite3.ProgrammingError):  # it is closed
                connection.interrupt()
        await asyncio.wait([working])
        working.exception()  # looked at, so that asyncio does not complain: it ended as it was told
        raise


async def _scrubbed(data_folder: Path, job: Job, alarm: Alarm) -> None:
    """Do the job; that it could not be done is a finding too."""
    try:
        report = await job()
    except (StoreError, OSError, sqlite3.Error) as error:
        report = _not_done(str(error))
    try:
        await asyncio.to_thread(partial(write_private, data_folder / REPORT_FILE, _as_json(report)))
    except OSError as error:
        log.warning("the report of the scrub cannot be kept", reason=error.strerror)
    if not report.found:
        log.info("scrub", blocks=report.blocks, entries=report.entries, seconds=report.seconds)
        return
    first = report.findings[0]
    log.error("scrub has found damage", findings=report.found, sequence=first.sequence, first=first.text)
    await alarm(report)


def _as_json(report: ScrubReport) -> bytes:
    return report.model_dump_json(indent=2).encode()


def _not_done(reason: str) -> ScrubReport:
    finding = ScrubFinding(sequence=None, text=f"the store cannot be read: {reason}")
    nothing = ScrubReport(
        began=datetime.now(UTC), seconds=0, blocks=0, entries=0, bytes=0, messages=0, findings=(), found=1
    )
    return nothing.model_copy(update={"findings": (finding,)})
