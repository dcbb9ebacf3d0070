"""What in a rules document is not wrong, and yet to be looked at before both sides sign it."""

from collections.abc import Iterator
from decimal import Decimal

from canonical.amounts import plain
from canonical.calculation.arithmetic import charge_of
from canonical.rules import Resolution, Rules, Tolerance
from canonical.rules.charges import Bands, Commission, ConsumptionTax, FeeRule, Level, Tariff
from canonical.rules.tolerance import Holder
from node.rules_document import RulesDocument
from node.rules_words import number, rate_words

Advice = tuple[str, str]
"""A place of the document, and a sentence."""

COMMISSION_RATE_MAX = Decimal("0.03")  # more than any table that is published
TAX_RATE_MAX = Decimal("0.25")  # of no country's consumption tax
PERCENT_MAX = 1


def advice_on(document: RulesDocument) -> Iterator[Advice]:
    """All of it, with places as in the document."""
    rules = document.rules
    for place, text in (*_compared(rules), *_calculating(rules), *_commission(rules), *_charges(rules)):
        yield f"rules.{place}", text
    first = rules.consumption_tax.rates[0]
    if first.since > document.from_trade_date:
        text = (
            f"no rate holds from {document.from_trade_date} to {first.since}: nothing can be calculated then"
        )
        yield "rules.consumption_tax.rates", text


def _compared(rules: Rules) -> Iterator[Advice]:
    compare = rules.compare
    levels = (("block", compare.block), ("fund", compare.fund), ("total", compare.total))
    for level, compared in levels:
        for field, tolerance in compared.tolerances.items():
            if tolerance.allows_deviation:
                yield from ((f"compare.{level}.{field}", text) for text in _deviation(field, tolerance))
    for field, total in compare.total.tolerances.items():
        fund = compare.fund.tolerances[field]
        if fund.allows_deviation and not total.compares:
            text = f"each fund may be off, and nothing limits them together: set compare.total.{field}"
            yield f"compare.fund.{field}", text
        if fund.allows_deviation and total.allows_deviation and fund.holds is not total.holds:
            text = f"of each fund the {fund.holds}'s figure holds, of their sum the {total.holds}'s: name one"
            yield f"compare.total.{field}", text


def _deviation(field: str, tolerance: Tolerance) -> Iterator[str]:
    if field == "quantity":
        yield "trades then match with other quantities than were done: shares that nobody delivers"
    if field in ("quantity", "price") and tolerance.holds is Holder.CALCULATION:
        yield f"no {field} is calculated: the investor's holds"
    if not any((tolerance.percent, tolerance.below, tolerance.above)):
        yield 'a tolerance of nothing is "EXCT": say so'
    if tolerance.percent is not None and tolerance.percent > PERCENT_MAX:
        yield f"it is {number(tolerance.percent)} percent, not a part of one: is so much meant?"
    for limit in (tolerance.below, tolerance.above, tolerance.maximum):
        if field not in ("quantity", "price"):
            yield from _minor(limit)


def _calculating(rules: Rules) -> Iterator[Advice]:
    """Where the rules ask for the shared calculation and there is nothing to calculate by."""
    if rules.commission is not None:
        return
    text = "the shared calculation is asked for, and no commission is agreed to calculate by: add a table"
    agreeing = rules.agreeing
    if agreeing.auto_affirm:
        yield "agreeing.auto_affirm", text
    if agreeing.confirm_by_calculation:
        yield "agreeing.confirm_by_calculation", text
    if agreeing.resolve is Resolution.PROPOSE:
        yield "agreeing.resolve", text
    for level in ("block", "fund", "total"):
        for field, tolerance in getattr(rules.compare, level).tolerances.items():
            if tolerance.allows_deviation and tolerance.holds is Holder.CALCULATION:
                yield f"compare.{level}.{field}", text


def _commission(rules: Rules) -> Iterator[Advice]:
    if rules.commission is None:
        return
    tariffs = rules.commission.tariffs
    for place, tariff in enumerate(tariffs):
        here = f"commission.tariffs[{place + 1}]"
        yield from ((f"{here}{inner}", text) for inner, text in _tariff(tariff))
        if any(_covers(earlier, tariff) for earlier in tariffs[:place]):
            yield here, "no order comes so far: an earlier tariff fits all that this one is for"
    if not any(tariff.order_format is None and tariff.venue is None for tariff in tariffs):
        text = "an order that fits none of the tariffs cannot be calculated: add one for all others, if meant"
        yield "commission.tariffs", text


def _covers(earlier: Tariff, later: Tariff) -> bool:
    formats = earlier.order_format in (None, later.order_format)
    return formats and earlier.venue in (None, later.venue)


def _tariff(tariff: Tariff) -> Iterator[Advice]:
    for place, band in enumerate(tariff.bands):
        here = f".bands[{place + 1}]"
        if band.rate > COMMISSION_RATE_MAX:
            yield f"{here}.rate", f"it is {rate_words(band.rate)}: is so much meant?"
        yield from ((f"{here}.flat", text) for text in _minor(band.flat))
        if place:
            yield from ((here, text) for text in _falling(tariff, band.above))
    last = tariff.bands[-1]
    if len(tariff.bands) > 1 and last.rate and tariff.maximum is None:
        text = f"the table has no end: all above {number(last.above)} is charged by it, without a maximum"
        yield f".bands[{len(tariff.bands)}]", text
    for name, limit in (("minimum", tariff.minimum), ("maximum", tariff.maximum)):
        yield from ((f".{name}", text) for text in _minor(limit))


def _falling(tariff: Tariff, border: Decimal) -> Iterator[str]:
    """Where a larger trade pays less than a smaller one."""
    below, above = (charge_of(tariff, border + more, Decimal(0)) for more in (0, 1))
    if tariff.applied is Bands.WHOLE and above < below:
        text = f"just above {number(border)} the commission falls from {number(below)} to {number(above)}"
        yield f'{text}: is applied = "marginal" meant?'


def _charges(rules: Rules) -> Iterator[Advice]:
    tax, commission = rules.consumption_tax, rules.commission
    for place, rate in enumerate(tax.rates, start=1):
        if rate.rate > TAX_RATE_MAX:
            text = f"it is {plain(rate.rate * 100)} %: is so much meant?"
            yield f"consumption_tax.rates[{place}].rate", text
    charged: list[tuple[str, Commission | ConsumptionTax | FeeRule]] = [("consumption_tax", tax)]
    if commission is not None:
        charged.append(("commission", commission))
    for place, fee in enumerate(rules.fees, start=1):
        charged.append((f"fees[{place}]", fee))
        yield from _fee(f"fees[{place}]", fee)
    for here, charge in charged:
        if charge.level is Level.FUND and "spread" in charge.model_fields_set:
            text = 'it has no effect: nothing is spread that is computed on each fund (level = "block" is)'
            yield f"{here}.spread", text


def _fee(place: str, fee: FeeRule) -> Iterator[Advice]:
    for name in ("flat", "minimum", "maximum"):
        yield from ((f"{place}.{name}", text) for text in _minor(getattr(fee, name)))
    if not (fee.rate or fee.per_share or fee.flat or fee.minimum):
        yield place, "nothing is charged: add rate, per_share or flat, or leave the fee out"


def _minor(amount: Decimal | None) -> Iterator[str]:
    """Amounts are in the currency of the trade, whichever that is."""
    if amount is not None and amount % 1:
        yield f"{number(amount)} has decimals, and yen have none: right for other currencies only"
