"""The rate that charges imply, where it is one that somebody would agree on.

A charge of a large amount fixes its rate closely. That a whole tenth of a basis point lies so close by chance
is unlikely, more so with each further fund; where it is not unlikely enough, nothing is said.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from canonical.calculation.arithmetic import EXACT, rounded
from canonical.rules.rounding import Mode

STEPS = (  # basis points, halves, tenths, hundredths
    Decimal("0.0001"),
    Decimal("0.00005"),
    Decimal("0.00001"),
    Decimal("0.000001"),
)
CHANCE_MAX = Decimal("0.004")  # that charges without any rate look as if they had one
RATE_MAX = Decimal("0.05")


def implied_rate(
    charges: Sequence[Decimal], amounts: Sequence[Decimal], decimals: int, mode: Mode
) -> Decimal | None:
    """The roundest rate that gives all `charges` of `amounts`; None where none does beyond chance."""
    pairs = [(charge, amount) for charge, amount in zip(charges, amounts, strict=True) if amount > 0]
    if not pairs or len(pairs) < len(charges):
        return None
    charge, amount = max(pairs, key=lambda pair: pair[1])
    near = EXACT.divide(charge, amount)
    for step in STEPS:
        rate = EXACT.multiply(EXACT.divide(near, step).quantize(Decimal(1), ROUND_HALF_EVEN, EXACT), step)
        if 0 < rate <= RATE_MAX and _chance(pairs, step, decimals) <= CHANCE_MAX:
            if all(rounded(EXACT.multiply(a, rate), decimals, mode) == c for c, a in pairs):
                return rate
    return None


def _chance(pairs: Sequence[tuple[Decimal, Decimal]], step: Decimal, decimals: int) -> Decimal:
    """How likely some multiple of `step` gives charges that were drawn at random."""
    unit, chance = Decimal(1).scaleb(-decimals), Decimal(1)
    for _, amount in pairs:
        one = EXACT.divide(unit, EXACT.multiply(amount, step))
        chance = EXACT.multiply(chance, min(Decimal(1), one))
    return chance
