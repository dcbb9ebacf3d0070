"""What all charges have in common: a level, a rounding, and the spread of what is charged on the block."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from canonical.amounts import total
from canonical.calculation.arithmetic import gross_of, rounded, spread
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.search import Figure, modes_beside
from canonical.diagnosis.sides import Stated
from canonical.rules.charges import Level
from canonical.rules.rounding import Mode
from canonical.rules.spread import By, Remainder, Spread

Choices = Mapping[Aspect, str]


@dataclass(frozen=True, slots=True)
class Charging:
    """How a charge is rounded, on which level, and how it is spread from the block."""

    level: Level
    rounding: Mode
    by: By
    remainder: Remainder
    decimals: int

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect; empty for those that are not of this kind."""
        return {
            Aspect.LEVEL: self.level.value,
            Aspect.ROUNDING: self.rounding.value,
            Aspect.SPREAD_BY: self.by.value,
            Aspect.REMAINDER: self.remainder.value,
            Aspect.DECIMALS: str(self.decimals),
        }.get(aspect, "")

    def departing(self, choices: Choices) -> "Charging | None":
        """The same with other choices; None where a spread is chosen and nothing is spread."""
        level = Level(choices.get(Aspect.LEVEL, self.level))
        if level is Level.FUND and (Aspect.SPREAD_BY in choices or Aspect.REMAINDER in choices):
            return None
        return Charging(
            level=level,
            rounding=Mode(choices.get(Aspect.ROUNDING, self.rounding)),
            by=By(choices.get(Aspect.SPREAD_BY, self.by)),
            remainder=Remainder(choices.get(Aspect.REMAINDER, self.remainder)),
            decimals=int(choices.get(Aspect.DECIMALS, self.decimals)),
        )

    def roundings(self) -> tuple[tuple[Aspect, str], ...]:
        """The other roundings; to whole units where the currency has smaller ones."""
        whole = ((Aspect.DECIMALS, "0"),) if self.decimals else ()
        return (*modes_beside(self.rounding), *whole)


def charging(
    level: Level, rounding: Mode, spreading: Spread, stated: Stated, remainder: Remainder
) -> Charging:
    """What the rules say. remainder: where they say nothing of it."""
    return Charging(level, rounding, spreading.by, spreading.remainder or remainder, stated.decimals)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the charges of one side are computed of: its own gross amounts, or those its prices give."""

    stated: Stated
    gross: tuple[Decimal | None, ...]
    quantity: tuple[Decimal | None, ...]

    block_gross: Decimal | None
    """Quantity times average price of the whole, from which what is charged on the block starts."""

    @property
    def total_gross(self) -> Decimal | None:
        """What the funds' gross amounts add up to; None where some are not known."""
        known = _all(self.gross)
        return total(known) if known is not None and self.stated.complete else None

    @property
    def total_quantity(self) -> Decimal | None:
        """The same of their quantities."""
        known = _all(self.quantity)
        return total(known) if known is not None and self.stated.complete else None

    def levels(self, how: Charging) -> tuple[tuple[Aspect, str], ...]:
        """The other level, and the other ways to spread; nothing where one fund has everything."""
        if len(self.gross) == 1:
            return ()
        level = Level.BLOCK if how.level is Level.FUND else Level.FUND
        by = By.QUANTITY if how.by is By.GROSS else By.GROSS
        remainders = tuple((Aspect.REMAINDER, each.value) for each in Remainder if each is not how.remainder)
        return ((Aspect.LEVEL, level.value), *remainders, (Aspect.SPREAD_BY, by.value))

    def spread(self, whole: Decimal, how: Charging) -> Figure | None:
        """`whole`, rounded, in parts for the funds."""
        gross, quantity = _all(self.gross), _all(self.quantity)
        if not self.stated.complete or gross is None or quantity is None:
            return None
        weights = gross if how.by is By.GROSS else quantity
        unit = Decimal(1).scaleb(-how.decimals)
        amount = rounded(whole, how.decimals, how.rounding)
        return spread(amount, weights, quantity, unit, how.remainder).__getitem__


def _all(values: tuple[Decimal | None, ...]) -> list[Decimal] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def inputs(stated: Stated, mode: Mode) -> Inputs:
    """What charges are computed of. mode: how the rules round a gross amount, where a side gives none."""
    gross: list[Decimal | None] = []
    for fund in stated.funds:
        given = fund.gross if fund is not None else None
        if given is None and fund is not None and fund.quantity is not None and fund.price is not None:
            given = gross_of(fund.quantity, fund.price, stated.decimals, mode)
        gross.append(given)
    quantities = tuple(fund.quantity if fund is not None else None for fund in stated.funds)
    return Inputs(stated, tuple(gross), quantities, _block_gross(stated, mode))


def _block_gross(stated: Stated, mode: Mode) -> Decimal | None:
    """What a side says, else what its quantity and price give, the block's or, without one, its funds'."""
    block = stated.block
    if block is not None and block.gross is not None:
        return block.gross
    if block is not None:
        quantity, prices = block.quantity, [block.price]
    else:
        quantity = total(
            fund.quantity for fund in stated.funds if fund is not None and fund.quantity is not None
        )
        prices = list(dict.fromkeys(fund.price for fund in stated.funds if fund is not None))
    if quantity is None or len(prices) != 1 or prices[0] is None:
        return None
    return gross_of(quantity, prices[0], stated.decimals, mode)


def on_each_fund(exact: Callable[[int], Decimal | None], how: Charging) -> Figure:
    """A charge that is computed and rounded for each fund by itself."""

    def figure(fund: int) -> Decimal | None:
        value = exact(fund)
        return None if value is None else rounded(value, how.decimals, how.rounding)

    return figure
