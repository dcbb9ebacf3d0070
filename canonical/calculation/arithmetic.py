"""The single steps of the shared calculation, exact: nothing is rounded but where a rule says so.

Values are Decimal, amounts of one currency. Whatever the canonical layout holds (18 digits) goes through all
of these steps one after the other without a digit being cut and without an error, whatever the calling
thread's own context is. A division alone may have more digits than the context holds; it is cut so that
rounding it once more gives what rounding the exact value would give.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_05UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from canonical.rules.charges import Band, Bands, Commission, Discounted, FeeRule, Tariff, TaxRate
from canonical.rules.rounding import DECIMAL_MODES, DECIMALS_MAX, Mode, PriceRounding
from canonical.rules.spread import Remainder
from canonical.trade import OrderFormat, Side

# The longest way is quantity x price x rate x a weight: 4 x 18 digits, of which at most 40 after the point.
EXACT = Context(prec=128, rounding=ROUND_05UP, traps=[InvalidOperation, Overflow, DivisionByZero])

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_UNITS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(DECIMALS_MAX + 1))


def rounded(value: Decimal, decimals: int, mode: Mode) -> Decimal:
    """`value` with exactly so many decimals, 0 to 10."""
    return value.quantize(_UNITS[decimals], DECIMAL_MODES[mode], EXACT)


def gross_of(quantity: Decimal, price: Decimal, decimals: int, mode: Mode) -> Decimal:
    """Quantity times price, rounded to the currency's minor units."""
    return EXACT.multiply(quantity, price).quantize(_UNITS[decimals], DECIMAL_MODES[mode], EXACT)


def average_price(executions: Sequence[tuple[Decimal, Decimal]], rounding: PriceRounding) -> Decimal:
    """What one unit cost over all executions, of which there is at least one: (quantity, price) each.

    The exact sum of money by the sum of quantities, rounded once: no execution's money is rounded before.
    """
    money = quantities = _ZERO
    for quantity, price in executions:
        money = EXACT.fma(quantity, price, money)
        quantities = EXACT.add(quantities, quantity)
    return rounded(EXACT.divide(money, quantities), rounding.decimals, rounding.mode)


def tariff_for(commission: Commission, order_format: OrderFormat | None, venue: str | None) -> Tariff | None:
    """The first tariff that fits the order; None where none does.

    An order whose format or venue nobody stated fits no tariff that names one: it is not guessed.
    """
    for tariff in commission.tariffs:
        if tariff.order_format in (None, order_format) and tariff.venue in (None, venue):
            return tariff
    return None


def charge_of(tariff: Tariff, gross: Decimal, quantity: Decimal) -> Decimal:
    """The commission of `gross` and `quantity`, exact: the caller rounds it, once, at the very end.

    The bands, then minimum and maximum, then the discount; or, as the tariff says, the discount before them.
    Rounding after the minimum and not before is ours; it makes a difference only where a minimum has more
    decimals than the currency.
    """
    charge = (_whole if tariff.applied is Bands.WHOLE else _marginal)(tariff.bands, gross, quantity)
    if not tariff.discount_percent:
        return _within(charge, tariff)
    kept = EXACT.subtract(_HUNDRED, tariff.discount_percent)
    if tariff.discounted is Discounted.FIRST:
        return _within(EXACT.multiply(charge, kept).scaleb(-2, EXACT), tariff)
    return EXACT.multiply(_within(charge, tariff), kept).scaleb(-2, EXACT)


def _within(charge: Decimal, limits: Tariff | FeeRule) -> Decimal:
    if limits.minimum is not None and charge < limits.minimum:
        return limits.minimum
    if limits.maximum is not None and charge > limits.maximum:
        return limits.maximum
    return charge


def _whole(bands: Sequence[Band], gross: Decimal, quantity: Decimal) -> Decimal:
    return _sum_of_parts(band_of(bands, gross), gross, quantity)


def _marginal(bands: Sequence[Band], gross: Decimal, _: Decimal) -> Decimal:
    charge = _ZERO
    for amount, rate in amounts_in(bands, gross):
        charge = EXACT.fma(amount, rate, charge)
    return charge


def band_of(bands: Sequence[Band], gross: Decimal) -> Band:
    """The band in which `gross` lies; an amount on a border lies in the lower one."""
    found = bands[0]
    for band in bands[1:]:
        if gross <= band.above:
            break
        found = band
    return found


def amounts_in(bands: Sequence[Band], gross: Decimal) -> list[tuple[Decimal, Decimal]]:
    """The parts of `gross` by the bands in which they lie, each with its rate."""
    uppers = [*(band.above for band in bands[1:]), gross]
    return [
        (EXACT.subtract(min(gross, upper), band.above), band.rate)
        for band, upper in zip(bands, uppers, strict=True)
        if band.above < gross
    ]


def fee_of(fee: FeeRule, gross: Decimal, quantity: Decimal) -> Decimal:
    """A fee of `gross` and `quantity`, exact, whichever side it is for."""
    return _within(_sum_of_parts(fee, gross, quantity), fee)


def _sum_of_parts(charged: Band | FeeRule, gross: Decimal, quantity: Decimal) -> Decimal:
    of_amount = EXACT.fma(gross, charged.rate, charged.flat)
    return EXACT.fma(quantity, charged.per_share, of_amount) if charged.per_share else of_amount


def tax_rate_on(rates: Sequence[TaxRate], trade_date: date) -> Decimal | None:
    """The rate that holds on a trade date; None before the first one."""
    found = None
    for rate in rates:
        if rate.since > trade_date:
            break
        found = rate.rate
    return found


def net_of(side: Side, gross: Decimal, charges: Decimal, accrued: Decimal) -> Decimal:
    """What is paid for a buy, or received for a sale; negative where charges eat up a sale."""
    received = EXACT.add(gross, accrued)
    return EXACT.add(received, charges) if side is Side.BUY else EXACT.subtract(received, charges)


def spread(
    whole: Decimal,
    weights: Sequence[Decimal],
    orders: Sequence[Decimal],
    unit: Decimal,
    remainder: Remainder,
) -> tuple[Decimal, ...]:
    """`whole` in proportion to `weights`, in whole units; the sum of the parts is `whole` exactly.

    Each part is cut to units first. What is left goes out by `remainder`, of equal claims to the larger of
    `orders` first, then to the one named earlier. Where `whole` is no multiple of `unit`, the last to get
    something gets the odd rest. Where all weights are 0, the orders stand for them.
    """
    parts, fractions = cut(whole, weights if any(weights) else orders, unit)
    left = EXACT.subtract(whole, _sum(parts))
    turns = in_turn(orders, fractions, remainder)
    if remainder is Remainder.LARGEST_FUND:
        parts[turns[0]] = EXACT.add(parts[turns[0]], left)
        return tuple(parts)
    for fund in turns:
        if not left:
            break
        given = min(unit, left)
        parts[fund] = EXACT.add(parts[fund], given)
        left = EXACT.subtract(left, given)
    return tuple(parts)


def cut(whole: Decimal, weights: Sequence[Decimal], unit: Decimal) -> tuple[list[Decimal], list[Decimal]]:
    """Each one's share of `whole` cut to units, and what was cut off, all over one denominator."""
    each = EXACT.multiply(_sum(weights), unit)
    parts, fractions = [], []
    for weight in weights:
        units, fraction = EXACT.divmod(EXACT.multiply(whole, weight), each)
        parts.append(EXACT.multiply(units, unit))
        fractions.append(fraction)
    return parts, fractions


def in_turn(orders: Sequence[Decimal], fractions: Sequence[Decimal], remainder: Remainder) -> list[int]:
    """The funds, by their places from 0, in the order in which they get what is left."""
    funds = range(len(orders))
    if remainder is Remainder.RECEIPT:
        return list(funds)
    by_order = sorted(funds, key=orders.__getitem__, reverse=True)  # stable: of equals the earlier named
    if remainder is Remainder.LARGER_FRACTION:
        return sorted(by_order, key=fractions.__getitem__, reverse=True)
    return by_order


def _sum(values: Sequence[Decimal]) -> Decimal:
    found = _ZERO
    for value in values:
        found = EXACT.add(found, value)
    return found
