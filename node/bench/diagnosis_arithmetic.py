"""The arithmetic of charges in fractions, apart from the shared calculation: the two check each other."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from canonical.amounts import plain
from canonical.diagnosis import Aspect
from canonical.rules.charges import Band, Bands, Discounted, FeeRule, Tariff
from canonical.rules.rounding import Mode
from canonical.rules.spread import Remainder

Money = list[Fraction]
Choices = Mapping[Aspect, str]


def rounded(value: Fraction, decimals: int, mode: str) -> Fraction:
    """What is not negative, with so many decimals."""
    scaled = value * 10**decimals
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    beyond_half = Fraction(rest, scaled.denominator) - Fraction(1, 2)
    up = {
        Mode.DOWN: False,
        Mode.FLOOR: False,
        Mode.UP: rest > 0,
        Mode.CEILING: rest > 0,
        Mode.HALF_UP: beyond_half >= 0,
        Mode.HALF_EVEN: beyond_half > 0 or (beyond_half == 0 and whole % 2 == 1),
    }[Mode(mode)]
    return Fraction(whole + up, 10**decimals)


def text_of(value: Fraction) -> str:
    """A figure that has an end, as a message holds it."""
    return plain(Decimal(value.numerator) / Decimal(value.denominator))


def charge(tariff: Tariff, gross: Fraction, quantity: Fraction, band: int | None = None) -> Fraction:
    """A commission before it is rounded. band: applied to all of any amount; None for its own."""
    if tariff.applied is Bands.MARGINAL and band is None:
        found = _marginal(tariff.bands, gross)
    else:
        found = parts(tariff.bands[place(tariff, gross) if band is None else band], gross, quantity)
    kept = 1 - Fraction(tariff.discount_percent) / 100
    if tariff.discounted is Discounted.FIRST:
        return limited(tariff, found * kept)
    return limited(tariff, found) * kept


def place(tariff: Tariff, gross: Fraction) -> int:
    """The number of the band in which an amount lies."""
    return max(number for number, band in enumerate(tariff.bands) if number == 0 or gross > band.above)


def limited(limits: Tariff | FeeRule, value: Fraction) -> Fraction:
    """`value`, not below the minimum and not above the maximum."""
    if limits.minimum is not None:
        value = max(value, Fraction(limits.minimum))
    return value if limits.maximum is None else min(value, Fraction(limits.maximum))


def parts(charged: Band | FeeRule, gross: Fraction, quantity: Fraction) -> Fraction:
    """Of the amount, of each unit, and once."""
    return gross * Fraction(charged.rate) + quantity * Fraction(charged.per_share) + Fraction(charged.flat)


def _marginal(bands: Sequence[Band], gross: Fraction) -> Fraction:
    borders = [*(Fraction(band.above) for band in bands), max(gross, Fraction(bands[-1].above))]
    inside = [max(Fraction(0), min(gross, borders[n + 1]) - borders[n]) for n in range(len(bands))]
    return sum((each * Fraction(band.rate) for each, band in zip(inside, bands, strict=True)), Fraction(0))


def departed(tariff: Tariff, choices: Choices) -> Tariff:
    """A tariff of which some parts are taken otherwise."""
    document = tariff.model_dump()
    if Aspect.MINIMUM in choices:
        document["minimum"] = None
    if Aspect.MAXIMUM in choices:
        document["maximum"] = None
    if Aspect.DISCOUNT in choices:
        document["discount_percent"] = Decimal(0)
    if Aspect.DISCOUNTED in choices:
        document["discounted"] = choices[Aspect.DISCOUNTED]
    if Aspect.BANDS in choices:
        document["applied"] = choices[Aspect.BANDS]
    if Aspect.RATE in choices:
        document = {"bands": [{"rate": Decimal(choices[Aspect.RATE])}]}
    return Tariff.model_validate(document)


def spread(
    whole: Fraction,
    weights: Sequence[Fraction],
    orders: Sequence[Fraction],
    unit: Fraction,
    remainder: Remainder,
) -> Money:
    """`whole` in proportion to `weights`, in units; what is left by `remainder`."""
    everything = sum(weights, Fraction(0))
    shares = [whole * weight / everything for weight in weights]
    given = [share // unit * unit for share in shares]
    fractions = [share - part for share, part in zip(shares, given, strict=True)]
    left, funds = whole - sum(given, Fraction(0)), range(len(weights))
    turns = {
        Remainder.RECEIPT: list(funds),
        Remainder.LARGER_ORDER: sorted(funds, key=lambda fund: -orders[fund]),
        Remainder.LARGEST_FUND: sorted(funds, key=lambda fund: -orders[fund])[:1],
        Remainder.LARGER_FRACTION: sorted(funds, key=lambda fund: (-fractions[fund], -orders[fund])),
    }[remainder]
    step = left if remainder is Remainder.LARGEST_FUND else unit
    for fund in turns:
        if left > 0:
            given[fund] += step
            left -= step
    return given
