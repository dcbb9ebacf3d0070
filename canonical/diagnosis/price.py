"""Average prices: to how many decimals, which way, or written in another unit or with transposed digits."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from canonical.amounts import difference, plain
from canonical.calculation.arithmetic import EXACT, rounded
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.search import Made
from canonical.rules.rounding import Mode, PriceRounding

DECIMALS_SEARCHED_MAX = 8
_MODES = (Mode.DOWN, Mode.HALF_UP, Mode.UP, Mode.HALF_EVEN)
_PENCE = Decimal(100)  # prices in a hundredth of the currency: London

Explained = tuple[tuple[Made, ...], tuple[Made, ...]]
"""The conventions for each of two figures, the most customary first."""


def price_conventions(
    one: Decimal, other: Decimal, agreed: PriceRounding, exact: Sequence[Decimal]
) -> Explained | None:
    """What makes two different prices of one deal; None where nothing does.

    exact: the average before it was rounded, as it may have been; beside these the finer of the two prices
    may be what the other was rounded from.
    """
    both = (one, other)
    found = [
        (sum(len(ways[0]) for ways in explained), place, explained)
        for place, source in enumerate((*exact, max(both, key=_decimals)))
        if all(explained := (_ways(source, one, agreed), _ways(source, other, agreed)))
    ]
    rounded_from = min(found, key=lambda each: each[:2])[2] if found else None
    neighbours = _next_to_each_other(one, other, agreed)
    if neighbours is None:
        return rounded_from or written_otherwise(one, other)
    return neighbours if rounded_from is None else _joined(neighbours, rounded_from)


def _joined(first: Explained, then: Explained) -> Explained:
    """Both, where the figures leave open which of the two it is."""
    one, other = (tuple(dict.fromkeys((*ours, *theirs))) for ours, theirs in zip(first, then, strict=True))
    return one, other


def price_agreed(aspect: Aspect, agreed: PriceRounding) -> str:
    """What the rules say of one aspect of a price."""
    return {
        Aspect.DECIMALS: str(agreed.decimals),
        Aspect.ROUNDING: agreed.mode.value,
        Aspect.UNIT: "1",
        Aspect.ENTRY: "as_given",
    }.get(aspect, "")


def _ways(source: Decimal, price: Decimal, agreed: PriceRounding) -> tuple[Made, ...]:
    """The fewest departures with which `source` is rounded to `price`."""
    found = [made for made, decimals, mode in _roundings(agreed) if rounded(source, decimals, mode) == price]
    return tuple(made for made in found if len(made) == len(found[0]))


def _roundings(agreed: PriceRounding) -> Iterator[tuple[Made, int, Mode]]:
    """The agreed one, other modes, other numbers of decimals from the nearest on, and both together."""
    fewer = range(min(agreed.decimals - 1, DECIMALS_SEARCHED_MAX), -1, -1)
    numbers = (*fewer, *range(agreed.decimals + 1, DECIMALS_SEARCHED_MAX + 1))
    modes = tuple(mode for mode in _MODES if mode is not agreed.mode)
    yield (), agreed.decimals, agreed.mode
    for mode in modes:
        yield ((Aspect.ROUNDING, mode.value),), agreed.decimals, mode
    for decimals in numbers:
        yield ((Aspect.DECIMALS, str(decimals)),), decimals, agreed.mode
    for decimals in numbers:
        for mode in modes:
            yield ((Aspect.DECIMALS, str(decimals)), (Aspect.ROUNDING, mode.value)), decimals, mode


def _next_to_each_other(one: Decimal, other: Decimal, agreed: PriceRounding) -> Explained | None:
    """Two prices that lie one unit of the last agreed decimal apart: cut off and rounded up.

    From what they were rounded is not known: what is customary is said first.
    """
    unit = Decimal(1).scaleb(-agreed.decimals)
    if difference(one, other).copy_abs() != unit or rounded(one, agreed.decimals, Mode.DOWN) != one:
        return None
    down = _made(Mode.DOWN, agreed)
    up, half_up = _made(Mode.UP, agreed), _made(Mode.HALF_UP, agreed)
    lower, upper = {
        Mode.HALF_UP: ((down, ()), ((), up)),
        Mode.HALF_EVEN: ((down, ()), ((), up)),
        Mode.UP: ((down, half_up), ((),)),
        Mode.CEILING: ((down, half_up), ((),)),
    }.get(agreed.mode, (((),), (half_up, up)))
    return (lower, upper) if one < other else (upper, lower)


def _made(mode: Mode, agreed: PriceRounding) -> Made:
    return () if mode is agreed.mode else ((Aspect.ROUNDING, mode.value),)


def written_otherwise(one: Decimal, other: Decimal) -> Explained | None:
    """What makes two prices of one, however it came about: another unit, or transposed digits."""
    larger = max(one, other)
    if larger == EXACT.multiply(min(one, other), _PENCE):
        small, plain_unit = (((Aspect.UNIT, plain(_PENCE)),),), ((),)
        return (small, plain_unit) if one == larger else (plain_unit, small)
    return transposed(one, other)


def transposed(one: Decimal, other: Decimal) -> Explained | None:
    """Figures that are the same but for two digits side by side that have changed places."""
    texts = plain(one), plain(other)
    places = [place for place, digits in enumerate(zip(*texts, strict=False)) if digits[0] != digits[1]]
    if len(texts[0]) != len(texts[1]) or len(places) != 2 or places[1] != places[0] + 1:  # noqa: PLR2004 - two digits
        return None
    first, second = places
    if texts[0][first] != texts[1][second] or texts[0][second] != texts[1][first]:
        return None
    entered = (((Aspect.ENTRY, "transposed"),),)
    return entered, entered


def _decimals(price: Decimal) -> int:
    return len(plain(price).partition(".")[2])
