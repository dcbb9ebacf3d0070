"""What a calculation starts from: a trade whose quantities and prices are known, and nothing else of it."""

from datetime import date
from typing import Annotated

from pydantic import Field

from canonical.amounts import Currency
from canonical.base import Canonical
from canonical.identifiers import FundAccount, Mic
from canonical.rules.figures import Amount, UnitPrice, Units
from canonical.trade import FUNDS_MAX, OrderFormat, Side


class Portion(Canonical):
    """One fund's part. price: its own, where executed prices are allocated; None for the block's.

    accrued: interest, which is stated and not calculated here.
    """

    account: FundAccount
    quantity: Units
    price: UnitPrice | None = None
    accrued: Amount | None = None


class Deal(Canonical):
    """A block with all its parts, in the order in which the investor names them. price: the average one."""

    side: Side
    trade_date: date
    currency: Currency
    quantity: Units
    price: UnitPrice
    venue: Mic | None = None
    order_format: OrderFormat | None = None
    portions: Annotated[tuple[Portion, ...], Field(min_length=1, max_length=FUNDS_MAX)]
