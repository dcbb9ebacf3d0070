"""Gross amounts: quantity times price, in all the ways in which that becomes money."""

from collections.abc import Sequence
from decimal import Decimal

from canonical.amounts import total
from canonical.calculation.arithmetic import EXACT, gross_of, rounded, spread
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.search import Figure, Made, modes_beside
from canonical.diagnosis.sides import Figures, Stated
from canonical.rules.rounding import Mode
from canonical.rules.spread import Remainder

UNITS = {"1000": Decimal("0.001"), "0.01": Decimal(100)}
"""Amounts in thousands, and amounts without their decimal point."""


class GrossStep:
    """The gross amounts of one side: of its block alone, or of its funds.

    unrounded: the average price before it was rounded, where it is known. spreading: of funds, the block's
    gross amount that may have been divided among them, and how what is left is spread by the rules.
    """

    def __init__(
        self,
        stated: Stated,
        items: Sequence[Figures | None],
        mode: Mode,
        unrounded: Decimal | None,
        spreading: tuple[Decimal, Remainder] | None = None,
    ) -> None:
        self._items = items
        self._mode = mode
        self._decimals = stated.decimals
        self._unrounded = unrounded
        self._spreading = spreading
        self.alternatives = self._alternatives()

    def _alternatives(self) -> tuple[tuple[Aspect, str], ...]:
        found = [*modes_beside(self._mode)]
        if self._unrounded is not None:
            found.append((Aspect.PRICE, "unrounded"))
        if self._spreading is not None:
            found.append((Aspect.LEVEL, "block"))
            agreed = self._spreading[1]
            found += [(Aspect.REMAINDER, each.value) for each in Remainder if each is not agreed]
        if self._decimals:
            found.append((Aspect.DECIMALS, "0"))
        return (*found, *((Aspect.UNIT, unit) for unit in UNITS))

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect."""
        remainder = self._spreading[1].value if self._spreading is not None else ""
        return {
            Aspect.ROUNDING: self._mode.value,
            Aspect.PRICE: "rounded",
            Aspect.LEVEL: "fund",
            Aspect.REMAINDER: remainder,
            Aspect.DECIMALS: str(self._decimals),
            Aspect.UNIT: "1",
        }.get(aspect, "")

    def under(self, made: Made) -> Figure | None:
        """The gross amounts under a convention."""
        choices = dict(made)
        mode = Mode(choices.get(Aspect.ROUNDING, self._mode))
        decimals = int(choices.get(Aspect.DECIMALS, self._decimals))
        if Aspect.LEVEL in choices:
            return self._spread(Remainder(choices[Aspect.REMAINDER]) if Aspect.REMAINDER in choices else None)
        if Aspect.REMAINDER in choices:
            return None
        unit = UNITS.get(choices.get(Aspect.UNIT, ""))
        price = self._unrounded if Aspect.PRICE in choices else None

        def figure(fund: int) -> Decimal | None:
            item = self._items[fund]
            used = price if price is not None or item is None else item.price
            if item is None or item.quantity is None or used is None:
                return None
            gross = gross_of(item.quantity, used, decimals, mode)
            return gross if unit is None else rounded(EXACT.multiply(gross, unit), decimals, Mode.DOWN)

        return figure

    def _spread(self, remainder: Remainder | None) -> Figure | None:
        if self._spreading is None:
            return None
        whole, agreed = self._spreading
        quantities = [item.quantity for item in self._items if item is not None and item.quantity is not None]
        unit = Decimal(1).scaleb(-self._decimals)
        return spread(whole, quantities, quantities, unit, remainder or agreed).__getitem__

    def last_resorts(self) -> tuple[Made, ...]:
        """None: a gross amount is nothing but quantity and price."""
        return ()


def unrounded_price(stated: Stated, executions: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """The average price before it was rounded: of the executions, or what a side's own block amount gives."""
    if executions:
        money = total(EXACT.multiply(quantity, price) for quantity, price in executions)
        return EXACT.divide(money, total(quantity for quantity, _ in executions))
    block = stated.block
    if block is None or block.gross is None or not block.quantity:
        return None
    return EXACT.divide(block.gross, block.quantity)
