"""Lists of trades, from a node's store."""

from datetime import date

from canonical.contracts.matching.v1.messages import MessageRecord, Messages, message_of
from canonical.contracts.matching.v1.records import (
    Half,
    Trade,
    block_of,
    half_key,
    relationship,
    trade_key,
)
from canonical.message import Kind, Role
from canonical.result import OUTCOME, BlockState, Result, Status, TradeStatus
from canonical.trade import Side
from node.inspection import Shown, View
from node.store import each
from node.trade_query import TRADES


class TradeRow(Shown):
    """A trade in a list.

    broker, investor: names. quantity, price: of the side that spoke first. differing: the fields in which the
    sides part. references: of each side's messages. opened: the ledger position of the first message;
    changed: of the last result, if any.
    """

    trade: str
    status: TradeStatus
    block: Status
    broker: str
    investor: str
    side: Side
    isin: str | None
    japan_code: str | None
    trade_date: date
    settlement_date: date
    quantity: str | None
    price: str | None
    currency: str | None
    funds_matched: int
    funds_total: int
    differing: tuple[str, ...]
    broker_references: tuple[str, ...]
    investor_references: tuple[str, ...]
    opened: int
    changed: int | None


def list_trades(
    view: View, status: TradeStatus | None = None, reference: str | None = None, limit: int = 50
) -> list[TradeRow]:
    """Trades, the latest first. reference: of a message of either side, or the trade's own id."""
    if reference is not None:
        rows = (trade_row(view, name) for name in trades_of(view, reference))
        return [row for row in rows if row is not None and status in (None, row.status)][:limit]
    wanted = status.value if status else "%"
    query = f"SELECT id FROM ({TRADES}) WHERE status LIKE ? ORDER BY opened DESC LIMIT ?"  # noqa: S608 - a constant
    found = each(view.connection, query, wanted, limit)
    return [row for (name,) in found if (row := trade_row(view, name)) is not None]


def trades_of(view: View, reference: str) -> list[str]:
    """The ids of the trades that a reference, its short form or an id belongs to; the latest first."""
    if view.record(half_key(reference), Half) is not None:
        return [trade_of_half(view, reference)]
    if last_result(view, reference) is not None:
        return [reference]
    return trades_where(view, "(reference.reference = ?1 OR short = ?1)", reference)


def trades_where(view: View, where: str, value: object) -> list[str]:
    """The ids of the trades that the messages of some entries speak of; the latest first."""
    query = (
        "SELECT reference.sender, counterparty, kind, reference FROM reference JOIN said USING (position)"  # noqa: S608 - our own words
        f" WHERE {where} ORDER BY position DESC"
    )
    rows = each(view.connection, query, value)
    records = [_said_by(view, sender, other, Kind(kind), name) for sender, other, kind, name in rows]
    halves = dict.fromkeys(record.half for record in records if record is not None and record.half)
    told = (
        "SELECT trade FROM reference JOIN said USING (position) JOIN outcome USING (position)"  # noqa: S608 - as above
        f" WHERE {where} AND trade IS NOT NULL ORDER BY position DESC"
    )
    names = [trade_of_half(view, half) for half in halves]
    return list(dict.fromkeys([*names, *(name for (name,) in each(view.connection, told, value))]))


def message_record(view: View, between: str, role: Role, kind: Kind, reference: str) -> MessageRecord | None:
    """What the contract knows of a message of one side; None where it knows nothing."""
    return message_of(lambda key: view.record(key, Messages), between, role, kind, reference)


def _said_by(view: View, sender: str, counterparty: str, kind: Kind, reference: str) -> MessageRecord | None:
    role = view.register.now.by_lei[sender].role
    between = relationship(*((sender, counterparty) if role is Role.BROKER else (counterparty, sender)))
    return message_record(view, between, role, kind, reference)


def trade_of_half(view: View, name: str) -> str:
    """The id of the trade that a half is part of: that of its earlier half."""
    opening = opening_of(view, name)
    return opening[1] if opening is not None else name


def opening_of(view: View, name: str) -> tuple[int, str] | None:
    """Where the trade begins that a half is part of, and its id; None where there is no such half."""
    half = _opened(view, name)
    if half is None:
        return None
    opened, paired = half
    other = _opened(view, paired) if paired else None
    return min((opened, name), (other[0], paired)) if other is not None and paired else (opened, name)


def _opened(view: View, name: str) -> tuple[int, str | None] | None:
    """Where a half was opened, and the one it is paired with: its figures, often many, are not read."""
    query = "SELECT json_extract(value, '$.opened'), json_extract(value, '$.other') FROM state WHERE key = ?"
    row = view.connection.execute(query, (half_key(name),)).fetchone()
    return (int(row[0]), row[1]) if row is not None else None


def trade_row(view: View, name: str) -> TradeRow | None:
    """The trade with this id; None where there is none."""
    half, told = view.record(half_key(name), Half), last_result(view, name)
    if half is None:
        return cancelled_row(view, told) if told is not None else None
    now = view.record(trade_key(name), Trade)
    alone = Trade(status=TradeStatus.UNMATCHED, block=BlockState(status=Status.UNMATCHED), funds={})
    return row_of(view, half, now or alone, told)


def cancelled_row(view: View, told: Result) -> TradeRow:
    """A trade of which the state holds nothing any more."""
    terms, sources = told.terms, told.block.sources
    return TradeRow(
        trade=told.trade,
        status=told.status,
        block=told.block.status,
        broker=view.name_of(told.broker),
        investor=view.name_of(told.investor),
        side=terms.side,
        isin=terms.instrument.isin,
        japan_code=terms.instrument.japan_code,
        trade_date=terms.trade_date,
        settlement_date=terms.settlement_date,
        quantity=None,
        price=None,
        currency=None,
        funds_matched=0,
        funds_total=0,
        differing=(),
        broker_references=tuple(s.reference for s in sources if s.author is Role.BROKER),
        investor_references=tuple(s.reference for s in sources if s.author is Role.INVESTOR),
        opened=told.position,
        changed=told.position,
    )


def last_result(view: View, trade: str) -> Result | None:
    """What was last told about a trade."""
    row = view.connection.execute(
        "SELECT outcome FROM outcome WHERE trade = ? ORDER BY position DESC LIMIT 1", (trade,)
    ).fetchone()
    told = OUTCOME.validate_json(row[0]) if row else None
    return told if isinstance(told, Result) else None


def row_of(view: View, half: Half, now: Trade, told: Result | None) -> TradeRow:
    """A trade in a list. half: its earlier one. now: how it stands. told: its last result."""
    terms, block = half.terms, block_of(half) or {}
    other = view.record(half_key(half.other), Half) if half.other else None
    halves = (half, other) if other is not None else (half,)
    return TradeRow(
        trade=half.id,
        status=now.status,
        block=now.block.status,
        broker=view.name_of(half.broker),
        investor=view.name_of(half.investor),
        side=terms.side,
        isin=terms.instrument.isin,
        japan_code=terms.instrument.japan_code,
        trade_date=terms.trade_date,
        settlement_date=terms.settlement_date,
        quantity=block.get("quantity"),
        price=block.get("price"),
        currency=block.get("currency"),
        funds_matched=now.matched,
        funds_total=len(now.funds),
        differing=_differing(now, told),
        broker_references=_references(now, halves, Role.BROKER),
        investor_references=_references(now, halves, Role.INVESTOR),
        opened=half.opened,
        changed=told.position if told else None,
    )


def _differing(now: Trade, told: Result | None) -> tuple[str, ...]:
    """The fields in which the two sides part, of the block, then of the funds that the last result names."""
    funds = told.funds if told is not None and now.status is told.status else ()
    named = [d.field for d in now.block.differences]
    named += [f"fund {fund.account.code}: {d.field}" for fund in funds for d in fund.differences]
    return tuple(dict.fromkeys(named))


def _references(now: Trade, halves: tuple[Half, ...], role: Role) -> tuple[str, ...]:
    said = (statement.source for half in halves for statement in half.statements)
    sources = (*now.block.sources, *said)
    return tuple(dict.fromkeys(s.reference for s in sources if s.author is role))
