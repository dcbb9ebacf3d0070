"""Whether two sides' figures of one field match, as their rules have it."""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from canonical.contracts.matching.v1.records import Values
from canonical.result import Difference
from canonical.rules import NUMBERS, TOTAL_FIELDS
from canonical.rules.tolerance import Code, Holder, Tolerance

TOTAL = "total_"  # before the name of a field that is summed over all funds
_EXACT = Context(prec=64, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
_HUNDRED = Decimal(100)
_NUMBERS = frozenset((*NUMBERS, *(TOTAL + name for name in TOTAL_FIELDS)))


def difference(
    field: str, tolerance: Tolerance, broker: str | None, investor: str | None, calculated: Values
) -> Difference | None:
    """How the two sides' figures of a field differ; None where they are equal, or nobody asks.

    What one side does not give is not compared, unless both must give it. calculated: figures of the shared
    calculation, which hold where the rules say so; where there is none, the investor's holds.
    """
    if tolerance.code is Code.CPOP:
        missing = broker is None or investor is None
        return Difference(field=field, broker=broker or "", investor=investor or "") if missing else None
    if broker == investor or broker is None or investor is None or tolerance.code is Code.NUFM:
        return None
    found = Difference(field=field, broker=broker, investor=investor)
    if not tolerance.allows_deviation:
        return found
    within = field in _NUMBERS and _is_within(tolerance, broker, investor)
    held = {Holder.BROKER: broker, Holder.CALCULATION: calculated.get(field, investor)}
    holds = held.get(tolerance.holds, investor) if within else ""
    return found.model_copy(update={"tolerance": tolerance, "within": within, "holds": holds})


def _is_within(tolerance: Tolerance, broker: str, investor: str) -> bool:
    """Limits belong to what matches. Amounts in different currencies never match."""
    (ours, our_currency), (theirs, their_currency) = _figure(broker), _figure(investor)
    if our_currency != their_currency:
        return False
    apart = _EXACT.subtract(ours, theirs)
    if tolerance.code is Code.MNMX:
        assert tolerance.below is not None
        assert tolerance.above is not None
        return tolerance.below.copy_negate() <= apart <= tolerance.above
    assert tolerance.percent is not None
    larger, distance = max(ours.copy_abs(), theirs.copy_abs()), apart.copy_abs()
    is_near = _EXACT.multiply(distance, _HUNDRED) <= _EXACT.multiply(tolerance.percent, larger)
    return is_near and (tolerance.maximum is None or distance <= tolerance.maximum)


def _figure(text: str) -> tuple[Decimal, str]:
    """A figure and the currency that it names where that is not the price's: "100", "100 USD"."""
    number, _, currency = text.partition(" ")
    return Decimal(number), currency
