"""Deals drawn at random under rules drawn at random, for the measurement of the diagnosis."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

from canonical.amounts import FeeKind
from canonical.calendar import Calendar
from canonical.rules import Rules
from canonical.rules.spread import Remainder
from canonical.trade import OrderFormat, Side

REMAINDER = Remainder.LARGER_FRACTION
HOLIDAYS = tuple(
    date.fromisoformat(f"2026-{day}")
    for day in (
        *("01-01", "01-02", "01-12", "02-11", "02-23", "03-20", "04-29", "05-04", "05-05", "05-06"),
        *("07-20", "08-11", "09-21", "09-22", "09-23", "10-12", "11-03", "11-23", "12-31"),
    )
)
CALENDAR = Calendar(name="JPX", first=date(2026, 1, 1), last=date(2027, 1, 31), closed=HOLIDAYS)
_DAYS = (CALENDAR.first + timedelta(days=number) for number in range(10, 350))
_TRADE_DATES = tuple(day for day in _DAYS if CALENDAR.is_open(day))
VENUES = ("XTKS", "XNGO")
SEVERAL_FUNDS_MAX = 8
MANY_FUNDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Deal:
    """A trade as it was. executions: (quantity, price) each. quantities: of the funds."""

    rules: Rules
    side: Side
    trade_date: date
    order_format: OrderFormat
    venue: str
    currency: str
    executions: tuple[tuple[int, Fraction], ...]
    quantities: tuple[int, ...]
    gives_block_gross: bool

    @property
    def decimals(self) -> int:
        """Of the currency's minor units."""
        return 0 if self.currency == "JPY" else 2

    @property
    def quantity(self) -> int:
        """Of the block."""
        return sum(self.quantities)

    @property
    def average(self) -> Fraction:
        """The price before it is rounded."""
        return sum((quantity * price for quantity, price in self.executions), Fraction(0)) / self.quantity


def draw_deal(random: Random, funds: int | None = None) -> Deal:
    """A deal of a few funds or, seldom, of many. funds: so many instead."""
    yen = _happens(random, 85)
    count = funds or _count(random)
    lots = [max(1, round(random.lognormvariate(3, 1.5))) for _ in range(count)]
    quantities = tuple(100 * each for each in lots)
    return Deal(
        rules=draw_rules(random, yen=yen),
        side=random.choice(list(Side)),
        trade_date=random.choice(_TRADE_DATES),
        order_format=random.choice(list(OrderFormat)),
        venue=random.choice(VENUES),
        currency="JPY" if yen else "USD",
        executions=_executions(random, sum(quantities), yen=yen),
        quantities=quantities,
        gives_block_gross=_happens(random, 60),
    )


def _happens(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _count(random: Random) -> int:
    if _happens(random, 5):
        return random.randint(SEVERAL_FUNDS_MAX + 1, MANY_FUNDS_MAX)
    return random.randint(1, SEVERAL_FUNDS_MAX)


def _executions(random: Random, quantity: int, *, yen: bool) -> tuple[tuple[int, Fraction], ...]:
    """The block in up to six executions at neighbouring prices."""
    tick = (
        random.choice((Fraction(1, 10), Fraction(1, 2), Fraction(1), Fraction(5)))
        if yen
        else Fraction(1, 100)
    )
    start = random.randrange(300, 60_000) if yen else random.randrange(500, 40_000)
    cuts = sorted(random.sample(range(1, quantity // 100), min(random.randrange(6), quantity // 100 - 1)))
    bounds = [0, *(100 * cut for cut in cuts), quantity]
    sizes = [upper - lower for lower, upper in pairwise(bounds)]
    return tuple((size, tick * (start + random.randrange(12))) for size in sizes)


def draw_rules(random: Random, *, yen: bool) -> Rules:
    """What two sides may have agreed."""
    money = 1 if yen else Decimal("0.01")
    document = {
        "average_price": {
            "decimals": random.choice((2, 4, 4, 4, 6)),
            "mode": random.choice(("half_up", "half_up", "down", "up")),
        },
        "gross": _mode(random),
        "commission": {
            "level": random.choice(("fund", "fund", "block")),
            "rounding": _mode(random),
            "spread": _spread(random),
            "tariffs": _tariffs(random, money),
        },
        "consumption_tax": {
            "level": random.choice(("fund", "fund", "block")),
            "rounding": _mode(random),
            "spread": _spread(random),
            "on_fees": _happens(random, 20),
        },
        "fees": _fees(random, money),
    }
    return Rules.model_validate(document)


def _mode(random: Random) -> str:
    return random.choice(("down", "down", "down", "half_up", "up", "half_even"))


def _spread(random: Random) -> dict[str, str]:
    found = {"by": random.choice(("gross", "quantity"))}
    if _happens(random, 70):
        found["remainder"] = random.choice(list(Remainder)).value
    return found


def _tariffs(random: Random, money: Decimal | int) -> list[dict[str, object]]:
    formats = random.sample([each.value for each in OrderFormat], random.randrange(3))
    found = [{"order_format": each, **_tariff(random, money)} for each in formats]
    if _happens(random, 30):
        found.append({"venue": random.choice(VENUES), **_tariff(random, money)})
    return [*found, _tariff(random, money)]


def _tariff(random: Random, money: Decimal | int) -> dict[str, object]:
    basis_points = random.randrange(4, 30)
    bands: list[dict[str, Decimal | int]] = [{"rate": Decimal(basis_points) / 10_000}]
    for above in sorted(random.sample((3, 10, 30, 100), random.choice((0, 0, 1, 2, 3)))):
        basis_points = max(1, basis_points - random.randrange(1, 4))
        bands.append({"above": above * 1_000_000 * money, "rate": Decimal(basis_points) / 10_000})
    found: dict[str, object] = {"bands": bands, "applied": random.choice(("whole", "whole", "marginal"))}
    if _happens(random, 30):
        found["minimum"] = random.choice((1_000, 2_500, 5_000)) * money
    if _happens(random, 15):
        found["maximum"] = random.choice((200_000, 500_000)) * money
    if _happens(random, 30):
        found |= {
            "discount_percent": random.choice((5, 10, 15, 30)),
            "discounted": random.choice(("first", "last")),
        }
    return found


def _fees(random: Random, money: Decimal | int) -> list[dict[str, object]]:
    kinds = random.sample(
        [FeeKind.EXCHANGE, FeeKind.STAMP, FeeKind.TRANSACTION_TAX], random.choice((0, 0, 1, 2))
    )
    found = []
    for kind in kinds:
        fee: dict[str, object] = {"kind": kind.value, "level": random.choice(("fund", "block"))}
        fee |= {"rate": Decimal(random.randrange(1, 40)) / 1_000_000, "rounding": _mode(random)}
        if _happens(random, 30):
            fee["flat"] = 200 * money
        if _happens(random, 30):
            fee["side"] = random.choice(("buy", "sell"))
        found.append(fee)
    return found
