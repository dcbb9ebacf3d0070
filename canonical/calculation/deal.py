"""What a calculation starts from: a trade whose quantities and prices are known, and nothing else of it."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from canonical.amounts import Currency
from canonical.base import Canonical
from canonical.identifiers import FundAccount, Mic
from canonical.problems import Problem, Rule
from canonical.rules.figures import Amount, UnitPrice, Units
from canonical.trade import FUNDS_MAX, Allocation, BlockFigures, FundFigures, OrderFormat, Side, Terms


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


def deal_of(terms: Terms, block: BlockFigures, parts: Sequence[Allocation | FundFigures]) -> Deal | Problem:
    """The deal that messages speak of. A problem where a part is in another currency than the block."""
    currency = block.price.currency
    for number, part in enumerate(parts):
        foreign = [money for money in _moneys(part) if money != currency]
        if foreign:
            text = f"the block is in {currency}: all of it must be in one currency to be calculated"
            place = f"parts.{number}.price"
            return Problem(field="currency", value=foreign[0], rule=Rule.UNSUPPORTED, text=text, path=place)
    return Deal(
        side=terms.side,
        trade_date=terms.trade_date,
        currency=currency,
        quantity=block.quantity,
        price=block.price.value,
        venue=terms.venue,
        order_format=terms.order_format,
        portions=tuple(_portion(part) for part in parts),
    )


def _moneys(part: Allocation | FundFigures) -> list[str]:
    """The currencies of what is taken from a part."""
    accrued = part.accrued if isinstance(part, FundFigures) else None
    return [money.currency for money in (part.price, accrued) if money is not None]


def _portion(part: Allocation | FundFigures) -> Portion:
    accrued = part.accrued.amount if isinstance(part, FundFigures) and part.accrued else None
    return Portion(
        account=part.account,
        quantity=part.quantity,
        price=part.price.value if part.price else None,
        accrued=accrued,
    )
