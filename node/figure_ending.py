"""How every trade stands at the end of what is counted, and when it came there, by ledger time."""

import datetime
import sqlite3
from array import array
from bisect import bisect_right
from contextlib import closing
from typing import NamedTuple
from zoneinfo import ZoneInfo

from canonical.message import Role
from node.figure_finality import Certainty
from node.figure_halves import Halves, Standing
from node.figure_tally import Counted, Tally, place_of
from node.figure_trade import OPEN
from node.ledger_time import microseconds_of


class Times(NamedTuple):
    """Ledger time by position. firsts: the first position of each block; times: in microseconds."""

    firsts: "array[int]"
    times: "array[int]"

    def at(self, position: int) -> int:
        """Of the entry at a position."""
        return self.times[bisect_right(self.firsts, position) - 1]


def times_of(connection: sqlite3.Connection) -> Times:
    """The ledger time of all entries: two numbers per block."""
    found = Times(array("q"), array("q"))
    query = "SELECT first, time FROM archive WHERE fault IS NULL AND entries > 0 ORDER BY first"
    with closing(connection.execute(query)) as rows:
        for first, time in rows:
            found.firsts.append(first)
            found.times.append(time)
    return found


class Ending:
    """Counts what the temporary tables have in the end. by: until when a match is on time."""

    def __init__(
        self, halves: Halves, counted: Counted, times: Times, by: datetime.time, zone: ZoneInfo
    ) -> None:
        self._halves = halves
        self._counted = counted
        self._times = times
        self._until = {
            number: microseconds_of(datetime.datetime.combine(group.trade_date, by, zone))
            for number, group in enumerate(counted.tallies)
            if group.trade_date is not None
        }

    def take_all(self) -> None:
        """Count them."""
        for standing in self._halves.standings():
            self._stands(standing, self._counted.tally(standing.group))
        for number, fund, name, is_open in self._halves.partings():
            tally, place = self._counted.tally(number), place_of(fund)
            if is_open:
                tally.open[place, name] += 1
            else:
                tally.ends[place, name].dissolved += 1
        for number, fund, trades in self._halves.unmatched():
            self._counted.tally(number).funds[fund, OPEN] += trades
        for number, after, amended in self._halves.amendments():
            name = "amended_after_match" if after else "amended_before_match"
            self._counted.tally(number).counts[name] += amended

    def _stands(self, standing: Standing, tally: Tally) -> None:
        tally.stands(standing)
        holds = standing.agreed_at is not None and standing.finality is not Certainty.DISPUTED
        agreed = self._times.at(standing.agreed_at) if holds and standing.agreed_at is not None else None
        if agreed is not None:
            tally.counts["on_time" if agreed <= self._until[standing.group] else "late"] += 1
        if standing.broker is None or standing.investor is None:
            return
        first, second = (self._times.at(at) for at in sorted((standing.broker, standing.investor)))
        answers = Role.BROKER if standing.broker > standing.investor else Role.INVESTOR
        tally.response[answers].append(second - first)
        if agreed is not None:
            tally.to_match.append(agreed - second)
