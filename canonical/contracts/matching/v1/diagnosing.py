"""Why a trade differs: both sides' figures handed to the diagnosis."""

from collections.abc import Iterator

from canonical.calendar import Calendar, calendar_named
from canonical.contracts.matching.v1.lines import account_of
from canonical.contracts.matching.v1.records import Values
from canonical.contracts.matching.v1.shares import Share, aligned
from canonical.contracts.matching.v1.sides import Side
from canonical.diagnosis import FundSides, Sides, diagnose
from canonical.diagnosis.cause import Diagnosis
from canonical.rules import Rules
from canonical.rules.spread import Remainder

_UNSETTLED = Remainder.LARGEST_FUND  # what rules leave open, a version settles before they come here


def diagnosis_of(
    broker: Side, investor: Side, rules: Rules, calendars: tuple[Calendar, ...]
) -> Diagnosis | None:
    """What parts the two sides; None where one of them is silent, or no figure differs."""
    calendar = calendar_named(calendars, rules.settlement.calendar)
    if broker.half is None or investor.half is None:
        return None
    sides = Sides(broker.given, investor.given, tuple(_funds(broker, investor)), rules, _UNSETTLED, calendar)
    return diagnose(sides)


def _funds(broker: Side, investor: Side) -> Iterator[FundSides]:
    """Each fund, in the order in which the investor, then the broker, first named it."""
    for account in dict.fromkeys((*investor.shares, *broker.shares)):
        for ours, theirs in aligned(broker.shares.get(account, []), investor.shares.get(account, [])):
            known = ours or theirs
            assert known is not None, "a pair has at least one"
            yield FundSides(account_of(known.account).code, _values(ours), _values(theirs))


def _values(share: Share | None) -> Values | None:
    return None if share is None else {**share.terms, **share.values}
