"""What holds of every calculation, whatever the two sides have agreed."""

from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from canonical.amounts import FeeKind
from canonical.calculation.allocation import allocate
from canonical.calculation.arithmetic import average_price, rounded, spread
from canonical.calculation.calculation import Calculation, calculate
from canonical.calculation.deal import Deal
from canonical.calculation.working import StepName
from canonical.calendar import Calendar
from canonical.currencies import MINOR_UNITS
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.problems import Problem
from canonical.rules import Rules
from canonical.rules.charges import Bands, Discounted, Level
from canonical.rules.rounding import Mode, PriceRounding
from canonical.rules.spread import Allocation, By, Remainder
from canonical.trade import Side

MODES = st.sampled_from(Mode)
LEVELS = st.sampled_from(Level)
REMAINDERS = st.sampled_from(Remainder)
RATES = st.decimals(0, "0.05", places=6)
AMOUNTS = st.decimals(0, 10_000, places=2)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD", "CLF"])
QUANTITIES = st.integers(1, 100_000).map(Decimal)
PRICES = st.decimals("0.0001", 100_000, places=4)
SPREADS = st.fixed_dictionaries({"by": st.sampled_from(By), "remainder": st.none() | REMAINDERS})


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    applied = draw(st.sampled_from(Bands))
    borders = sorted(draw(st.sets(st.integers(1, 50_000_000), max_size=3)))
    bands: list[dict[str, Any]] = [{"above": above, "rate": draw(RATES)} for above in (0, *borders)]
    if applied is Bands.WHOLE:
        for band in bands:
            band |= {"per_share": draw(RATES), "flat": draw(AMOUNTS)}
    least, most = sorted([draw(AMOUNTS), draw(AMOUNTS)])
    return {
        "applied": applied,
        "bands": bands,
        "minimum": draw(st.sampled_from([None, least])),
        "maximum": draw(st.sampled_from([None, most])),
        "discount_percent": draw(st.sampled_from([Decimal(0), Decimal("12.5"), Decimal(100)])),
        "discounted": draw(st.sampled_from(Discounted)),
    }


@st.composite
def fees(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": draw(st.sampled_from(FeeKind)),
        "side": draw(st.none() | st.sampled_from(Side)),
        "level": draw(LEVELS),
        "rate": draw(RATES),
        "flat": draw(AMOUNTS),
        "rounding": draw(MODES),
        "spread": draw(SPREADS),
    }


@st.composite
def agreed(draw: st.DrawFn) -> Rules:
    charged = {"level": draw(LEVELS), "rounding": draw(MODES), "spread": draw(SPREADS)}
    taxed = {"level": draw(LEVELS), "rounding": draw(MODES), "spread": draw(SPREADS)}
    return Rules.model_validate(
        {
            "gross": draw(MODES),
            "commission": {**charged, "tariffs": [draw(tariffs())]},
            "consumption_tax": {**taxed, "on_fees": draw(st.booleans())},
            "fees": draw(st.lists(fees(), max_size=3)),
        }
    )


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    quantities = draw(st.lists(QUANTITIES, min_size=1, max_size=6, unique=True))
    portions = [
        {"account": {"code": f"F{number}"}, "quantity": quantity, "price": draw(st.none() | PRICES)}
        for number, quantity in enumerate(quantities)
    ]
    return Deal.model_validate(
        {
            "side": draw(st.sampled_from(Side)),
            "trade_date": date(2026, 11, 20),
            "currency": draw(CURRENCIES),
            "quantity": sum(quantities),
            "price": draw(PRICES),
            "portions": portions,
        }
    )


def calculated(deal: Deal, rules: Rules, remainder: Remainder = Remainder.LARGER_FRACTION) -> Calculation:
    found = calculate(deal, rules, remainder)
    assert isinstance(found, Calculation)
    return found


@given(deals(), agreed(), REMAINDERS)
def test_parts_are_the_whole(deal: Deal, rules: Rules, remainder: Remainder):
    """What is computed on the block is what the funds pay together, to the smallest unit."""
    found = calculated(deal, rules, remainder)
    blocks = {step.name: step.rounded for step in found.working if step.account is None}
    assert rules.commission is not None
    if rules.commission.level is Level.BLOCK:
        assert found.totals.commission.amount == blocks[StepName.COMMISSION]
    if rules.consumption_tax.level is Level.BLOCK:
        assert found.totals.consumption_tax.amount == blocks[StepName.CONSUMPTION_TAX]
    by_kind: dict[FeeKind | None, Decimal] = {}
    for step in found.working:
        level = next((fee.level for fee in rules.fees if fee.kind is step.kind), None)
        if step.name is StepName.FEE and (step.account is None) is (level is Level.BLOCK):
            by_kind[step.kind] = by_kind.get(step.kind, Decimal(0)) + step.rounded
    kinds = [fee.kind for fee in rules.fees]
    if len(set(kinds)) == len(kinds):
        assert {fee.kind: fee.charge.amount for fee in found.totals.fees} == {
            kind: amount for kind, amount in by_kind.items() if amount
        }


@given(deals(), agreed())
def test_net_is_gross_and_charges(deal: Deal, rules: Rules):
    """A buy pays gross and charges, a sale brings gross without them; the totals are the funds' sums."""
    found = calculated(deal, rules)
    for fund in found.funds:
        assert fund.net.amount == fund.net_of(deal.side)
    assert found.totals.net.amount == sum(fund.net.amount for fund in found.funds)
    charges = found.totals.commission.amount + found.totals.consumption_tax.amount
    charges += sum((fee.charge.amount for fee in found.totals.fees), Decimal(0))
    sign = 1 if deal.side is Side.BUY else -1
    assert found.totals.net.amount == found.totals.gross.amount + sign * charges


@given(deals(), agreed())
def test_no_amount_is_finer_than_the_currency(deal: Deal, rules: Rules):
    found = calculated(deal, rules)
    unit = Decimal(1).scaleb(-MINOR_UNITS[deal.currency])
    assert all(step.rounded % unit == 0 for step in found.working)


@given(deals(), agreed(), st.randoms(use_true_random=False))
def test_order_of_funds_does_not_matter(deal: Deal, rules: Rules, random: Any):
    """Unless what is left goes out in that order: as all orders differ, there are no other ties."""
    spreads = [rules.commission.spread if rules.commission else None, rules.consumption_tax.spread]
    spreads += [fee.spread for fee in rules.fees]
    assume(all(each is None or each.remainder is not Remainder.RECEIPT for each in spreads))
    portions = list(deal.portions)
    random.shuffle(portions)
    other = deal.model_copy(update={"portions": tuple(portions)})
    there = {fund.account.code: fund for fund in calculated(other, rules).funds}
    assert all(there[fund.account.code] == fund for fund in calculated(deal, rules).funds)


@given(deals(), agreed())
def test_a_calculation_has_one_byte_form(deal: Deal, rules: Rules):
    """It can travel: what is read back is the same, whatever the caller's own decimal context."""
    found = calculated(deal, rules)
    assert from_canonical_bytes(TypeAdapter(Calculation), canonical_bytes(found)) == found
    with localcontext(prec=3):
        assert calculated(deal, rules) == found


MOST = Decimal(10**18 - 1)
HUGE = st.integers(1, 10**17).map(Decimal) | st.sampled_from([Decimal("0.000001"), Decimal(10**17)])
GREEDY = Rules.model_validate(
    {
        "commission": {"level": "block", "tariffs": [{"bands": [{"per_share": MOST, "flat": MOST}]}]},
        "consumption_tax": {
            "level": "block",
            "on_fees": True,
            "rates": [{"since": date(2000, 1, 1), "rate": 1}],
        },
        "fees": [{"kind": "levy", "level": level, "per_share": MOST, "rate": 1} for level in Level],
    }
)


@given(HUGE | st.just(MOST), st.lists(HUGE, min_size=1, max_size=4), agreed() | st.just(GREEDY), REMAINDERS)
def test_nothing_that_a_message_holds_breaks_it(
    price: Decimal, quantities: list[Decimal], rules: Rules, remainder: Remainder
):
    """The other side may state what it will: it is calculated, or told as a problem, and never an error."""
    portions = [{"account": {"code": f"F{n}"}, "quantity": each} for n, each in enumerate(quantities)]
    whole = sum(int(each * 10**6) for each in quantities)
    assume(len(str(whole).rstrip("0")) <= 18)
    words = {"side": "sell", "trade_date": date(2026, 11, 20), "currency": "CLF", "price": price}
    deal = Deal.model_validate({**words, "quantity": Decimal(whole).scaleb(-6), "portions": portions})
    found = calculate(deal, rules, remainder)
    assert isinstance(found, Calculation) or all(isinstance(each, Problem) for each in found)


WEIGHTS = st.lists(st.integers(0, 10**6).map(Decimal), min_size=1, max_size=8).filter(any)


@given(st.integers(0, 10**9), WEIGHTS, st.integers(1, 100), REMAINDERS, st.data())
def test_spread(whole: int, weights: list[Decimal], unit: int, remainder: Remainder, data: st.DataObject):
    """The sum is exact, each part is its share to a unit, but for whoever gets all that is left.

    At most one part is no multiple of the unit, and none where the whole is one.
    """
    orders = [Decimal(data.draw(st.integers(1, 1000))) for _ in weights]
    parts = spread(Decimal(whole), weights, orders, Decimal(unit), remainder)
    assert sum(parts) == whole
    assert sum(part % unit != 0 for part in parts) == (whole % unit != 0)
    for part, weight in zip(parts, weights, strict=True):
        away = Fraction(part) - Fraction(whole) * Fraction(weight) / Fraction(sum(weights))
        assert -unit < away <= (len(parts) if remainder is Remainder.LARGEST_FUND else 1) * unit


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 1000), REMAINDERS, st.data())
def test_allocation(lots: list[int], lot: int, remainder: Remainder, data: st.DataObject):
    """Nothing is lost, nobody gets more than ordered, and at most one fund has a broken lot."""
    orders = [Decimal(lots_of_one * lot) for lots_of_one in lots]
    executed = Decimal(data.draw(st.integers(1, int(sum(orders)))))
    parts = allocate(executed, orders, Allocation(lot=Decimal(lot), remainder=remainder))
    assert not isinstance(parts, Problem)
    assert sum(parts) == executed
    assert all(0 <= part <= order for part, order in zip(parts, orders, strict=True))
    broken = [part for part in parts if part % lot]
    assert len(broken) == (1 if executed % lot else 0)


@given(st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=8), st.integers(0, 10), MODES)
def test_average_price_is_the_exact_quotient_rounded(
    executions: list[tuple[Decimal, Decimal]], decimals: int, mode: Mode
):
    money = sum(Fraction(quantity) * Fraction(price) for quantity, price in executions)
    exact = money / sum(Fraction(quantity) for quantity, _ in executions)
    found = average_price(executions, PriceRounding(decimals=decimals, mode=mode))
    scaled = exact * 10**decimals
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    half = Fraction(rest, scaled.denominator) - Fraction(1, 2)
    up = {
        Mode.DOWN: False,
        Mode.FLOOR: False,
        Mode.UP: rest > 0,
        Mode.CEILING: rest > 0,
        Mode.HALF_UP: half >= 0,
        Mode.HALF_EVEN: half > 0 or (half == 0 and whole % 2 == 1),
    }
    assert Fraction(found) * 10**decimals == whole + up[mode]


def test_negative_amounts_round_by_magnitude():
    """A credit rounds as a debit does, except for floor and ceiling."""
    found = {mode: rounded(Decimal("-2.5"), 0, mode) for mode in Mode}
    assert found == {
        Mode.DOWN: -2,
        Mode.UP: -3,
        Mode.HALF_UP: -3,
        Mode.HALF_EVEN: -2,
        Mode.FLOOR: -3,
        Mode.CEILING: -2,
    }


YEAR = (date(2026, 1, 1), date(2026, 12, 31))


@given(st.sets(st.dates(*YEAR).filter(lambda day: day.weekday() < 5)), st.dates(*YEAR), st.integers(0, 5))
def test_business_days(closed: set[date], day: date, days: int):
    """So many open days lie behind the day that is found, which is open itself; or nothing is known."""
    calendar = Calendar(name="JPX", first=YEAR[0], last=YEAR[1], closed=tuple(sorted(closed)))
    found = calendar.business_day_after(day, days)
    later = [date.fromordinal(n) for n in range(day.toordinal() + (days > 0), YEAR[1].toordinal() + 1)]
    opened = [each for each in later if each.weekday() < 5 and each not in closed]
    if isinstance(found, Problem):
        assert len(opened) < max(days, 1)
    else:
        assert found == opened[max(days, 1) - 1]
