"""Gross amounts: quantity times price, in all the ways in which that becomes money."""

from collections.abc import Sequence
from decimal import Decimal

from canonical.amounts import total
from canonical.calculation.arithmetic import EXACT, gross_of, rounded, spread
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.search import Figure, Made, modes_beside
from canonical.diagnosis.sides import Stated
from canonical.rules import Rules
from canonical.rules.rounding import Mode, PriceRounding
from canonical.rules.spread import Remainder

UNITS = {"1000": Decimal("0.001"), "0.01": Decimal(100)}
"""Amounts in thousands, and amounts without their decimal point."""
ATTESTING_MIN = 2  # funds
LEFT_OPEN_MAX = 10  # amounts that one price may stand for, in the smallest units of money


class GrossStep:
    """The gross amounts of one side: of its funds in order, and last that of its block.

    executions: where they are known. remainder: whose the rest is where the block's amount is divided.
    """

    def __init__(
        self,
        stated: Stated,
        rules: Rules,
        executions: Sequence[tuple[Decimal, Decimal]],
        remainder: Remainder,
    ) -> None:
        self._items = (*stated.funds, stated.block)
        self._complete = stated.complete
        self._mode = rules.gross
        self._decimals = stated.decimals
        self._remainder = remainder
        self._unrounded = _unrounded(stated, rules.average_price, executions)
        self.alternatives = self._alternatives()

    def _alternatives(self) -> tuple[tuple[Aspect, str], ...]:
        found = [*modes_beside(self._mode)]
        if self._unrounded is not None:
            found.append((Aspect.PRICE, "unrounded"))
        if self._complete:
            found.append((Aspect.LEVEL, "block"))
            found += [(Aspect.REMAINDER, each.value) for each in Remainder if each is not self._remainder]
        if self._decimals:
            found.append((Aspect.DECIMALS, "0"))
        return (*found, *((Aspect.UNIT, unit) for unit in UNITS))

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect."""
        return {
            Aspect.ROUNDING: self._mode.value,
            Aspect.PRICE: "rounded",
            Aspect.LEVEL: "fund",
            Aspect.REMAINDER: self._remainder.value,
            Aspect.DECIMALS: str(self._decimals),
            Aspect.UNIT: "1",
        }.get(aspect, "")

    def under(self, made: Made) -> Figure | None:
        """The gross amounts under a convention."""
        choices = dict(made)
        mode = Mode(choices.get(Aspect.ROUNDING, self._mode))
        decimals = int(choices.get(Aspect.DECIMALS, self._decimals))
        if Aspect.PRICE in choices:
            return self._of_executions(decimals, mode)
        if Aspect.LEVEL in choices:
            return self._spread(decimals, mode, Remainder(choices.get(Aspect.REMAINDER, self._remainder)))
        if Aspect.REMAINDER in choices:
            return None
        unit = UNITS.get(choices.get(Aspect.UNIT, ""))

        def figure(place: int) -> Decimal | None:
            item = self._items[place]
            if item is None or item.quantity is None or item.price is None:
                return None
            gross = gross_of(item.quantity, item.price, decimals, mode)
            return gross if unit is None else rounded(EXACT.multiply(gross, unit), decimals, Mode.DOWN)

        return figure

    def _of_executions(self, decimals: int, mode: Mode) -> Figure | None:
        """A part of the money of all executions: the product comes first, as a division may have no end."""
        if self._unrounded is None:
            return None
        money, whole = self._unrounded

        def figure(place: int) -> Decimal | None:
            item = self._items[place]
            if item is None or item.quantity is None:
                return None
            return rounded(EXACT.divide(EXACT.multiply(item.quantity, money), whole), decimals, mode)

        return figure

    def _spread(self, decimals: int, mode: Mode, remainder: Remainder) -> Figure | None:
        """The block's gross amount in parts for the funds."""
        *funds, block = self._items
        quantities = [fund.quantity for fund in funds if fund is not None and fund.quantity is not None]
        if block is None or block.quantity is None or block.price is None or len(quantities) != len(funds):
            return None
        whole = gross_of(block.quantity, block.price, decimals, mode)
        parts = spread(whole, quantities, quantities, Decimal(1).scaleb(-decimals), remainder)
        return (*parts, whole).__getitem__

    def last_resorts(self) -> tuple[Made, ...]:
        """None: a gross amount is nothing but quantity and price."""
        return ()


def executed(executions: Sequence[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """Money and quantity of all executions."""
    money = total(EXACT.multiply(quantity, price) for quantity, price in executions)
    return money, total(quantity for quantity, _ in executions)


def _unrounded(
    stated: Stated, price: PriceRounding, executions: Sequence[tuple[Decimal, Decimal]]
) -> tuple[Decimal, Decimal] | None:
    """Money and quantity of all executions: as they are known, else as a side's own block amount gives them.

    That amount is believed only if the side's price is what it rounds to, and if other amounts than this one
    would not do as well: several funds attest it, or the price leaves hardly anything open.
    """
    if executions:
        return executed(executions)
    block = stated.block
    if block is None or block.gross is None or not block.quantity:
        return None
    average = EXACT.divide(block.gross, block.quantity)
    left_open = block.quantity.scaleb(stated.decimals - price.decimals, EXACT)
    attested = len([fund for fund in stated.funds if fund is not None and fund.gross is not None])
    if attested < ATTESTING_MIN and left_open > LEFT_OPEN_MAX:
        return None
    return (
        (block.gross, block.quantity) if rounded(average, price.decimals, price.mode) == block.price else None
    )
