"""Rules in a practitioner's words, one line for each place of the document."""

from collections.abc import Iterator
from decimal import Decimal

from canonical.amounts import plain
from canonical.rules import Resolution, Rules, Tolerance, Way
from canonical.rules.charges import (
    Band,
    Bands,
    Commission,
    ConsumptionTax,
    Discounted,
    FeeRule,
    Level,
    Tariff,
)
from canonical.rules.rounding import Mode
from canonical.rules.spread import By, Remainder, Spread
from canonical.rules.tolerance import Code, Holder

Line = tuple[str, str]
"""A place, and what holds there."""

WAYS = {
    Way.CENTRAL_MATCHING: "central matching: both sides calculate, the contract compares",
    Way.AFFIRMATION: "affirmation: the broker confirms, the investor affirms",
    Way.LOCAL_MATCHING: "local matching: the investor compares by itself, and affirms",
}
RESOLUTIONS = {
    Resolution.TELL: "a difference that a convention explains is told",
    Resolution.PROPOSE: "a difference that a convention explains is told, with the figures by these rules",
}
MODES = {
    Mode.DOWN: "truncated",
    Mode.UP: "rounded up, away from zero",
    Mode.HALF_UP: "rounded half up",
    Mode.HALF_EVEN: "rounded half to even",
    Mode.FLOOR: "rounded to the lower value",
    Mode.CEILING: "rounded to the higher value",
}
REMAINDERS = {
    Remainder.LARGEST_FUND: "what is left goes to the fund with the largest order",
    Remainder.LARGER_FRACTION: "what is left goes one by one to the larger fractions",
    Remainder.LARGER_ORDER: "what is left goes one by one to the larger orders",
    Remainder.RECEIPT: "what is left goes one by one in the order in which the funds are named",
}
HOLDERS = {
    Holder.INVESTOR: "the investor's figure holds",
    Holder.BROKER: "the broker's figure holds",
    Holder.CALCULATION: "the shared calculation's figure holds",
}
LEVELS = {Level.FUND: "on each fund's own amount", Level.BLOCK: "on the whole block, and spread"}


def lines_of(rules: Rules) -> Iterator[Line]:
    """All of it, in the order of the document."""
    agreeing, compare = rules.agreeing, rules.compare
    yield "agreeing.way", WAYS[agreeing.way]
    affirmed = "a confirmation that the shared calculation reproduces is affirmed by it"
    yield "agreeing.auto_affirm", affirmed if agreeing.auto_affirm else "the investor affirms"
    confirmed = "once block and allocation match, the shared calculation confirms"
    told = confirmed if agreeing.confirm_by_calculation else "the broker confirms"
    yield "agreeing.confirm_by_calculation", told
    yield "agreeing.resolve", RESOLUTIONS[agreeing.resolve]
    for level, compared in (("block", compare.block), ("fund", compare.fund), ("total", compare.total)):
        for field, tolerance in compared.tolerances.items():
            yield f"compare.{level}.{field}", tolerance_words(tolerance)
    average = rules.average_price
    yield "average_price", f"{MODES[average.mode]} to {average.decimals} decimals"
    yield "gross", f"quantity x price, {MODES[rules.gross]} to the currency's minor units"
    lot = rules.allocation.lot
    yield "allocation.lot", f"in lots of {number(lot)}" if lot else "in single units: no lot is agreed"
    yield "allocation.remainder", REMAINDERS[rules.allocation.remainder]
    yield from _commission(rules.commission)
    yield from _tax(rules.consumption_tax)
    yield from _fees(rules.fees)
    days = rules.settlement.days
    yield "settlement", f"{days} business days after the trade, by calendar {rules.settlement.calendar}"
    times = ", ".join(f"{time:%H:%M}" for time in rules.deadlines.remind_at)
    reminded = f"at {times}" if times else "at the deadlines of the network, if it has any"
    yield "deadlines.remind_at", f"what is open is told {reminded}"
    wait = rules.provisional_after_seconds
    told = f"told as provisional where the other side's node is away for {wait} seconds"
    yield "provisional_after_seconds", told if wait else "results wait for the other side's node"


def tolerance_words(tolerance: Tolerance) -> str:
    """How one field is compared."""
    holds = HOLDERS[tolerance.holds]
    match tolerance.code:
        case Code.EXCT:
            return "equal"
        case Code.NUFM:
            return "not compared"
        case Code.CPOP:
            return "given by both sides, whatever it says"
        case Code.PTOL:
            return f"within {number(tolerance.percent)} % of the larger figure; {holds}"
        case Code.PTMX:
            most = f"and within {number(tolerance.maximum)}"
            return f"within {number(tolerance.percent)} % of the larger figure {most}; {holds}"
        case Code.MNMX:
            below, above = number(tolerance.below), number(tolerance.above)
            return f"the broker's at most {below} below and {above} above the investor's; {holds}"


def number(value: Decimal | None) -> str:
    """A figure with separators: 50,000,000."""
    return f"{Decimal(plain(value or Decimal(0))):,f}"


def rate_words(rate: Decimal) -> str:
    """A rate as practitioners say it: 0.1 % (10 bp)."""
    return f"{plain(rate * 100)} % ({plain(rate * 10_000)} bp)"


def spread_words(spread: Spread) -> str:
    """How a charge on the block becomes the funds'."""
    by = "quantity" if spread.by is By.QUANTITY else "gross amount"
    rest = (
        REMAINDERS[spread.remainder] if spread.remainder else "the contract's version says whose the rest is"
    )
    return f"in proportion to {by}; {rest}"


def tariff_words(tariff: Tariff) -> str:
    """For which orders, and how much."""
    order = f"{tariff.order_format} orders" if tariff.order_format else "orders of any format"
    where = f"on {tariff.venue}" if tariff.venue else "anywhere"
    bands = "; ".join(_band(tariff, place) for place in range(len(tariff.bands)))
    limits = "".join(_limits(tariff))
    less = f"; less {number(tariff.discount_percent)} %" if tariff.discount_percent else ""
    charged = f"{bands}{less}{limits}" if tariff.discounted is Discounted.FIRST else f"{bands}{limits}{less}"
    return f"{order} {where}: {charged}"


def _band(tariff: Tariff, place: int) -> str:
    band = tariff.bands[place]
    above = f"above {number(band.above)}: " if place else ""
    part = " of the part above" if place and tariff.applied is Bands.MARGINAL else ""
    return f"{above}{_charged(band)}{part}"


def _charged(charged: Band | FeeRule) -> str:
    parts = []
    if charged.rate:
        parts.append(rate_words(charged.rate))
    if charged.per_share:
        parts.append(f"{number(charged.per_share)} a share")
    if charged.flat:
        parts.append(number(charged.flat))
    return " + ".join(parts) or "nothing"


def _limits(limits: Tariff | FeeRule) -> Iterator[str]:
    if limits.minimum is not None:
        yield f"; at least {number(limits.minimum)}"
    if limits.maximum is not None:
        yield f"; at most {number(limits.maximum)}"


def _commission(commission: Commission | None) -> Iterator[Line]:
    if commission is None:
        yield "commission", "none is agreed: nothing can be calculated"
        return
    yield "commission.level", LEVELS[commission.level]
    yield "commission.rounding", MODES[commission.rounding]
    if commission.level is Level.BLOCK:
        yield "commission.spread", spread_words(commission.spread)
    for place, tariff in enumerate(commission.tariffs, start=1):
        yield f"commission.tariffs[{place}]", tariff_words(tariff)


def _tax(tax: ConsumptionTax) -> Iterator[Line]:
    yield "consumption_tax.level", LEVELS[tax.level]
    yield "consumption_tax.rounding", MODES[tax.rounding]
    if tax.level is Level.BLOCK:
        yield "consumption_tax.spread", spread_words(tax.spread)
    yield "consumption_tax.on_fees", "on commission and fees" if tax.on_fees else "on commission alone"
    rates = ", ".join(f"{plain(rate.rate * 100)} % from {rate.since}" for rate in tax.rates)
    yield "consumption_tax.rates", rates


def _fees(fees: tuple[FeeRule, ...]) -> Iterator[Line]:
    if not fees:
        yield "fees", "none"
    for place, fee in enumerate(fees, start=1):
        on = f"on a {fee.side}" if fee.side else "on buys and sales"
        charged = f"{_charged(fee)}{''.join(_limits(fee))}"
        spread = f", {spread_words(fee.spread)}" if fee.level is Level.BLOCK else ""
        text = f"{fee.kind} {on}: {charged}; {LEVELS[fee.level]}, {MODES[fee.rounding]}{spread}"
        yield f"fees[{place}]", text
