"""Where the two sides differ, field by field, with both values."""

from collections.abc import Iterator, Sequence

from canonical.diagnosis.sides import FundSides, Sides, Values
from canonical.diagnosis.telling import BLOCK

Pair = tuple[str, str]
Differing = dict[str, list[tuple[int, Pair]]]
"""By field: each place where it differs, the block first, then the funds in order."""

_SECURITIES = ("isin", "japan_code")


def differing(sides: Sides, funds: Sequence[FundSides]) -> Differing:
    """All differences. What one side does not give is none; a security is one, however it is named."""
    found: Differing = {}
    levels = [(BLOCK, sides.broker, sides.investor)]
    levels += [(place, fund.broker, fund.investor) for place, fund in enumerate(funds)]
    for place, broker, investor in levels:
        if broker is not None and investor is not None and broker != investor:
            for field, pair in _pairs(broker, investor):
                found.setdefault(field, []).append((place, pair))
    return found


def _pairs(broker: Values, investor: Values) -> Iterator[tuple[str, Pair]]:
    """The fields in which two are unlike."""
    for field, one in broker.items():
        other = investor.get(field)
        if other is not None and other != one and field not in _SECURITIES:
            yield field, (one, other)
    names = _securities(broker, investor)
    if names is not None and names[0] != names[1]:
        yield "instrument", names


def _securities(broker: Values, investor: Values) -> Pair | None:
    """How each side names the security: in the way that parts them, else that they share, else its own."""
    pairs = [(broker.get(name), investor.get(name)) for name in _SECURITIES]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    if both:
        return next(((one, other) for one, other in both if one != other), both[0])
    own = [next((side[name] for name in _SECURITIES if name in side), None) for side in (broker, investor)]
    return (own[0], own[1]) if own[0] is not None and own[1] is not None else None
