"""Comparison of the two sides, field by field, and the statuses that follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from canonical.amounts import plain
from canonical.calculation.calculation import Calculation
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
from canonical.contracts.matching.v1.lines import account_of
from canonical.contracts.matching.v1.records import Half, Values, Word
from canonical.contracts.matching.v1.shares import Share, aligned
from canonical.contracts.matching.v1.sides import Side, sides_of_pair
from canonical.contracts.matching.v1.tolerance import difference
from canonical.contracts.matching.v1.totals import are_calculated, total_differences
from canonical.diagnosis.cause import Diagnosis
from canonical.problems import Problem
from canonical.result import BlockState, Difference, FundState, Source, Status, TradeStatus, parting
from canonical.rules import Resolution, Rules, Tolerance


@dataclass(frozen=True, slots=True)
class Seen:
    """A trade as both sides' statements show it.

    calculation: the shared one, where it confirms for the broker or is proposed. problems: why there is none.
    diagnosis: why the sides differ.
    """

    block: BlockState
    funds: tuple[FundState, ...]
    status: TradeStatus
    calculation: Calculation | None = None
    problems: tuple[Problem, ...] = ()
    diagnosis: Diagnosis | None = None


def seen(book: Book, half: Half, other: Half | None, rules: Rules) -> Seen:
    """How a trade stands. A half alone counts as a trade once the other side has answered to it."""
    if other is None and not half.words:
        block = BlockState(status=Status.UNMATCHED, sources=tuple(s.source for s in half.statements))
        return Seen(block, (), TradeStatus.UNMATCHED)
    broker, investor = sides_of_pair(book, half, other)
    now = _by_rules(broker, investor, rules) if is_needed(rules) else _seen(broker, investor, rules, NOTHING)
    if now.status not in _DIFFERS:
        return now
    if now.calculation is not None:  # it has confirmed: what differs is that and the investor's figures
        broker = confirmed(broker, now.calculation)
    now = replace(now, diagnosis=diagnosis_of(broker, investor, rules))
    proposes = rules.agreeing.resolve is Resolution.PROPOSE
    return _with_proposal(now, broker, investor, rules) if proposes else now


_DIFFERS = (TradeStatus.MISMATCHED, TradeStatus.DISQUALIFIED)


def _by_rules(broker: Side, investor: Side, rules: Rules) -> Seen:
    """How a trade stands whose comparison rests on the shared calculation, as far as that can be made."""
    found = calculation_of(broker, investor, rules)
    if not isinstance(found, Calculation):
        return replace(_seen(broker, investor, rules, NOTHING), problems=found)
    if not may_confirm(broker, investor, rules):
        return _seen(broker, investor, rules, calculated(found, rules))
    now = _seen(confirmed(broker, found), investor, rules, calculated(found, rules))
    return replace(now, calculation=found)


def _with_proposal(now: Seen, broker: Side, investor: Side, rules: Rules) -> Seen:
    """What the rules make of a trade that differs: either side may take that over."""
    found = calculation_of(broker, investor, rules)
    return replace(now, calculation=found) if isinstance(found, Calculation) else replace(now, problems=found)


def _seen(broker: Side, investor: Side, rules: Rules, by_rules: Calculated) -> Seen:
    funds = tuple(_funds(broker, investor, rules, by_rules))
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
            *_differences(rules.compare.block.tolerances, broker.given, investor.given, by_rules.block),
            *_total_differences(broker, investor, rules, by_rules),
        )
        return _status_of(found, Status.MATCHED), found
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


def _differences(
    tolerances: dict[str, Tolerance], broker: Values, investor: Values, by_rules: Values
) -> Iterator[Difference]:
    """The fields in which the sides part. What one side does not give is not compared."""
    for field, tolerance in tolerances.items():
        ours, theirs = broker.get(field), investor.get(field)
        if field == "instrument":
            ours, theirs = _instruments(broker, investor)
        if ours != theirs or ours is None:  # else they are equal: whatever the tolerance, that matches
            found = difference(field, tolerance, ours, theirs, by_rules)
            if found is not None:
                yield found


def _status_of(differences: tuple[Difference, ...], alike: Status) -> Status:
    """The status that differences lead to; `alike` where there are none."""
    if parting(differences):
        return Status.MISMATCHED
    return Status.WITHIN_TOLERANCE if differences and alike is Status.MATCHED else alike


def _instruments(broker: Values, investor: Values) -> tuple[str, str]:
    """How each side names the security: in the way that parts them, else that they share, else its own.

    Two names of different kinds are not known to be of one security: they differ.
    """
    pairs = [(broker.get(name), investor.get(name)) for name in ("isin", "japan_code")]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    own = tuple(values.get("isin") or values["japan_code"] for values in (broker, investor))
    return next(((one, other) for one, other in both if one != other), both[0] if both else (own[0], own[1]))


def _funds(broker: Side, investor: Side, rules: Rules, by_rules: Calculated) -> Iterator[FundState]:
    """Each fund, in the order in which the investor, then the broker, first named it."""
    union = _Union()
    for account in dict.fromkeys((*investor.shares, *broker.shares)):
        for pair in aligned(broker.shares.get(account, []), investor.shares.get(account, [])):
            compared = _Compared(*pair, broker, investor, rules)
            yield _fund(compared, by_rules, union)


class _Compared(NamedTuple):
    """One fund of both sides, and the sides that it belongs to."""

    ours: Share | None
    theirs: Share | None
    broker: Side
    investor: Side
    rules: Rules


class _Union:
    """Each of some sources once. Funds that follow each other mostly rest on the same messages."""

    def __init__(self) -> None:
        self._last: tuple[Source, ...] = ()
        self._found: tuple[Source, ...] = ()

    def of(self, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        """`sources` without repetitions."""
        if sources != self._last:
            self._last, self._found = sources, tuple(dict.fromkeys(sources))
        return self._found


def _fund(compared: _Compared, by_rules: Calculated, union: _Union) -> FundState:
    ours, theirs = compared.ours, compared.theirs
    known = ours or theirs
    assert known is not None
    values = by_rules.of(known.account, known.price)
    differences = tuple(_fund_differences(compared, values))
    is_matched = _is_matched(ours, theirs) or _is_affirmed_by(by_rules, compared)
    status = Status.MATCHED if is_matched else Status.UNMATCHED
    return FundState(
        account=account_of(known.account),
        status=_status_of(differences, status),
        differences=differences,
        sources=union.of(tuple(_sources(compared, differences))),
        broker_reference=ours.reference if ours else None,
        investor_reference=theirs.reference if theirs else None,
    )


def _sources(compared: _Compared, differences: tuple[Difference, ...]) -> Iterator[Source]:
    """The messages that name a fund; where a side has named all of its funds without it, that side's too."""
    yield from (s for share in (compared.ours, compared.theirs) if share for s in share.sources)
    if any(difference.field == "account" for difference in differences):
        missing = compared.broker if compared.ours is None else compared.investor
        statements = missing.half.statements if missing.half is not None else ()
        yield from (statement.source for statement in statements if statement.funds)


def _is_matched(ours: Share | None, theirs: Share | None) -> bool:
    """Of shares that do not differ: whether the investor has calculated too, or has affirmed."""
    if ours is None:
        return False
    return (theirs is not None and theirs.calculated) or (ours.word is not None and ours.word.agreed)


def _is_affirmed_by(by_rules: Calculated, compared: _Compared) -> bool:
    """Whether the calculation affirms a fund that the investor has allocated and the broker confirmed."""
    ours, theirs = compared.ours, compared.theirs
    if not by_rules.affirms or ours is None or theirs is None or not ours.calculated:
        return False
    return by_rules.reproduces(ours.account, ours.values, compared.rules)


def _fund_differences(compared: _Compared, by_rules: Values) -> Iterator[Difference]:
    ours, theirs, broker, investor, _ = compared
    if ours is not None and theirs is not None:
        yield from _share_differences(ours, theirs, compared.rules, by_rules)
    elif ours is not None and investor.full:
        yield Difference(field="account", broker=account_of(ours.account).code, investor="")
    elif theirs is not None and broker.full:
        yield Difference(field="account", broker="", investor=account_of(theirs.account).code)
    if ours is not None and ours.word is not None and not ours.word.agreed:
        yield Difference(field="affirmation", broker="", investor=ours.word.reason)
    if theirs is not None and theirs.word is not None and not theirs.word.agreed:
        yield Difference(field="response", broker=theirs.word.reason, investor="")


def _share_differences(ours: Share, theirs: Share, rules: Rules, by_rules: Values) -> Iterator[Difference]:
    fields = rules.compare.fund
    if fields.asks_for_figures or ours.values != theirs.values or ours.terms != theirs.terms:
        broker, investor = {**ours.terms, **ours.values}, {**theirs.terms, **theirs.values}
        yield from _differences(fields.tolerances, broker, investor, by_rules)


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
