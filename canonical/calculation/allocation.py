"""How a block that was done in part is split among the funds that ordered it."""

from collections.abc import Sequence
from decimal import Decimal

from canonical.amounts import difference, plain, total
from canonical.calculation.arithmetic import EXACT, cut, in_turn
from canonical.problems import Problem, Rule
from canonical.rules.spread import Allocation, Remainder


def allocate(
    executed: Decimal, orders: Sequence[Decimal], allocation: Allocation
) -> tuple[Decimal, ...] | Problem:
    """Each fund's part of `executed`, in the order of `orders`; their sum is `executed` exactly.

    In proportion to the orders, cut to lots; the lots that are left go out by `allocation.remainder`, one
    each in turn or, with LARGEST_FUND, as many as a fund can take. Japanese managers publish this way, and
    that no fund gets more than it ordered (portfolia.jp/dpolicy.html, rheos.jp/policy/handling). Of equal
    fractions the larger order comes first, then the one named earlier: some draw lots there (nam.co.jp,
    myam.co.jp), which two sides cannot repeat.

    What no fund can take as a whole lot goes out last, in the same turn, to those first who have got no lot
    in it. A block done in full is split as it was ordered. Without a lot, the unit is the smallest step of
    all these quantities. A problem where more was done than ordered.
    """
    ordered = total(orders)
    if executed > ordered:
        text = f"{plain(executed)} were done and {plain(ordered)} ordered: nothing says whose the rest is"
        return Problem(field="quantity", value=plain(executed), rule=Rule.SUM, text=text)
    if executed == ordered:
        return tuple(orders)
    unit = allocation.lot or _step(executed, *orders)
    parts, fractions = cut(executed, orders, unit)
    turns = in_turn(orders, fractions, allocation.remainder)
    rest = _Rest(parts, orders, difference(executed, total(parts)))
    rest.give_lots(turns, unit, together=allocation.remainder is Remainder.LARGEST_FUND)
    rest.give_odd(turns)
    return tuple(parts)


def _step(*quantities: Decimal) -> Decimal:
    """The unit of the last decimal that any of them has."""
    decimals = max(len(plain(quantity).partition(".")[2]) for quantity in quantities)
    return Decimal(1).scaleb(-decimals)


class _Rest:
    """What is left of a block, and how it joins the parts that the funds have."""

    def __init__(self, parts: list[Decimal], orders: Sequence[Decimal], left: Decimal) -> None:
        self._parts = parts
        self._orders = orders
        self._left = left
        self._served = [False] * len(parts)

    def give_lots(self, turns: list[int], unit: Decimal, *, together: bool) -> None:
        """Whole lots to those who have room, one in each round or all together, until nobody can take one."""
        taken = True
        while taken and self._left >= unit:
            taken = False
            for fund in turns:
                lots = EXACT.divide_int(self._takes(fund), unit)
                if lots:
                    self._give(fund, EXACT.multiply(lots if together else Decimal(1), unit))
                    taken = self._served[fund] = True

    def give_odd(self, turns: list[int]) -> None:
        """What is less than a lot, or finds no room for one."""
        for fund in sorted(turns, key=lambda fund: self._served[fund]):
            self._give(fund, self._takes(fund))
        assert not self._left, "the orders have room for all that was done"

    def _takes(self, fund: int) -> Decimal:
        return min(self._left, difference(self._orders[fund], self._parts[fund]))

    def _give(self, fund: int, quantity: Decimal) -> None:
        self._parts[fund] = EXACT.add(self._parts[fund], quantity)
        self._left = EXACT.subtract(self._left, quantity)
