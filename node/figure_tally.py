"""Sums: what is counted of one relationship and trade date, and how sums become figures."""

import datetime
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from canonical.message import Role
from canonical.problems import Rule
from canonical.result import TradeStatus
from node.figure_finality import Certainty
from node.figure_halves import Standing
from node.figure_reading import Cause
from node.figure_trade import AGREED, BLOCK, Ends, FundName
from node.figures import Figures, Span

_STATUS = {
    TradeStatus.UNMATCHED: "unmatched",
    TradeStatus.PENDING: "pending",
    TradeStatus.MISMATCHED: "mismatched",
    TradeStatus.DISQUALIFIED: "disqualified",
    TradeStatus.CANCELLED: "cancelled",
    TradeStatus.CANCEL_AGREED: "cancelled_after_match",
}
_MICROSECONDS = Decimal("0.000001")
_MILLISECONDS = Decimal("0.001")
IN_BLOCK, IN_FUND = "block", "fund"
_SHARE = Decimal("0.0001")


class Group(NamedTuple):
    """One relationship and trade date; None for messages that were refused and name none."""

    trade_date: datetime.date | None
    broker: str
    investor: str


def _times() -> "array[int]":
    return array("q")


@dataclass(slots=True)
class Tally:
    """What is counted of a group. counts: by the names of node.figures.Figures.

    to_match, response: how long each took, in microseconds, the latter by the side that answers. funds: how
    often each is agreed, and how, or open. unlike: mismatches of each fund. ends, open: of mismatches, by
    place and field. contracts: ids of those whose word is counted.
    """

    counts: Counter[str] = field(default_factory=Counter)
    to_match: "array[int]" = field(default_factory=_times)
    response: dict[Role, "array[int]"] = field(default_factory=lambda: {role: _times() for role in Role})
    funds: Counter[tuple[FundName, str]] = field(default_factory=Counter)
    unlike: Counter[FundName] = field(default_factory=Counter)
    ends: dict[tuple[str, str], Ends] = field(default_factory=dict)
    open: Counter[tuple[str, str]] = field(default_factory=Counter)
    causes: Counter[Cause] = field(default_factory=Counter)
    rules: Counter[tuple[Role | None, Rule]] = field(default_factory=Counter)
    contracts: set[str] = field(default_factory=set)

    def stands(self, standing: Standing) -> None:
        """Count a trade by how it stands. Of one that is disputed nothing holds: nobody was told of it."""
        status = standing.status
        self.counts["trades"] += 1
        self.counts["funds"] += standing.funds
        if standing.finality is Certainty.DISPUTED:
            self.counts["disputed"] += 1
            return
        self.counts["not_final"] += standing.finality is Certainty.OPEN
        self.counts[f"agreed_{standing.how}" if status in AGREED else _STATUS[status]] += 1
        self.counts["change_waiting"] += status is TradeStatus.CHANGE_REQUESTED
        self.counts["funds_matched"] += standing.matched

    def ended(self, place: str, name: str, ends: Ends) -> None:
        """Count the mismatches of a field."""
        known = self.ends.setdefault((place, name), Ends())
        known.mismatches += ends.mismatches
        known.by_broker += ends.by_broker
        known.by_investor += ends.by_investor
        known.dissolved += ends.dissolved

    def add(self, other: "Tally") -> None:
        """Count what another has counted, too."""
        self.counts.update(other.counts)
        self.to_match.extend(other.to_match)
        for role in Role:
            self.response[role].extend(other.response[role])
        self.funds.update(other.funds)
        self.unlike.update(other.unlike)
        for (place, name), ends in other.ends.items():
            self.ended(place, name, ends)
        self.open.update(other.open)
        self.causes.update(other.causes)
        self.rules.update(other.rules)
        self.contracts |= other.contracts

    def figures(self) -> Figures:
        """All that is one number for the group."""
        named = {name: count for name, count in self.counts.items() if count}
        return Figures(
            **named,
            on_time_share=share(self.counts),
            to_match=span(self.to_match),
            mismatches=sum(ends.mismatches for ends in self.ends.values()),
        )


@dataclass(slots=True)
class Counted:
    """All that was counted, by relationship and trade date."""

    tallies: dict[Group, Tally] = field(default_factory=dict)
    _groups: list[Group] = field(default_factory=list)
    _numbers: dict[Group, int] = field(default_factory=dict)

    def number(self, group: Group) -> int:
        """What a group is called in the temporary tables."""
        if group not in self._numbers:
            self._numbers[group] = len(self._groups)
            self._groups.append(group)
            self.tallies[group] = Tally()
        return self._numbers[group]

    def tally(self, number: int) -> Tally:
        """Of the group that is called so."""
        return self.tallies[self._groups[number]]


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of some."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def place_of(fund: FundName) -> str:
    """Where a mismatch of a fund, or of BLOCK, is."""
    return IN_BLOCK if fund == BLOCK else IN_FUND


def agreed(counts: Counter[str]) -> int:
    """How many trades are agreed."""
    return counts["on_time"] + counts["late"]


def share(counts: Counter[str]) -> Decimal | None:
    """Of the trades that were not taken back, the part that was agreed on time; four decimals."""
    base = counts["trades"] - counts["cancelled"] - counts["cancelled_after_match"]
    return (Decimal(counts["on_time"]) / base).quantize(_SHARE, ROUND_HALF_UP) if base else None


def span(times: "array[int]") -> Span:
    """How long something took. times: in microseconds."""
    if not times:
        return Span()
    ordered = sorted(times)
    return Span(
        count=len(ordered),
        median_seconds=_seconds(_rank(ordered, 50)),
        p95_seconds=_seconds(_rank(ordered, 95)),
    )


def _rank(ordered: list[int], percent: int) -> int:
    """The smallest that so many of a hundred do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


def _seconds(microseconds: int) -> Decimal:
    return (microseconds * _MICROSECONDS).quantize(_MILLISECONDS, ROUND_HALF_UP)
