"""The figures of a trade as the two sides' rules give them, with the working: what both could do by hand."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from canonical.amounts import DIGITS_MAX, Charge, Fee, FeeKind, Fees, Money, Price, plain, total
from canonical.base import Canonical
from canonical.calculation.arithmetic import net_of, tariff_for, tax_rate_on
from canonical.calculation.deal import Deal
from canonical.calculation.settlement import settlement_date
from canonical.calculation.sheet import Sheet, commission_of, fee_charged, tax_charged
from canonical.calculation.working import Working
from canonical.calendar import Calendar
from canonical.currencies import MINOR_UNITS
from canonical.problems import Problem, Rule, shortened
from canonical.rules import Rules
from canonical.rules.spread import Remainder
from canonical.trade import BlockFigures, FundFigures, Funds, Side


class Totals(Canonical):
    """The sums over all funds. fees: by kind, in the order of the rules."""

    gross: Charge
    commission: Charge
    consumption_tax: Charge
    fees: Fees = ()
    accrued: Charge | None = None
    net: Money


class Calculation(Canonical):
    """What a trade comes to. funds: in the order of the deal. working: all steps, the block's among them.

    settlement_date: by the rules; None where the calendar that they name is not known, or not so far.
    """

    side: Side
    block: BlockFigures
    funds: Funds
    totals: Totals
    working: Working
    settlement_date: date | None = None


Amounts = Sequence[Decimal]
"""One for each fund, in order."""


def calculate(
    deal: Deal, rules: Rules, remainder: Remainder, calendar: Calendar | None = None
) -> Calculation | tuple[Problem, ...]:
    """All money of a trade, or all that keeps it from being calculated.

    remainder: whose the smallest units are that a spread leaves over, where the rules leave that open.
    calendar: that of the settlement; None where none is known: money does not wait for it.

    Gross first; commission and fees, each on the fund or on the block's gross; consumption tax on what they
    are when rounded; net last. What is computed on the block starts from block quantity times average price
    and not from the sum of the funds' gross, and is spread among the funds by their own gross: that is ours.
    A fee that comes to nothing is left out, as nobody states it.
    """
    problems = tuple(_problems(deal, rules))
    commission, tax = rules.commission, rules.consumption_tax
    tariff = tariff_for(commission, deal.order_format, deal.venue) if commission else None
    rate = tax_rate_on(tax.rates, deal.trade_date)
    if problems or commission is None or tariff is None or rate is None:
        return problems
    sheet = Sheet(deal, rules.gross, MINOR_UNITS[deal.currency], remainder)
    commissions = sheet.charge(commission_of(commission, tariff))
    fees = _fees(deal, rules, sheet)
    taxed = _added(commissions, *fees.values()) if tax.on_fees else commissions
    taxes = sheet.charge(tax_charged(tax, rate), taxed)
    charges = _added(commissions, *fees.values(), taxes)
    if problem := _too_large(deal, sheet, charges):
        return (problem,)
    found = _told(deal, sheet, commissions, fees, taxes, charges)
    return found.model_copy(update={"settlement_date": _settles(deal, rules, calendar)})


def _settles(deal: Deal, rules: Rules, calendar: Calendar | None) -> date | None:
    day = settlement_date(deal.trade_date, rules.settlement, calendar) if calendar else None
    return day if isinstance(day, date) else None


def _problems(deal: Deal, rules: Rules) -> Iterator[Problem]:
    """What is missing in the rules for this deal, or wrong with it."""
    if deal.currency not in MINOR_UNITS:
        text = "the minor units of the currency are not known: nothing can be rounded to them"
        yield Problem(field="currency", value=deal.currency, rule=Rule.UNKNOWN_CODE, text=text)
    parts = total(portion.quantity for portion in deal.portions)
    if parts != deal.quantity:
        text = f"the funds' quantities add up to {plain(parts)}, the block has {plain(deal.quantity)}"
        yield Problem(field="quantity", value=plain(deal.quantity), rule=Rule.SUM, text=text)
    if rules.commission is None:
        text = "the two sides have no commission in common: agree on a table, of rate 0 where none is charged"
        yield Problem(field="commission", rule=Rule.REQUIRED, text=text)
    elif tariff_for(rules.commission, deal.order_format, deal.venue) is None:
        order = f"{deal.order_format or 'no order format'} on {deal.venue or 'no venue'}"
        text = "no tariff fits such an order: add one, or state format and venue"
        yield Problem(field="commission.tariffs", value=order, rule=Rule.UNSUPPORTED, text=text)
    if tax_rate_on(rules.consumption_tax.rates, deal.trade_date) is None:
        day, text = deal.trade_date.isoformat(), "no consumption tax rate holds on this day: add one"
        yield Problem(field="consumption_tax.rates", value=day, rule=Rule.OUT_OF_RANGE, text=text)
    yield from _accrued_problems(deal)


def _accrued_problems(deal: Deal) -> Iterator[Problem]:
    decimals = MINOR_UNITS.get(deal.currency, 0)
    for number, portion in enumerate(deal.portions):
        fraction = plain(portion.accrued or Decimal(0)).partition(".")[2]
        if len(fraction) > decimals:
            field, text = f"portions.{number}.accrued", f"{deal.currency} has {decimals} decimals: round it"
            yield Problem(field=field, value=str(portion.accrued), rule=Rule.DECIMALS, text=text)


def _fees(deal: Deal, rules: Rules, sheet: Sheet) -> dict[FeeKind, Amounts]:
    """The fees of each fund by kind; two of one kind are one fee."""
    found: dict[FeeKind, Amounts] = {}
    for fee in rules.fees:
        if fee.side in (None, deal.side):
            amounts = sheet.charge(fee_charged(fee))
            found[fee.kind] = _added(found[fee.kind], amounts) if fee.kind in found else amounts
    return found


def _added(*amounts: Amounts) -> list[Decimal]:
    return [total(of_fund) for of_fund in zip(*amounts, strict=True)]


def _too_large(deal: Deal, sheet: Sheet, charges: Amounts) -> Problem | None:
    """Where an amount has more digits than anybody's message holds."""
    accrued = (portion.accrued or Decimal(0) for portion in deal.portions)
    most = max(sheet.block_gross, total([*sheet.gross, *charges, *accrued]))
    if most.adjusted() + 1 + MINOR_UNITS[deal.currency] <= DIGITS_MAX:
        return None
    text = f"the amounts have more than {DIGITS_MAX} digits: compare quantity, price and rates"
    return Problem(field="gross", value=shortened(plain(most)), rule=Rule.OUT_OF_RANGE, text=text)


def _told(
    deal: Deal,
    sheet: Sheet,
    commissions: Amounts,
    fees: dict[FeeKind, Amounts],
    taxes: Amounts,
    charges: Amounts,
) -> Calculation:
    """The figures as messages hold them."""
    funds = []
    for number, portion in enumerate(deal.portions):
        gross, accrued = sheet.gross[number], portion.accrued
        net = net_of(deal.side, gross, charges[number], accrued or Decimal(0))
        charged = [amounts[number] for amounts in (commissions, *fees.values(), taxes)]
        sheet.net(portion.account, _net_text(deal.side, gross, charged, accrued), net)
        figures = FundFigures(
            account=portion.account,
            quantity=portion.quantity,
            price=Price(value=portion.price or deal.price, currency=deal.currency),
            gross=Charge(amount=gross, currency=deal.currency),
            commission=Charge(amount=commissions[number], currency=deal.currency),
            consumption_tax=Charge(amount=taxes[number], currency=deal.currency),
            fees=_stated({kind: amounts[number] for kind, amounts in fees.items()}, deal.currency),
            accrued=None if accrued is None else Charge(amount=accrued, currency=deal.currency),
            net=Money(amount=net, currency=deal.currency),
        )
        assert figures.net_of(deal.side) == net, "the parts of a fund give its net"
        funds.append(figures)
    return Calculation(
        side=deal.side,
        block=BlockFigures(
            quantity=deal.quantity,
            price=Price(value=deal.price, currency=deal.currency),
            gross=Charge(amount=sheet.block_gross, currency=deal.currency),
        ),
        funds=tuple(funds),
        totals=_totals(deal, funds),
        working=sheet.working(),
    )


def _net_text(side: Side, gross: Decimal, charges: Amounts, accrued: Decimal | None) -> str:
    sign = " + " if side is Side.BUY else " - "
    interest = f" + {plain(accrued)}" if accrued else ""
    return sign.join(plain(amount) for amount in (gross, *charges)) + interest


def _stated(fees: dict[FeeKind, Decimal], currency: str) -> Fees:
    return tuple(
        Fee(kind=kind, charge=Charge(amount=amount, currency=currency))
        for kind, amount in fees.items()
        if amount
    )


def _totals(deal: Deal, funds: Sequence[FundFigures]) -> Totals:
    """The sums of what the funds' figures say."""
    fees: dict[FeeKind, list[Decimal]] = {}
    for fee in (fee for fund in funds for fee in fund.fees):
        fees.setdefault(fee.kind, []).append(fee.charge.amount)
    accrued = [fund.accrued.amount for fund in funds if fund.accrued is not None]

    def charge(amounts: Sequence[Decimal]) -> Charge:
        return Charge(amount=total(amounts), currency=deal.currency)

    return Totals(
        gross=charge([fund.gross.amount for fund in funds if fund.gross is not None]),
        commission=charge([fund.commission.amount for fund in funds]),
        consumption_tax=charge([fund.consumption_tax.amount for fund in funds]),
        fees=_stated({kind: total(amounts) for kind, amounts in fees.items()}, deal.currency),
        accrued=charge(accrued) if accrued else None,
        net=Money(amount=total(fund.net.amount for fund in funds), currency=deal.currency),
    )
