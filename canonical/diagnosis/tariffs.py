"""A tariff, and what becomes of it where one of its parts is taken otherwise."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from canonical.calculation.arithmetic import charge_of
from canonical.diagnosis.cause import Aspect
from canonical.rules.charges import Band, Bands, Discounted, Tariff

OTHER_TARIFFS_MAX = 10
ANY = "any"

Charge = Callable[[Decimal, Decimal], Decimal]
"""From gross amount and quantity, exact."""


def name_of(tariff: Tariff) -> str:
    """For which orders a tariff is, as a choice's value: "algorithmic XTKS"."""
    return f"{tariff.order_format or ANY} {tariff.venue or ANY}"


def limit_departures(tariff: Tariff) -> Iterator[tuple[Aspect, str]]:
    """What can be done otherwise with minimum, maximum and discount, the most customary first."""
    if tariff.minimum is not None:
        yield Aspect.MINIMUM, "none"
        yield Aspect.MINIMUM, "of_block"
    if tariff.discount_percent:
        yield Aspect.DISCOUNT, "none"
        if tariff.minimum is not None or tariff.maximum is not None:
            yield Aspect.DISCOUNTED, _other_order(tariff).value
    if tariff.maximum is not None:
        yield Aspect.MAXIMUM, "none"


def band_departures(tariff: Tariff) -> Iterator[tuple[Aspect, str]]:
    """What can be done otherwise with bands, the most customary first."""
    if len(tariff.bands) > 1:
        if not any(band.per_share or band.flat for band in tariff.bands):
            yield Aspect.BANDS, _other_application(tariff).value
        if tariff.applied is Bands.WHOLE:
            yield from ((Aspect.BAND, value) for value in ("on_border", "of_block", "lower", "higher"))


def agreed_in(tariff: Tariff, aspect: Aspect) -> str:
    """What the tariff says of one aspect; empty for those that are not a tariff's."""
    return {
        Aspect.TARIFF: name_of(tariff),
        Aspect.MINIMUM: "applied" if tariff.minimum is not None else "none",
        Aspect.MAXIMUM: "applied" if tariff.maximum is not None else "none",
        Aspect.DISCOUNT: "applied",
        Aspect.DISCOUNTED: tariff.discounted.value,
        Aspect.BANDS: tariff.applied.value,
        Aspect.BAND: "own",
        Aspect.RATE: _rate(tariff),
    }.get(aspect, "")


def _rate(tariff: Tariff) -> str:
    """The rate, where there is nothing but one."""
    band = tariff.bands[0]
    alone = len(tariff.bands) == 1 and not band.per_share and not band.flat
    return str(band.rate) if alone else "table"


def _other_order(tariff: Tariff) -> Discounted:
    return Discounted.FIRST if tariff.discounted is Discounted.LAST else Discounted.LAST


def _other_application(tariff: Tariff) -> Bands:
    return Bands.MARGINAL if tariff.applied is Bands.WHOLE else Bands.WHOLE


def departed(tariff: Tariff, choices: Mapping[Aspect, str]) -> Tariff:
    """`tariff` with the choices that can be written as another tariff."""
    changes: dict[str, object] = {}
    if Aspect.MINIMUM in choices:
        changes["minimum"] = None
    if Aspect.MAXIMUM in choices:
        changes["maximum"] = None
    if Aspect.DISCOUNT in choices:
        changes["discount_percent"] = Decimal(0)
    if Aspect.DISCOUNTED in choices:
        changes["discounted"] = Discounted(choices[Aspect.DISCOUNTED])
    if Aspect.BANDS in choices:
        changes["applied"] = Bands(choices[Aspect.BANDS])
    if Aspect.RATE in choices:
        rate = Band.model_validate({"rate": Decimal(choices[Aspect.RATE])})
        changes |= {"bands": (rate,), "minimum": None, "maximum": None, "discount_percent": Decimal(0)}
    return tariff.model_copy(update=changes) if changes else tariff


def charge_by(tariff: Tariff, band: str, block_gross: Decimal | None) -> Charge | None:
    """The charge of an amount. band: "own", or which other one; None where that is not known."""
    if band == "own":
        return lambda gross, quantity: charge_of(tariff, gross, quantity)
    if band == "of_block":
        if block_gross is None:
            return None
        of_block = _single(tariff, _place(tariff, block_gross))
        return lambda gross, quantity: charge_of(of_block, gross, quantity)
    singles = [_single(tariff, place) for place in range(len(tariff.bands))]
    if band == "on_border":  # "from 50,000,000" where "above" is agreed
        return lambda gross, quantity: charge_of(singles[_place_from(tariff, gross)], gross, quantity)
    step = 1 if band == "higher" else -1

    def neighbour(gross: Decimal, quantity: Decimal) -> Decimal:
        place = min(max(_place(tariff, gross) + step, 0), len(singles) - 1)  # at its end, a table has its own
        return charge_of(singles[place], gross, quantity)

    return neighbour


def _place(tariff: Tariff, gross: Decimal) -> int:
    """The number of the band in which an amount lies, from 0."""
    return max(0, sum(1 for band in tariff.bands if gross > band.above) - 1)


def _place_from(tariff: Tariff, gross: Decimal) -> int:
    """The same, where an amount on a border is counted to the higher band."""
    return max(0, sum(1 for band in tariff.bands if gross >= band.above) - 1)


def _single(tariff: Tariff, place: int) -> Tariff:
    band = tariff.bands[place].model_copy(update={"above": Decimal(0)})
    return tariff.model_copy(update={"bands": (band,)})
