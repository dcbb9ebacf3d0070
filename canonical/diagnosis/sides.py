"""What the two sides say of one trade, as it comes in, and as it is computed with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from canonical.amounts import total
from canonical.calendar import Calendar
from canonical.currencies import MINOR_UNITS
from canonical.rules import Rules
from canonical.rules.spread import Remainder
from canonical.trade import OrderFormat, Side

Values = Mapping[str, str]
"""Figures as text by the names of canonical/rules/compared.py. A figure that is not given is not there."""

FUNDS_LOOKED_AT_MAX = 200


@dataclass(frozen=True, slots=True)
class FundSides:
    """One fund as each side gives it, its terms among its figures; None where a side does not name it."""

    account: str
    broker: Values | None
    investor: Values | None


@dataclass(frozen=True, slots=True)
class Sides:
    """One trade as both sides give it. broker, investor: terms and block; None where a side gives none.

    remainder: the contract version's own, where a rule names none. calendar: None where none is known: no
    settlement date is explained then. executions: (quantity, price) each, where they are known.
    """

    broker: Values | None
    investor: Values | None
    funds: tuple[FundSides, ...]
    rules: Rules
    remainder: Remainder
    calendar: Calendar | None = None
    executions: tuple[tuple[Decimal, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """One side's figures of the block or of a fund. None where one is not given, or in another currency."""

    quantity: Decimal | None
    price: Decimal | None
    gross: Decimal | None
    commission: Decimal | None
    consumption_tax: Decimal | None
    accrued: Decimal | None
    net: Decimal | None
    fees: Mapping[str, Decimal] | None


@dataclass(frozen=True, slots=True)
class Stated:
    """One side. decimals: of the currency's minor units. complete: its funds are its whole block."""

    side: Side | None
    trade_date: date | None
    order_format: OrderFormat | None
    venue: str | None
    currency: str
    decimals: int
    block: Figures | None
    funds: tuple[Figures | None, ...]
    complete: bool


def stated(block: Values | None, funds: tuple[Values | None, ...], *, all_funds: bool) -> Stated:
    """One side's words as figures. all_funds: none is left out of `funds`."""
    terms = block if block is not None else next((each for each in funds if each is not None), {})
    said = (each["currency"] for each in (block, *funds) if each is not None and "currency" in each)
    currency = next(said, "")
    whole = figures(block) if block is not None else None
    parts = tuple(figures(each) if each is not None else None for each in funds)
    return Stated(
        side=Side(terms["side"]) if "side" in terms else None,
        trade_date=date.fromisoformat(terms["trade_date"]) if "trade_date" in terms else None,
        order_format=OrderFormat(terms["order_format"]) if "order_format" in terms else None,
        venue=terms.get("venue"),
        currency=currency,
        decimals=MINOR_UNITS.get(currency, 2),
        block=whole,
        funds=parts,
        complete=all_funds and _fills(whole, parts),
    )


def figures(values: Values) -> Figures:
    """What can be computed with, of what is said of a block or of a fund."""
    return Figures(
        quantity=_figure(values, "quantity"),
        price=_figure(values, "price"),
        gross=_figure(values, "gross"),
        commission=_figure(values, "commission"),
        consumption_tax=_figure(values, "consumption_tax"),
        accrued=_figure(values, "accrued"),
        net=_figure(values, "net"),
        fees=_fees(values["fees"]) if "fees" in values else None,
    )


def _figure(values: Values, name: str) -> Decimal | None:
    text = values.get(name)
    return None if text is None or " " in text else Decimal(text)  # "100 USD": not of the price's currency


def _fees(text: str) -> Mapping[str, Decimal] | None:
    """Fees by kind, from "exchange 120, stamp 200"; None where one is in another currency."""
    parts = [part.split(" ") for part in text.split(", ") if part]
    return None if any(len(part) != 2 for part in parts) else {part[0]: Decimal(part[1]) for part in parts}  # noqa: PLR2004 - a kind and an amount


def _fills(block: Figures | None, funds: tuple[Figures | None, ...]) -> bool:
    quantities = [each.quantity for each in funds if each is not None and each.quantity is not None]
    if not funds or len(quantities) != len(funds):
        return False
    return block is None or block.quantity == total(quantities)
