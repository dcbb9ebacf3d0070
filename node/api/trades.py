"""Trades as their two sides see them over the API: a list to page through, and one with all its figures."""

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.lines import Line, Lines, account_of, lines_of
from canonical.contracts.matching.v1.records import Half, Statement, Values, half_key, lines_key
from canonical.identifiers import FundAccount, Lei
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import ChangeState, Difference, FundState, Source, Status, TradeStatus
from canonical.trade import Terms
from node.api.released import Released, released
from node.api.trade_walk import NO_POSITION, released_status, walked
from node.inspection import Shown, View
from node.trades import TradeRow, cancelled_row, row_of, trades_of

TRADES_MAX = 100
LOOKED_AT_MAX = 2_000  # submissions, for one page


class TradesAsked(BaseModel):
    """What a list is to hold. before: the `next` of the page before. A status is that which was released.

    limit: about so many; what stands at one position of the ledger stays together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trade_date: datetime.date | None = None
    counterparty: Lei | None = None
    status: TradeStatus | None = None
    before: Annotated[int, Field(ge=0, lt=NO_POSITION)] | None = None
    limit: int = Field(default=50, ge=1, le=TRADES_MAX)


class ListedTrade(TradeRow):
    """A trade in a list.

    broker_lei, investor_lei: the two sides. finality: final, or provisional while the other side's node has
    not confirmed. awaited: whether something later waits for that node, and so is not told yet.
    """

    broker_lei: Lei
    investor_lei: Lei
    finality: str
    awaited: bool


class TradePage(Shown):
    """A page of trades, the latest first. next: the `before` of the next page; None where there is none.

    A page may hold fewer than asked for, or none, and not be the last: so much is looked at for each.
    """

    trades: tuple[ListedTrade, ...]
    next: int | None


class SaidLine(Shown):
    """What one message says of a fund: figures as text, by the names of the rules."""

    account: FundAccount
    reference: str | None
    values: Values


class SaidOfTrade(Shown):
    """A message in force about a trade, of one side. block: figures; None where it says nothing of it."""

    message: Source
    terms: Terms
    block: Values | None
    funds: tuple[SaidLine, ...]


class FundShown(Shown):
    """How a fund stands. Each difference has why, in English and Japanese, where that is known.

    unaffirmed: the broker's figures that keep the agreed rules from affirming it.
    """

    account: FundAccount
    status: Status
    broker_reference: str | None
    investor_reference: str | None
    differences: tuple[Difference, ...]
    unaffirmed: tuple[Difference, ...] = ()


class TradeShown(Shown):
    """One trade. also: other trades that the same reference belongs to, by their ids.

    broker_said, investor_said: the figures of both sides, message by message. block_differences, funds: how
    they compare. calculation: what the agreed rules make of it, with its working, where that was told.
    problems: why they make nothing of it. candidates: trades that fit equally well.
    """

    trade: ListedTrade
    terms: Terms | None
    broker_said: tuple[SaidOfTrade, ...]
    investor_said: tuple[SaidOfTrade, ...]
    block_differences: tuple[Difference, ...]
    funds: tuple[FundShown, ...]
    calculation: Calculation | None
    problems: tuple[Problem, ...]
    change: ChangeState | None
    candidates: tuple[str, ...]
    also: tuple[str, ...]


def page_of_trades(view: View, institution: str, asked: TradesAsked) -> TradePage:
    """The trades of an institution."""
    sides = frozenset(filter(None, (institution, asked.counterparty)))
    before = NO_POSITION if asked.before is None else asked.before
    shown: list[ListedTrade] = []
    looked_at, last = 0, before
    for position, names in walked(view, sides, before, LOOKED_AT_MAX):
        if len(shown) >= asked.limit:
            break
        looked_at, last = looked_at + 1, position
        shown += [trade for name in names if (trade := _wanted(view, name, asked)) is not None]
    else:
        if looked_at < LOOKED_AT_MAX:
            return TradePage(trades=tuple(shown), next=None)
    return TradePage(trades=tuple(shown), next=last)


def _wanted(view: View, name: str, asked: TradesAsked) -> ListedTrade | None:
    """A trade, where it is as asked for."""
    if asked.status is not None and released_status(view, name) is not asked.status:
        return None
    trade = listed_trade(view, name)
    if trade is None or asked.trade_date not in (None, trade.trade_date):
        return None
    return trade


def listed_trade(view: View, name: str, told: Released | None = None) -> ListedTrade | None:
    """A trade in a list; None where there is none."""
    told = told or released(view, name)
    half, last = view.record(half_key(name), Half), told.last
    if half is not None:
        row, sides = row_of(view, half, told.as_trade(), last), (half.broker, half.investor)
    elif last is not None:
        row, sides = cancelled_row(view, last), (last.broker, last.investor)
    else:
        return None
    return ListedTrade(
        **row.model_dump(),
        broker_lei=sides[0],
        investor_lei=sides[1],
        finality=told.finality,
        awaited=told.awaited,
    )


def trade_shown(view: View, institution: str, reference: str) -> TradeShown | None:
    """The latest trade that a reference or an id belongs to; None where an institution has none such."""
    own: list[tuple[ListedTrade, Released]] = []
    for name in trades_of(view, reference):
        told = released(view, name)
        listed = listed_trade(view, name, told)
        if listed is not None and institution in (listed.broker_lei, listed.investor_lei):
            own.append((listed, told))
    if not own:
        return None
    (trade, told), *others = own
    halves = _halves(view, trade.trade)
    last = told.last
    return TradeShown(
        trade=trade,
        terms=last.terms if last is not None else halves[0].terms,
        broker_said=_said(view, halves, Role.BROKER),
        investor_said=_said(view, halves, Role.INVESTOR),
        block_differences=told.block_differences,
        funds=tuple(_fund(fund) for several in told.funds.values() for fund in several),
        calculation=told.calculation,
        problems=last.problems if last is not None else (),
        change=last.change if last is not None else None,
        candidates=last.candidates if last is not None else (),
        also=tuple(other.trade for other, _ in others),
    )


def _halves(view: View, trade: str) -> list[Half]:
    half = view.record(half_key(trade), Half)
    other = view.record(half_key(half.other), Half) if half is not None and half.other else None
    return [one for one in (half, other) if one is not None]


def _said(view: View, halves: list[Half], role: Role) -> tuple[SaidOfTrade, ...]:
    return tuple(
        SaidOfTrade(
            message=statement.source,
            terms=statement.terms,
            block=statement.block,
            funds=tuple(
                SaidLine(
                    account=account_of(line.account), reference=line.reference, values=line.figures.values
                )
                for line in _lines(view, half, statement)
            ),
        )
        for half in halves
        if half.role is role
        for statement in half.statements
    )


def _lines(view: View, half: Half, statement: Statement) -> tuple[Line, ...]:
    """The funds of a statement."""
    if not statement.funds:
        return ()
    found = view.record(lines_key(half.id, statement.source), Lines)
    assert found is not None, "a half and what it states are stored together"
    return lines_of(found)


def _fund(fund: FundState) -> FundShown:
    return FundShown.model_validate(fund.model_dump(exclude={"sources"}))
