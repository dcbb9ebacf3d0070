"""One trade as one side computes it, and what differs where two sides compute it.

Whole yen and Decimal prices: gross is truncated, commission is 10 basis points, consumption tax 10 % of
that, both truncated. The comparison here is the demo's own: it is what the nodes' answers are held against.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from canonical.amounts import plain
from node.demo.market import Fund, Security

COMMISSION_RATE: Final = Decimal("0.0010")
TAX_RATE: Final = Decimal("0.10")
BLOCK: Final = ""
"""The scope of a difference of the block itself; that of a fund is its account."""

Differences = dict[tuple[str, str], tuple[str, str]]
"""Scope and field to the broker's and the investor's value, as text."""


@dataclass(frozen=True, slots=True)
class Share:
    """One fund's part with its money, in yen."""

    fund: Fund
    quantity: int
    price: Decimal
    buys: bool
    commission: int
    tax: int
    fee: int = 0

    @property
    def gross(self) -> int:
        """Quantity times price, truncated."""
        return int(self.quantity * self.price)

    @property
    def charges(self) -> int:
        """All that the fund pays besides."""
        return self.commission + self.tax + self.fee

    @property
    def net(self) -> int:
        """What the fund pays for a buy, or gets for a sell."""
        return self.gross + self.charges if self.buys else self.gross - self.charges


@dataclass(frozen=True, slots=True)
class Figures:
    """A trade as one side sees it. order: the investor's order number, where both sides know it."""

    buys: bool
    security: Security
    quantity: int
    price: Decimal
    shares: tuple[Share, ...]
    order: str = field(default="")

    @property
    def gross(self) -> int:
        """Quantity times price, truncated."""
        return int(self.quantity * self.price)


def share(fund: Fund, quantity: int, price: Decimal, *, buys: bool) -> Share:
    """A fund's part by the customs above."""
    commission = int(int(quantity * price) * COMMISSION_RATE)
    return Share(fund, quantity, price, buys, commission, int(commission * TAX_RATE))


def with_quantity(figures: Figures, more: int) -> Figures:
    """`figures` with `more` shares for the first fund, and so for the block."""
    first, *rest = figures.shares
    changed = share(first.fund, first.quantity + more, first.price, buys=first.buys)
    return replace(figures, quantity=figures.quantity + more, shares=(changed, *rest))


def with_price(figures: Figures, more: Decimal) -> Figures:
    """`figures` at another price."""
    price = figures.price + more
    shares = tuple(share(s.fund, s.quantity, price, buys=s.buys) for s in figures.shares)
    return replace(figures, price=price, shares=shares)


def with_share(figures: Figures, *, commission: int = 0, tax: int = 0, fee: int = 0) -> Figures:
    """`figures` with other charges for the last fund: so much more of each."""
    *rest, last = figures.shares
    changed = replace(last, commission=last.commission + commission, tax=last.tax + tax, fee=last.fee + fee)
    return replace(figures, shares=(*rest, changed))


def differences(broker: Figures, investor: Figures, *, block_gross: bool, fund_gross: bool) -> Differences:
    """What must be told as different. block_gross, fund_gross: whether both sides' formats say these."""
    found = dict(
        _unequal(BLOCK, _block_values(broker, gross=block_gross), _block_values(investor, gross=block_gross))
    )
    for ours, theirs in zip(broker.shares, investor.shares, strict=True):
        values = _share_values(ours, gross=fund_gross), _share_values(theirs, gross=fund_gross)
        found |= dict(_unequal(ours.fund.code, *values))
    return found


def _unequal(
    scope: str, ours: dict[str, str], theirs: dict[str, str]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for name, value in ours.items():
        if value != theirs[name]:
            yield (scope, name), (value or "none", theirs[name] or "none")


def _block_values(figures: Figures, *, gross: bool) -> dict[str, str]:
    values = {"quantity": str(figures.quantity), "price": plain(figures.price)}
    return values | ({"gross": str(figures.gross)} if gross else {})


def _share_values(share: Share, *, gross: bool) -> dict[str, str]:
    values = {
        "quantity": str(share.quantity),
        "price": plain(share.price),
        "commission": str(share.commission),
        "consumption_tax": str(share.tax),
        "fees": f"exchange {share.fee}" if share.fee else "",
        "net": str(share.net),
    }
    return values | ({"gross": str(share.gross)} if gross else {})
