"""Ledger time: what hour it is, by the ledger alone. Deadlines and expiry come from nothing else.

Ledger time is the latest instant that more than half of the current members have reached, each by the time in
its own last block that counts; it never goes back. So it is what the members' clocks say, as long as fewer
than half of them are wrong or away (docs/decisions/017-ledger-time.md). All times here are microseconds since
1970, UTC.
"""

import datetime
import sqlite3
import time
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from node.store import each, keep_setting

TIME_MAX = 253_402_214_400_000_000  # the last day of 9999 begins, wherever

_LAST = "time/"  # settings: the time of each SP's last block
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

Clock = Callable[[], int]
"""What gives the time now, in microseconds since 1970, UTC."""


class LedgerTime:
    """Follows the blocks that count. Used by the writer's thread alone. now: after the last of them."""

    def __init__(self) -> None:
        self.now = 0
        self._last: dict[str, int] = {}

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is."""
        self._last = last_words(connection)
        self.now = stored_time(connection)

    def take(self, connection: sqlite3.Connection, sp: str, at: int, members: Iterable[str]) -> int:
        """Take a block of `sp` that was made `at`; the time that its entries have.

        members: the SPs that are members before it.
        """
        self._last[sp] = min(at, TIME_MAX)
        keep_setting(connection, f"{_LAST}{sp}", str(self._last[sp]))
        self.now = max(self.now, reached_by_most([self._last.get(member, 0) for member in members]))
        return self.now

    def digest_lines(self) -> str:
        """All that the next block's time depends on, as text for a digest."""
        return f"time {self.now}\n" + "".join(f"time {sp} {at}\n" for sp, at in sorted(self._last.items()))


def reached_by_most(times: list[int]) -> int:
    """The latest time that more than half have reached: of 1 the only one, of 2 the earlier, of 3 the second.

    times: of one or more members, 0 for one that has said nothing yet.
    """
    return sorted(times, reverse=True)[len(times) // 2]


def last_words(connection: sqlite3.Connection) -> dict[str, int]:
    """The time in the last block of each SP that counts, as a store has it."""
    rows = each(connection, "SELECT name, value FROM setting WHERE name LIKE ?", f"{_LAST}%")
    return {name.removeprefix(_LAST): int(value) for name, value in rows}


def stored_time(connection: sqlite3.Connection) -> int:
    """Ledger time as a store has it; 0 before the first block."""
    row = connection.execute("SELECT time FROM archive ORDER BY sequence DESC LIMIT 1").fetchone()
    return int(row[0]) if row is not None else 0


def moment(microseconds: int) -> datetime.datetime:
    """A time, in UTC; the last one that every calendar knows, if it is later."""
    return _EPOCH + datetime.timedelta(microseconds=min(microseconds, TIME_MAX))


def on_the_clock(microseconds: int, time_zone: str) -> datetime.datetime:
    """A time as a clock in a time zone shows it."""
    return moment(microseconds).astimezone(ZoneInfo(time_zone))


def microseconds_of(at: datetime.datetime) -> int:
    """An aware time in microseconds."""
    return (at - _EPOCH) // datetime.timedelta(microseconds=1)


def machine_clock() -> int:
    """This machine's clock."""
    return time.time_ns() // 1000
