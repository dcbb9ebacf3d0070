"""Comparison of the two sides' funds, and what keeps the agreed rules from affirming one."""

from collections.abc import Iterator
from typing import NamedTuple

from canonical.contracts.matching.v1.calculating import Calculated
from canonical.contracts.matching.v1.field_comparison import field_differences, status_of
from canonical.contracts.matching.v1.lines import account_of
from canonical.contracts.matching.v1.records import Values
from canonical.contracts.matching.v1.shares import Share, aligned
from canonical.contracts.matching.v1.sides import Side
from canonical.result import Difference, FundState, Source, Status
from canonical.rules import Rules


def funds_seen(broker: Side, investor: Side, rules: Rules, by_rules: Calculated) -> Iterator[FundState]:
    """Each fund, in the order in which the investor, then the broker, first named it."""
    union, looks_closer = _Union(), rules.compare.fund.asks_for_figures
    for account in dict.fromkeys((*investor.shares, *broker.shares)):
        ours, theirs = broker.shares.get(account, []), investor.shares.get(account, [])
        if len(ours) == len(theirs) == 1 and not looks_closer and _agree(ours[0], theirs[0]):
            yield _fund_state(ours[0], theirs[0], Status.MATCHED, union.of(_stated(ours[0], theirs[0])))
            continue
        for pair in aligned(ours, theirs):
            yield _fund(_Compared(*pair, broker, investor, rules), by_rules, union)


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


def _agree(ours: Share, theirs: Share) -> bool:
    """Whether both state the same and nobody has answered, as of most funds: seen without looking closer."""
    return (
        ours.figures == theirs.figures
        and ours.terms == theirs.terms
        and theirs.calculated
        and ours.word is None
        and theirs.word is None
    )


def _fund(compared: _Compared, by_rules: Calculated, union: _Union) -> FundState:
    ours, theirs = compared.ours, compared.theirs
    known = ours or theirs
    assert known is not None
    found = tuple(_fund_differences(compared, by_rules.of(known)))
    is_matched = _is_matched(ours, theirs)
    unaffirmed = None if is_matched else _unaffirmed(by_rules, compared)
    status = status_of(found, Status.MATCHED if is_matched or unaffirmed == () else Status.UNMATCHED)
    state = _fund_state(ours, theirs, status, union.of(_sources(compared, found)))
    if not found and not unaffirmed:
        return state
    return state.model_copy(update={"differences": found, "unaffirmed": unaffirmed or ()})


def _fund_state(
    ours: Share | None, theirs: Share | None, status: Status, sources: tuple[Source, ...]
) -> FundState:
    """A fund without differences."""
    known = ours or theirs
    assert known is not None
    account = account_of(known.account)
    references = (ours.reference if ours else None, theirs.reference if theirs else None)
    if not any(references):  # as most: there is little to make and to check
        return FundState(account=account, status=status, sources=sources)
    return FundState(
        account=account,
        status=status,
        sources=sources,
        broker_reference=references[0],
        investor_reference=references[1],
    )


def _stated(ours: Share | None, theirs: Share | None) -> tuple[Source, ...]:
    """The messages that name a fund."""
    return (*(ours.sources if ours else ()), *(theirs.sources if theirs else ()))


def _sources(compared: _Compared, differences: tuple[Difference, ...]) -> tuple[Source, ...]:
    """The messages that name a fund; where a side has named all of its funds without it, that side's too."""
    ours = compared.ours
    found = _stated(ours, compared.theirs)
    if not differences or all(difference.field != "account" for difference in differences):
        return found
    missing = compared.broker if ours is None else compared.investor
    statements = missing.half.statements if missing.half is not None else ()
    return (*found, *(statement.source for statement in statements if statement.funds))


def _is_matched(ours: Share | None, theirs: Share | None) -> bool:
    """Of shares that do not differ: whether the investor has calculated too, or has affirmed."""
    if ours is None:
        return False
    return (theirs is not None and theirs.calculated) or (ours.word is not None and ours.word.agreed)


def _unaffirmed(by_rules: Calculated, compared: _Compared) -> tuple[Difference, ...] | None:
    """What keeps the calculation from affirming a fund that is allocated and confirmed.

    Empty where it affirms it; None where it has no say.
    """
    ours, theirs = compared.ours, compared.theirs
    if not by_rules.affirms or ours is None or theirs is None or not ours.calculated or ours.word is not None:
        return None
    if not by_rules.of(ours):
        return None
    return by_rules.unlike(ours, compared.rules)


def _fund_differences(compared: _Compared, by_rules: Values) -> Iterator[Difference]:
    ours, theirs, broker, investor, _ = compared
    if ours is not None and theirs is not None:
        said, answered = ({**share.terms, **share.values} for share in (ours, theirs))
        yield from field_differences(compared.rules.compare.fund.tolerances, said, answered, by_rules)
    elif ours is not None and investor.full:
        yield Difference(field="account", broker=account_of(ours.account).code, investor="")
    elif theirs is not None and broker.full:
        yield Difference(field="account", broker="", investor=account_of(theirs.account).code)
    if ours is not None and ours.word is not None and not ours.word.agreed:
        yield Difference(field="affirmation", broker="", investor=ours.word.reason)
    if theirs is not None and theirs.word is not None and not theirs.word.agreed:
        yield Difference(field="response", broker=theirs.word.reason, investor="")
