"""One trade's results in their order, and what they come to: how it stands, how it came there."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from canonical.message import Kind, Role
from canonical.result import Status, TradeStatus
from node.figure_reading import Cause, Fund, Told, Unlike, Word, cause_of

AGREED = (TradeStatus.MATCH_AGREED, TradeStatus.CHANGE_REQUESTED)
EXACTLY, WITHIN, CALCULATED, OPEN = "exactly", "within_tolerance", "by_calculation", "open"

FundName = tuple[str, str]
"""Scheme and code of an account."""
BLOCK: FundName = ("", "")  # stands where a fund would
_ALONE = (TradeStatus.UNMATCHED, TradeStatus.CANCELLED, TradeStatus.CANCEL_AGREED)
_MATCHED = {Status.MATCHED, Status.WITHIN_TOLERANCE}
_DIFFERS = (TradeStatus.MISMATCHED, TradeStatus.DISQUALIFIED)


@dataclass(slots=True)
class Ends:
    """Mismatches of one field, and how they ended."""

    mismatches: int = 0
    by_broker: int = 0
    by_investor: int = 0
    dissolved: int = 0

    def end(self, role: Role | None) -> None:
        """One has ended, by a side's message, or by the end of the pair."""
        if role is Role.BROKER:
            self.by_broker += 1
        elif role is Role.INVESTOR:
            self.by_investor += 1
        else:
            self.dissolved += 1


@dataclass(slots=True)
class Trade:
    """A trade up to a position.

    role: whose half it is called by, None where that is forgotten. last: the position of its last result.
    agreed_at: since when it stands agreed without a break. how: it is agreed. ends: by fund, or BLOCK, and
    field. open: the fields in which the sides part now. funds: how each is matched, as last told, None for
    one that is not. counts: of changes, by the names of node.figures. amended: positions of replacements
    after match. contracts: ids of those that told it.
    """

    role: Role | None = None
    last: int = -1
    told: Told | None = None
    status: TradeStatus = TradeStatus.UNMATCHED
    agreed_at: int | None = None
    how: str = ""
    ends: defaultdict[tuple[FundName, str], Ends] = field(default_factory=lambda: defaultdict(Ends))
    open: dict[FundName, frozenset[str]] = field(default_factory=dict)
    funds: dict[FundName, str | None] = field(default_factory=dict)
    causes: dict[Cause, None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    amended: list[int] = field(default_factory=list)
    contracts: set[str] = field(default_factory=set)
    _asked: Role | None = None

    def take(self, told: Told, position: int, sender: Role | None, *, replaces: bool) -> None:
        """Take the next result. sender: the side whose message caused it; replaces: that is a replacement."""
        self.contracts.add(told.contract)
        if told.requests:
            return  # it tells what was calculated, and of the trade nothing new
        if replaces and self.status in AGREED:
            self.amended.append(position)
        self._change(told, sender)
        status = self._status(told)
        if status in _ALONE:
            self._dissolve()
        elif told.change is None:
            self._compare(told, sender)
        if told.status in _DIFFERS:
            self.causes |= dict.fromkeys(cause_of(told))
        if status not in AGREED:
            self.agreed_at = None
        elif self.status not in AGREED:
            self.agreed_at = position
        self.last, self.told, self.status = position, told, status

    def _status(self, told: Told) -> TradeStatus:
        """How it stands: where the side that came second took its word back, the first stands alone."""
        is_left = told.status is TradeStatus.CANCELLED and self.role not in (None, told.cancelled_by)
        return TradeStatus.UNMATCHED if is_left else told.status

    def _change(self, told: Told, sender: Role | None) -> None:
        """What one side asks for after match agreed, and what became of it."""
        if self._asked is not None and told.status is TradeStatus.CHANGE_REQUESTED:
            return  # it still waits, and is told again
        if told.change is not None and not told.change.refused:
            self.counts["cancellations_asked" if told.change.cancels else "amendments_asked"] += 1
            self._asked = told.change.by
        elif self._asked is not None:
            if told.change is not None:
                end = "changes_refused"
            else:
                end = "changes_taken_back" if sender is self._asked else "changes_consented"
            self.counts[end] += 1
            self._asked = None

    def _compare(self, told: Told, sender: Role | None) -> None:
        self._differ(BLOCK, told.block.differences, sender)
        shown: dict[FundName, list[Fund]] = {}
        for fund in told.funds:
            shown.setdefault((fund.account.scheme, fund.account.code), []).append(fund)
        for name, parts in shown.items():
            self._differ(name, [d for part in parts for d in part.differences], sender)
            self.funds[name] = _how(parts)
        if told.status is TradeStatus.MATCH_AGREED:  # then all funds are told
            for name in [name for name in self.open if name not in shown]:
                self._differ(name, (), sender)
            self.funds = {name: self.funds[name] for name in shown}
            self.how = _agreed_how(told, self.funds)

    def _differ(self, name: FundName, differences: Sequence[Unlike], sender: Role | None) -> None:
        if not differences and name not in self.open:
            return  # of most funds of most trades
        now = frozenset(one.field for one in differences if not one.within)
        before = self.open.pop(name, frozenset())
        for one in now - before:
            self.ends[name, one].mismatches += 1
        for one in before - now:
            self.ends[name, one].end(sender)
        if now:
            self.open[name] = now

    def _dissolve(self) -> None:
        for name, fields in self.open.items():
            for one in fields:
                self.ends[name, one].end(None)
        self.open.clear()
        self.funds.clear()


def other_side(role: Role) -> Role:
    """The role that is not this one."""
    return Role.INVESTOR if role is Role.BROKER else Role.BROKER


def statements_of(told: Told, author: Role) -> Iterator[Word]:
    """What a side has stated, of all that a result rests on."""
    return (word for word in told.words() if word.author is author and word.kind in STATEMENTS)


STATEMENTS = (
    Kind.EXECUTION_NOTICE,
    Kind.ALLOCATION_INSTRUCTION,
    Kind.CONFIRMATION,
    Kind.INVESTOR_CALCULATION,
)


def _how(parts: list[Fund]) -> str | None:
    """How a fund is matched, in all of its parts; None where it is not."""
    statuses = {part.status for part in parts}
    if not statuses <= _MATCHED:
        return None
    if any(word.kind is Kind.CALCULATION_REQUEST for part in parts for word in part.sources):
        return CALCULATED
    return WITHIN if Status.WITHIN_TOLERANCE in statuses else EXACTLY


def _agreed_how(told: Told, funds: dict[FundName, str | None]) -> str:
    """How a trade is agreed: by the calculation where a side has taken it over, or it stands for a side."""
    if told.calculation is not None or CALCULATED in funds.values():
        return CALCULATED
    within = told.block.status is Status.WITHIN_TOLERANCE or WITHIN in funds.values()
    return WITHIN if within else EXACTLY
