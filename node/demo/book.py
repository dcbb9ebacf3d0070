"""The day's trades: figures drawn from a seed, each trade different from every other of its manager."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Final

from node.demo.figures import Figures, share
from node.demo.market import SECURITIES, Firm

FUNDS_MAX: Final = 20
LOT: Final = 100
LOTS_MAX: Final = 60


@dataclass(slots=True)
class Book:
    """Draws trades. No two of one manager have the same security, side and quantity: none is ambiguous."""

    random: Random
    _drawn: set[tuple[str, str, bool, int]] = field(default_factory=set)

    def figures(self, manager: Firm, *, order: str = "", funds_min: int = 1) -> Figures:
        """A trade as both sides should compute it. order: the order number that both know, if any."""
        while True:
            figures = self._figures(manager, order, funds_min)
            key = (manager.letter, figures.security.isin, figures.buys, figures.quantity)
            if key not in self._drawn:
                # A quantity one lot larger stays free, for a side that will say so by mistake.
                self._drawn |= {key, (*key[:3], figures.quantity + LOT)}
                return figures

    def _figures(self, manager: Firm, order: str, funds_min: int) -> Figures:
        security = self.random.choice(SECURITIES)
        buys = self.random.choice((True, False))
        price = security.price + Decimal(self.random.randrange(10_000)).scaleb(-self.random.randint(1, 4))
        funds = self.random.sample(manager.funds, self.random.randint(funds_min, FUNDS_MAX))
        quantities = [LOT * self.random.randint(1, LOTS_MAX) for _ in funds]
        shares = tuple(share(f, q, price, buys=buys) for f, q in zip(funds, quantities, strict=True))
        return Figures(buys, security, sum(quantities), price, shares, order)
