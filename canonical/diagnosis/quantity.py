"""Quantities: in lots instead of units, booked twice, or with transposed digits."""

from decimal import Decimal

from canonical.amounts import plain
from canonical.calculation.arithmetic import EXACT
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.price import Explained, transposed

LOTS = (Decimal(100), Decimal(1000))  # Japan's trading unit since 2018, and the usual one before
_TWICE = Decimal(2)


def quantity_conventions(
    one: Decimal, other: Decimal, lot: Decimal | None, *, whole: bool
) -> Explained | None:
    """What makes two different quantities of one thing; None where nothing does.

    lot: the agreed trading unit. whole: it is all of a deal; a fund alone has twice another's quantity, or
    other digits, easily by chance.
    """
    larger, smaller = max(one, other), min(one, other)
    for unit in dict.fromkeys((*((lot,) if lot is not None and lot > 1 else ()), *LOTS)):
        if larger == EXACT.multiply(smaller, unit):
            in_lots, in_units = (((Aspect.UNIT, plain(unit)),),), ((),)
            return (in_units, in_lots) if one == larger else (in_lots, in_units)
    if not whole:
        return None
    if larger == EXACT.multiply(smaller, _TWICE):
        twice, once = (((Aspect.TIMES, "2"),),), ((),)
        return (twice, once) if one == larger else (once, twice)
    return transposed(one, other)


def quantity_agreed(aspect: Aspect) -> str:
    """What everyone does."""
    return {Aspect.UNIT: "1", Aspect.TIMES: "1", Aspect.ENTRY: "as_given"}.get(aspect, "")
