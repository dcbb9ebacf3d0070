"""Comparison of the two sides, field by field, and the statuses that follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from canonical.amounts import plain
from canonical.calculation.calculation import Calculation
from canonical.calendar import Calendar
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.calculating import (
    NOTHING,
    Calculated,
    calculated,
    calculation_of,
    confirmed,
    is_needed,
    may_confirm,
)
from canonical.contracts.matching.v1.diagnosing import diagnosis_of
from canonical.contracts.matching.v1.field_comparison import field_differences, status_of
from canonical.contracts.matching.v1.fund_comparison import funds_seen
from canonical.contracts.matching.v1.records import Half, Word
from canonical.contracts.matching.v1.sides import Side, sides_of_pair
from canonical.contracts.matching.v1.totals import are_calculated, total_differences
from canonical.diagnosis.cause import Diagnosis
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import BlockState, Difference, FundState, Source, Status, TradeStatus
from canonical.rules import NUMBERS, Resolution, Rules

Calendars = tuple[Calendar, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A trade as both sides' statements show it.

    calculation: the shared one, where it confirms for the broker or is proposed. problems: why there is none.
    diagnosis: why the sides differ. unaffirmed: why the broker's figures and the calculation do.
    """

    block: BlockState
    funds: tuple[FundState, ...]
    status: TradeStatus
    calculation: Calculation | None = None
    problems: tuple[Problem, ...] = ()
    diagnosis: Diagnosis | None = None
    unaffirmed: Diagnosis | None = None


def seen(book: Book, half: Half, other: Half | None, rules: Rules) -> Seen:
    """How a trade stands. A half alone counts as a trade once the other side has answered to it."""
    if other is None and not half.words:
        block = BlockState(status=Status.UNMATCHED, sources=tuple(s.source for s in half.statements))
        return Seen(block, (), TradeStatus.UNMATCHED)
    broker, investor = sides_of_pair(book, half, other)
    calendars = book.calendars
    if is_needed(rules):
        now = _by_rules(broker, investor, rules, calendars)
    else:
        now = _seen(broker, investor, rules, NOTHING)
    if now.status not in _DIFFERS:
        return now
    if now.calculation is not None:  # it has confirmed: what differs is that and the investor's figures
        broker = confirmed(broker, now.calculation)
    now = replace(now, diagnosis=diagnosis_of(broker, investor, rules, calendars))
    proposes = rules.agreeing.resolve is Resolution.PROPOSE
    return _with_proposal(now, broker, investor, rules, calendars) if proposes else now


_DIFFERS = (TradeStatus.MISMATCHED, TradeStatus.DISQUALIFIED)


def _by_rules(broker: Side, investor: Side, rules: Rules, calendars: Calendars) -> Seen:
    """How a trade stands whose comparison rests on the shared calculation, as far as that can be made."""
    found = calculation_of(broker, investor, rules, calendars)
    if not isinstance(found, Calculation):
        return replace(_seen(broker, investor, rules, NOTHING), problems=found)
    if not may_confirm(broker, investor, rules):
        now = _seen(broker, investor, rules, calculated(found, rules))
        if any(fund.unaffirmed for fund in now.funds):  # why the rules do not affirm what they do not come to
            refused = diagnosis_of(broker, confirmed(investor, found), rules, calendars)
            now = replace(now, unaffirmed=refused)
        return now
    now = _seen(confirmed(broker, found), investor, rules, calculated(found, rules))
    return replace(now, calculation=found, funds=tuple(map(_confirmed_by_rules, now.funds)))


_STATED = (*NUMBERS, "fees")


def _confirmed_by_rules(fund: FundState) -> FundState:
    """Its differences say that the broker has stated no figure of its own."""
    spoken = {"calculated_for": Role.BROKER}
    told = tuple(d.model_copy(update=spoken) if d.field in _STATED else d for d in fund.differences)
    return fund.model_copy(update={"differences": told})


def _with_proposal(now: Seen, broker: Side, investor: Side, rules: Rules, calendars: Calendars) -> Seen:
    """What the rules make of a trade that differs: either side may take that over."""
    found = calculation_of(broker, investor, rules, calendars)
    return replace(now, calculation=found) if isinstance(found, Calculation) else replace(now, problems=found)


def _seen(broker: Side, investor: Side, rules: Rules, by_rules: Calculated) -> Seen:
    funds = tuple(funds_seen(broker, investor, rules, by_rules))
    sources = _block_sources(broker, investor)
    over = (_sum_difference(broker, investor),) if broker.over or investor.over else ()
    status, differences = _block_status(broker, investor, funds, rules, by_rules)
    block = BlockState(status=status, differences=(*differences, *over), sources=sources)
    return Seen(block, funds, _trade_status(status, funds, broker, investor))


def _block_sources(*sides: Side) -> tuple[Source, ...]:
    """The messages that speak of the block, or all where none does, and the answers on it that hold."""
    halves = [side.half for side in sides if side.half is not None]
    stated = [s for half in halves for s in half.statements]
    said = [s.source for s in stated if s.block is not None] or [s.source for s in stated]
    words = [word for side in sides if (word := _word_on_block(side)) is not None]
    return (*said, *(word.source for word in words))


def _block_status(
    broker: Side, investor: Side, funds: tuple[FundState, ...], rules: Rules, by_rules: Calculated
) -> tuple[Status, tuple[Difference, ...]]:
    word = _word_on_block(broker)
    if word is not None and not word.agreed:
        return Status.MISMATCHED, (Difference(field="response", broker="", investor=word.reason),)
    if broker.given is not None and investor.given is not None:
        found = (
            *field_differences(rules.compare.block.tolerances, broker.given, investor.given, by_rules.block),
            *_total_differences(broker, investor, rules, by_rules),
        )
        return status_of(found, Status.MATCHED), found
    affirmed = investor.half is None and broker.full and all(f.status.is_matched for f in funds)
    agreed = broker.given is not None and (word is not None or affirmed)
    return (Status.MATCHED if agreed else Status.UNMATCHED), ()


def _total_differences(
    broker: Side, investor: Side, rules: Rules, by_rules: Calculated
) -> Iterator[Difference]:
    sides = (broker, investor)
    if rules.compare.total.is_used and all(
        side.full and not side.over and are_calculated(side.shares) for side in sides
    ):
        yield from total_differences(broker.shares, investor.shares, rules, by_rules.totals)


def _word_on_block(side: Side) -> Word | None:
    words = side.half.words if side.half is not None else ()
    return next((word for word in reversed(words) if not word.lines), None)


def _sum_difference(broker: Side, investor: Side) -> Difference:
    """The funds of a side are more than its block: all that they add up to."""
    ours = plain(broker.quantity) if broker.shares else ""
    theirs = plain(investor.quantity) if investor.shares else ""
    return Difference(field="funds_quantity", broker=ours, investor=theirs)


def _trade_status(block: Status, funds: tuple[FundState, ...], broker: Side, investor: Side) -> TradeStatus:
    """The status of a trade. A sum that is wrong by itself is told before what it does to the funds."""
    if block is Status.MISMATCHED:
        return TradeStatus.MISMATCHED
    if broker.over or investor.over:
        return TradeStatus.DISQUALIFIED
    if any(fund.status is Status.MISMATCHED for fund in funds):
        return TradeStatus.MISMATCHED
    full = broker.full and (investor.half is None or investor.full)
    if block.is_matched and funds and full and all(f.status.is_matched for f in funds):
        return TradeStatus.MATCH_AGREED
    return TradeStatus.PENDING
