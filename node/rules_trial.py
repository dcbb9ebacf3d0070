"""A trade calculated by a rules document, to see what the rules come to before they are signed.

The trade is a TOML file (conf/trade.toml), or a canonical message in JSON that has quantities per fund.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from canonical.amounts import Currency, total
from canonical.base import Canonical
from canonical.calculation.allocation import allocate
from canonical.calculation.arithmetic import average_price
from canonical.calculation.calculation import Calculation, calculate
from canonical.calculation.deal import Deal, Portion, deal_of
from canonical.calculation.settlement import settlement_date
from canonical.calendar import Calendar, calendar_named
from canonical.identifiers import FundAccount, Mic
from canonical.message import MESSAGE, AllocationInstruction, Confirmation, InvestorCalculation
from canonical.problems import Problem, Rule, violation
from canonical.rules import Rules
from canonical.rules.figures import Amount, UnitPrice, Units
from canonical.rules.spread import Remainder
from canonical.trade import FUNDS_MAX, BlockFigures, OrderFormat, Side
from node.inspection import Shown
from node.rules_document import RulesDocumentError, faults_of, read_tree

EXECUTIONS_MAX = 10_000


def _account(value: Any) -> Any:
    """An account by its code alone: "F1"."""
    return {"code": value} if isinstance(value, str) else value


class TriedExecution(Canonical):
    """One execution of the block."""

    quantity: Units
    price: UnitPrice


class TriedFund(Canonical):
    """One fund. quantity: what it gets; or ordered: what it wanted, and the rules split what was done."""

    account: Annotated[FundAccount, BeforeValidator(_account)]
    quantity: Units | None = None
    ordered: Units | None = None
    price: UnitPrice | None = None
    accrued: Amount | None = None


class TriedTrade(Canonical):
    """A trade in a file. quantity and price, or executions. calendar: for the settlement date."""

    side: Side
    trade_date: datetime.date
    currency: Currency = "JPY"
    quantity: Units | None = None
    price: UnitPrice | None = None
    executions: Annotated[tuple[TriedExecution, ...], Field(max_length=EXECUTIONS_MAX)] = ()
    venue: Mic | None = None
    order_format: OrderFormat | None = None
    funds: Annotated[tuple[TriedFund, ...], Field(min_length=1, max_length=FUNDS_MAX)]
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _complete(self) -> "TriedTrade":
        if bool(self.executions) is (self.quantity is not None and self.price is not None):
            raise violation(Rule.REQUIRED, "give quantity and price, or executions, and not both")
        given = {(fund.quantity is None, fund.ordered is None) for fund in self.funds}
        if given not in ({(False, True)}, {(True, False)}):
            raise violation(Rule.REQUIRED, "give each fund its quantity, or each fund what it ordered")
        return self


class Trial(Shown):
    """What a trade comes to. problems: why there is no result, or no settlement date."""

    settlement_date: datetime.date | None = None
    calculation: Calculation | None = None
    problems: tuple[Problem, ...] = ()


def try_trade(rules: Rules, path: Path, remainder: Remainder, calendars: tuple[Calendar, ...] = ()) -> Trial:
    """The trade in `path` by these rules. Raises RulesDocumentError where it is none.

    remainder: whose the rest of a spread is where the rules leave it open. calendars: of the master data, for
    the settlement date of a trade that brings no calendar of its own.
    """
    deal, calendar = (_of_message(path), None) if path.suffix == ".json" else _of_file(rules, path)
    calendar = calendar or calendar_named(calendars, rules.settlement.calendar)
    if isinstance(deal, Problem):
        return Trial(problems=(deal,))
    found = calculate(deal, rules, remainder, calendar)
    settles = settlement_date(deal.trade_date, rules.settlement, calendar) if calendar else None
    problems = () if isinstance(found, Calculation) else found
    if isinstance(settles, Problem):
        problems = (*problems, settles)
    return Trial(
        settlement_date=settles if isinstance(settles, datetime.date) else None,
        calculation=found if isinstance(found, Calculation) else None,
        problems=problems,
    )


def _of_file(rules: Rules, path: Path) -> tuple[Deal | Problem, Calendar | None]:
    try:
        trade = TriedTrade.model_validate(read_tree(path))
    except ValidationError as error:
        faults = (f"{path}: {place}: {text}" for place, text in faults_of(error, TriedTrade))
        raise RulesDocumentError("\n".join(faults)) from error
    executions = [(execution.quantity, execution.price) for execution in trade.executions]
    quantity = trade.quantity or total(quantity for quantity, _ in executions)
    parts = _parts(trade, quantity, rules)
    if isinstance(parts, Problem):
        return parts, trade.calendar
    portions = [
        Portion(account=fund.account, quantity=part, price=fund.price, accrued=fund.accrued)
        for fund, part in zip(trade.funds, parts, strict=True)
        if part
    ]
    deal = Deal(
        side=trade.side,
        trade_date=trade.trade_date,
        currency=trade.currency,
        quantity=quantity,
        price=trade.price or average_price(executions, rules.average_price),
        venue=trade.venue,
        order_format=trade.order_format,
        portions=tuple(portions),
    )
    return deal, trade.calendar


def _parts(trade: TriedTrade, quantity: Decimal, rules: Rules) -> Sequence[Decimal] | Problem:
    given = [fund.quantity for fund in trade.funds if fund.quantity is not None]
    ordered = [fund.ordered for fund in trade.funds if fund.ordered is not None]
    return given or allocate(quantity, ordered, rules.allocation)


def _of_message(path: Path) -> Deal | Problem:
    try:
        message = MESSAGE.validate_json(path.read_bytes())
    except OSError as error:
        raise RulesDocumentError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "its JSON"
        raise RulesDocumentError(f"{path} is no canonical message: {place}: {first['msg']}") from error
    match message:
        case AllocationInstruction():
            return deal_of(message.terms, message.block, message.allocations)
        case Confirmation() | InvestorCalculation():
            return deal_of(message.terms, message.block or _block(message), message.funds)
    raise RulesDocumentError(f"{path} is of the kind {message.kind}, which has no quantities per fund")


def _block(message: Confirmation | InvestorCalculation) -> BlockFigures:
    """The block of a message that names none: all of its funds, at the price of the first."""
    return BlockFigures(quantity=total(fund.quantity for fund in message.funds), price=message.funds[0].price)
