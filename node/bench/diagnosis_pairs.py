"""Two sides of one deal that part: in one convention, or by an error that is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from canonical.amounts import plain
from canonical.diagnosis import Aspect, FundSides, Sides
from canonical.rules.charges import Bands, Level, Tariff
from canonical.rules.rounding import Mode
from canonical.rules.spread import By, Remainder
from node.bench.diagnosis_deals import CALENDAR, REMAINDER, Deal, draw_deal
from node.bench.diagnosis_figures import AS_AGREED, Convention, Values, stated

Drawn = tuple[str, Aspect | None, str]
"""A departure: field, aspect and value."""

_MODES = (Mode.DOWN, Mode.HALF_UP, Mode.UP, Mode.HALF_EVEN)
_ERRONEOUS = ("gross", "commission", "consumption_tax", "net", "price")
ERROR_PERCENT_MAX = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of a deal. family: what was planted, "commission level", or "error" with its field.

    field: in which the sides part. departed: whether the broker does what the rules do not say. place: of the
    fund with an error. off: by how many of the smallest units of money.
    """

    deal: Deal
    sides: Sides
    family: str
    field: str
    convention: Convention
    broker_departed: bool
    place: int = 0
    off: int = 0


def planted(random: Random, funds: int | None = None) -> Pair:
    """A pair that parts in one convention, of all families alike often."""
    while True:
        family = random.choice(FAMILIES)
        for _ in range(20):  # a family that hardly shows, such as a rounding of round amounts, is left
            pair = _planted(random, family, funds)
            if pair is not None:
                return pair


def _planted(random: Random, family: str, funds: int | None) -> Pair | None:
    deal = draw_deal(random, funds)
    drawn = [(aspect, value) for name, aspect, value in departures(deal) if family_of(name, aspect) == family]
    if not drawn:
        return None
    field = family.partition(" ")[0]
    aspect, value = random.choice(drawn)
    convention = Convention(field, {aspect: value} if aspect is not None else {})
    by_rules, otherwise = stated(deal, AS_AGREED), stated(deal, convention)
    if by_rules == otherwise:
        return None
    departed = random.random() < 0.5  # noqa: PLR2004 - either side as often
    sides = sides_of(deal, *((otherwise, by_rules) if departed else (by_rules, otherwise)))
    return Pair(deal, sides, family, "quantity" if field == "exchanged" else field, convention, departed)


def erroneous(random: Random, funds: int | None = None) -> Pair:
    """A pair of which one figure of one fund, or the price, was entered wrongly by one side."""
    deal = draw_deal(random, funds)
    field, by_rules = random.choice(_ERRONEOUS), stated(deal)
    place = random.randrange(len(deal.quantities))
    block, wrong = dict(by_rules[0]), [dict(fund) for fund in by_rules[1]]
    figure = Decimal(wrong[place][field])
    decimals = len(wrong[place][field].partition(".")[2]) if field == "price" else deal.decimals
    units = int(figure.scaleb(decimals))
    most = max(2, units * ERROR_PERCENT_MAX // 100)
    off = max(1, round(most ** random.random())) * random.choice((1, -1))
    off = off if units + off >= 0 else -off
    entered = plain(figure + Decimal(off).scaleb(-decimals))
    for each in (block, *wrong) if field == "price" else (wrong[place],):
        each[field] = entered
    departed = random.random() < 0.5  # noqa: PLR2004 - either side as often
    otherwise = (block, wrong)
    sides = sides_of(deal, *((otherwise, by_rules) if departed else (by_rules, otherwise)))
    return Pair(deal, sides, f"error in {field}", field, AS_AGREED, departed, place, abs(off))


def sides_of(deal: Deal, broker: tuple[Values, list[Values]], investor: tuple[Values, list[Values]]) -> Sides:
    """What a diagnosis is asked about."""
    funds = zip(broker[1], investor[1], strict=True)
    return Sides(
        broker=broker[0],
        investor=investor[0],
        funds=tuple(FundSides(f"F{number}", *each) for number, each in enumerate(funds, 1)),
        rules=deal.rules,
        remainder=REMAINDER,
        calendar=CALENDAR,
    )


def departures(deal: Deal) -> Iterator[Drawn]:
    """Each single thing that a side may do otherwise in a deal."""
    rules, smaller = deal.rules, deal.decimals > 0
    yield from (("price", Aspect.DECIMALS, str(d)) for d in range(9) if d != rules.average_price.decimals)
    yield from (("price", *each) for each in _modes(rules.average_price.mode))
    yield "price", Aspect.UNIT, "100"
    yield from (("gross", *each) for each in _modes(rules.gross))
    if deal.gives_block_gross:  # nothing else tells the average before it was rounded
        yield "gross", Aspect.PRICE, "unrounded"
        yield "gross", Aspect.LEVEL, "block"
    yield from (("gross", Aspect.UNIT, unit) for unit in ("1000", "0.01"))
    assert rules.commission is not None, "all rules drawn have a table"
    yield from _of_charge("commission", rules.commission.level, rules.commission.rounding, smaller=smaller)
    yield from _of_spread("commission", rules.commission.level, rules.commission.spread)
    yield from _of_commission(deal)
    tax = rules.consumption_tax
    yield from _of_charge("consumption_tax", tax.level, tax.rounding, smaller=smaller)
    yield from _of_spread("consumption_tax", tax.level, tax.spread)
    yield from (("consumption_tax", Aspect.RATE, rate) for rate in ("0.08", "0.05"))
    yield "consumption_tax", Aspect.BASE, "commission" if tax.on_fees else "commission_and_fees"
    if rules.commission.level is Level.FUND:
        yield "consumption_tax", Aspect.BASE, "unrounded_commission"
    for fee in rules.fees[:1]:
        if fee.side in (None, deal.side):
            yield from _of_charge("fees", fee.level, fee.rounding, smaller=smaller)
        else:
            yield "fees", Aspect.CHARGED, "other_side"
    parts = ("without_tax", "without_fees", "without_commission", "gross_alone")
    yield from (("net", Aspect.PARTS, each) for each in parts)
    yield "net", Aspect.SIGN, "reversed"
    yield from (("net", Aspect.UNIT, unit) for unit in ("1000", "0.01"))
    yield from (("settlement_date", Aspect.DAYS, str(days)) for days in (0, 1, 3, 4))
    yield from (("settlement_date", Aspect.CALENDAR, kind) for kind in ("weekdays", "all_days"))
    yield from (("quantity", Aspect.UNIT, "100"), ("quantity", Aspect.TIMES, "2"), ("side", None, ""))
    if len(deal.quantities) > 1:
        yield "exchanged", None, ""


def _modes(agreed: Mode) -> Iterator[tuple[Aspect, str]]:
    yield from ((Aspect.ROUNDING, mode.value) for mode in _MODES if mode is not agreed)


def _of_charge(field: str, level: Level, mode: Mode, *, smaller: bool) -> Iterator[Drawn]:
    yield field, Aspect.CHARGED, "no"
    yield from ((field, *each) for each in _modes(mode))
    yield field, Aspect.LEVEL, "block" if level is Level.FUND else "fund"
    if smaller:
        yield field, Aspect.DECIMALS, "0"


def _of_spread(field: str, level: Level, agreed: object) -> Iterator[Drawn]:
    if level is Level.BLOCK:
        remainder = getattr(agreed, "remainder", None) or REMAINDER
        yield from ((field, Aspect.REMAINDER, each.value) for each in Remainder if each is not remainder)
        by = getattr(agreed, "by", By.GROSS)
        yield field, Aspect.SPREAD_BY, (By.QUANTITY if by is By.GROSS else By.GROSS).value


def _of_commission(deal: Deal) -> Iterator[Drawn]:
    commission = deal.rules.commission
    assert commission is not None, "all rules drawn have a table"
    fits = [
        each
        for each in commission.tariffs
        if each.order_format in (None, deal.order_format) and each.venue in (None, deal.venue)
    ]
    for other in commission.tariffs:
        if other is not fits[0]:
            yield "commission", Aspect.TARIFF, f"{other.order_format or 'any'} {other.venue or 'any'}"
    yield from (("commission", *each) for each in _of_tariff(fits[0], commission.level))
    yield from (("commission", Aspect.TAX, each) for each in ("included", "taken_out"))
    yield from (("commission", Aspect.RATE, rate) for rate in ("0.0003", "0.00075", "0.0035"))
    base = "unrounded" if commission.level is Level.FUND else "sum_of_funds"
    yield "commission", Aspect.BASE, base


def _of_tariff(tariff: Tariff, level: Level) -> Iterator[tuple[Aspect, str]]:
    if tariff.minimum is not None:
        yield Aspect.MINIMUM, "none"
        if level is Level.FUND:
            yield Aspect.MINIMUM, "of_block"
    if tariff.maximum is not None:
        yield Aspect.MAXIMUM, "none"
    if tariff.discount_percent:
        yield Aspect.DISCOUNT, "none"
        yield Aspect.DISCOUNTED, "first" if tariff.discounted.value == "last" else "last"
    if len(tariff.bands) > 1:
        other = Bands.MARGINAL if tariff.applied is Bands.WHOLE else Bands.WHOLE
        yield Aspect.BANDS, other.value
        if tariff.applied is Bands.WHOLE:
            yield from ((Aspect.BAND, each) for each in ("of_block", "lower", "higher"))


def family_of(field: str, aspect: Aspect | None) -> str:
    """What a departure is told as: "commission level"."""
    return field if aspect is None else f"{field} {aspect.value}"


FAMILIES = (
    *(f"price {each}" for each in ("decimals", "rounding", "unit")),
    *(f"gross {each}" for each in ("rounding", "price", "level", "unit")),
    *(
        f"commission {each}"
        for each in (
            *("rounding", "level", "remainder", "spread_by", "tariff", "minimum", "maximum", "discount"),
            *("discounted", "bands", "band", "tax", "base", "rate", "charged", "decimals"),
        )
    ),
    *(
        f"consumption_tax {each}"
        for each in ("rounding", "level", "remainder", "spread_by", "rate", "base", "charged", "decimals")
    ),
    *(f"fees {each}" for each in ("charged", "rounding", "level", "decimals")),
    *(f"net {each}" for each in ("parts", "sign", "unit")),
    *(f"settlement_date {each}" for each in ("days", "calendar")),
    *("quantity unit", "quantity times", "side", "exchanged"),
)
"""What is planted."""
