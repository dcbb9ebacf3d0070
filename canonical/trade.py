"""What a trade is made of: its terms, the figures of the block, and each fund's share."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, LiteralString

from pydantic import Field, model_validator

from canonical.amounts import Charge, Fees, Money, Price, Quantity, difference, plain, total
from canonical.base import Canonical, Term
from canonical.identifiers import FundAccount, Instrument, Mic, Reference
from canonical.problems import Rule, violation

FUNDS_MAX = 1000


class Side(Term):
    """The investor's side, whoever speaks (FIX 54 of the order, ISO 20022 Sd)."""

    BUY = "buy"
    SELL = "sell"


class OrderFormat(StrEnum):
    """How the order was given: commission depends on it in Japan."""

    BASIC = "basic"  # limit or market
    DISCRETIONARY = "discretionary"  # the dealer works it
    ALGORITHMIC = "algorithmic"
    PRINCIPAL = "principal"  # the broker's own book, VWAP guarantee


class Terms(Canonical):
    """What is the same for the block and for every fund in it."""

    side: Side
    instrument: Instrument
    trade_date: date
    settlement_date: date
    venue: Mic | None = None
    order_format: OrderFormat | None = None

    @model_validator(mode="after")
    def _settles_after_trade(self) -> "Terms":
        if self.settlement_date < self.trade_date:
            raise violation(Rule.DATE_ORDER, "settlement date is before trade date: correct one of the two")
        return self


class BlockFigures(Canonical):
    """The whole trade. price: the average price. gross: quantity x price, rounded as agreed."""

    quantity: Quantity
    price: Price
    gross: Charge | None = None


class Allocation(Canonical):
    """One fund's part of a block, before money is known.

    price: only where executed prices are allocated rather than the average (FIX 366).
    """

    account: FundAccount
    quantity: Quantity
    price: Price | None = None
    reference: Reference | None = None


class FundFigures(Canonical):
    """One fund's part of a block with its money. net: what is paid (buy) or received (sell).

    gross: None where the format has no place for it (FIX 4.4 AS); then it is not compared.
    """

    account: FundAccount
    reference: Reference | None = None
    quantity: Quantity
    price: Price
    gross: Charge | None = None
    commission: Charge
    consumption_tax: Charge
    fees: Fees = ()
    accrued: Charge | None = None
    net: Money

    @model_validator(mode="after")
    def _one_currency(self) -> "FundFigures":
        paid = self.net.currency
        if (
            self.commission.currency != paid
            or self.consumption_tax.currency != paid
            or (self.gross is not None and self.gross.currency != paid)
            or (self.accrued is not None and self.accrued.currency != paid)
            or (self.fees and any(fee.charge.currency != paid for fee in self.fees))
        ):
            text: LiteralString = "all amounts of a fund must be in one currency: split or convert them"
            raise violation(Rule.UNSUPPORTED, text)
        return self

    def net_of(self, side: Side) -> Decimal | None:
        """The net amount that the parts give: buy adds the charges, sell takes them off (FIX 154).

        None where no gross amount is given.
        """
        if self.gross is None:
            return None
        charges = [self.commission.amount, self.consumption_tax.amount, *(f.charge.amount for f in self.fees)]
        received = [self.gross.amount, *([self.accrued.amount] if self.accrued else [])]
        return (
            total([*received, *charges]) if side is Side.BUY else difference(total(received), total(charges))
        )


Allocations = Annotated[tuple[Allocation, ...], Field(min_length=1, max_length=FUNDS_MAX)]
Funds = Annotated[tuple[FundFigures, ...], Field(min_length=1, max_length=FUNDS_MAX)]


def assert_adds_up(block: BlockFigures, parts: tuple[Allocation, ...] | tuple[FundFigures, ...]) -> None:
    """Raise the validation error where the parts' quantities are not the block's (FIX: sum of 80 = 53)."""
    whole = total([part.quantity for part in parts])
    if whole != block.quantity:
        raise violation(
            Rule.SUM,
            "the funds' quantities add up to {total}, the block has {quantity}: correct one of them",
            total=plain(whole),
            quantity=plain(block.quantity),
        )


def assert_distinct(parts: tuple[Allocation, ...] | tuple[FundFigures, ...]) -> None:
    """Raise where one account stands twice; with executed prices the price is part of the key (FIX 366)."""
    seen: set[tuple[str, str, Decimal | None]] = set()
    for part in parts:
        price = part.price.value if part.price else None
        key = (part.account.scheme, part.account.code, price)
        if key in seen:
            text: LiteralString = "account {code} stands twice: give it once with its whole quantity"
            raise violation(Rule.DUPLICATE, text, code=part.account.code)
        seen.add(key)
