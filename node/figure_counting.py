"""Counting: a store's outcomes, once through, up to a position.

    count(connection, network, position, by) -> Counted

First the receipts and rejections in their order, which say who spoke when, then the results trade by trade.
All times are ledger time. What counts is what the contract has said, and how far both sides' nodes have
attested it: anybody who can read the same comes to the same figures.
"""

import datetime
import sqlite3
from collections.abc import Generator
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

from canonical.message import Kind, Role
from canonical.problems import Rule
from canonical.result import TradeStatus
from node.figure_ending import Ending, times_of
from node.figure_finality import Certainty, Finality, finality_at
from node.figure_halves import Halves, Standing
from node.figure_reading import ANSWERED, TOLD, Answered, Told
from node.figure_tally import Counted, Group, place_of
from node.figure_trade import AGREED, BLOCK, STATEMENTS, Trade, other_side, statements_of
from node.network import Network

_SPEAKING = (*STATEMENTS, Kind.AFFIRMATION, Kind.BLOCK_RESPONSE, Kind.ALLOCATION_RESPONSE)
_REPLACES = "instr(submission, '\"replaces\":') > 0"  # in canonical JSON, quotes within text are escaped
_ANSWERS = (
    f"SELECT position, outcome, {_REPLACES} FROM said JOIN outcome USING (position)"  # noqa: S608 - our own words
    " WHERE outcome.kind <> 'result' AND position <= ? ORDER BY position"
)
_RESULTS = (
    f"SELECT position, outcome, sender, {_REPLACES} FROM outcome JOIN said USING (position)"  # noqa: S608 - our own words
    " WHERE trade IS NOT NULL AND position <= ? ORDER BY trade, position, outcome.rowid"
)

_MAY_BE_ALONE = (TradeStatus.UNMATCHED, TradeStatus.CANCELLED)


class FiguresError(Exception):
    """It cannot be counted; the text says why, and what to do."""


def count(connection: sqlite3.Connection, network: Network, position: int, by: datetime.time) -> Counted:
    """Count all up to and with the entry at `position`. by: until when a match is on time, on the trade date.

    Raises FiguresError where an outcome cannot be read. The connection needs write no more than temporary
    tables.
    """
    counted = Counted()
    with Halves(connection) as halves:
        _Answers(halves, counted).take_all(connection, position)
        _Results(halves, counted, finality_at(connection, position)).take_all(connection, position)
        Ending(halves, counted, times_of(connection), by, ZoneInfo(network.time_zone)).take_all()
    counted.tallies = {group: counted.tallies[group] for group in sorted(counted.tallies, key=_order)}
    return counted


def _order(group: Group) -> tuple[str, str, str]:
    return (group.trade_date.isoformat() if group.trade_date else "", group.broker, group.investor)


class _Answers:
    """What each message was answered: who spoke when, what was replaced, taken back, refused."""

    def __init__(self, halves: Halves, counted: Counted) -> None:
        self._halves = halves
        self._counted = counted

    def take_all(self, connection: sqlite3.Connection, upto: int) -> None:
        with closing(connection.execute(_ANSWERS, (upto,))) as rows:
            for position, text, replaces in rows:
                answered = _read(ANSWERED, text, position)
                if answered.kind == "receipt":
                    self._accepted(answered, position, replaces=bool(replaces))
                elif all(word.kind is not Kind.REMINDER for word in answered.sources):
                    self._refused(answered)

    def _accepted(self, receipt: Answered, position: int, *, replaces: bool) -> None:
        group = self._group(receipt) if receipt.trade_date is not None else None
        for word in receipt.sources:
            half = self._halves.half_of(receipt.broker, receipt.investor, word)
            if half is None:
                continue
            if word.kind in _SPEAKING:
                self._halves.spoke(half, group, word.author, position)
            if group is None:
                group = self._halves.group_of(half)
        number = group if group is not None else self._group(receipt)
        if replaces:
            self._halves.amended(position, number)
        tally = self._counted.tally(number)
        tally.contracts.add(receipt.contract)
        tally.counts["cancellations"] += any(word.kind is Kind.CANCELLATION for word in receipt.sources)

    def _refused(self, rejection: Answered) -> None:
        tally = self._counted.tally(self._group(rejection))
        tally.contracts.add(rejection.contract)
        tally.counts["messages_refused"] += 1
        rules: list[Rule] = [problem.rule for problem in rejection.problems]
        for rule in dict.fromkeys(rules):
            tally.rules[rejection.to, rule] += 1

    def _group(self, answered: Answered) -> int:
        return self._counted.number(Group(answered.trade_date, answered.broker, answered.investor))


class _Results:
    """What was told of each trade, one trade after the other."""

    def __init__(self, halves: Halves, counted: Counted, finality: Finality) -> None:
        self._halves = halves
        self._counted = counted
        self._finality = finality

    def take_all(self, connection: sqlite3.Connection, upto: int) -> None:
        with closing(self._trades(connection, upto)) as trades:
            for name, trade, partner in trades:
                if trade.told is not None:
                    self._note(name, trade, trade.told, partner)

    def _trades(
        self, connection: sqlite3.Connection, upto: int
    ) -> Generator[tuple[str, Trade, str | None], None, None]:
        name, trade, partners = "", Trade(), _Partners(self._halves, "", None)
        with closing(connection.execute(_RESULTS, (upto,))) as rows:
            for position, text, sender, replaces in rows:
                told = _read(TOLD, text, position)
                if told.trade != name:
                    yield name, trade, partners.last
                    name, role = told.trade, self._halves.role_of(told.trade)
                    trade, partners = Trade(role), _Partners(self._halves, name, role)
                trade.take(told, position, _role(told, sender), replaces=bool(replaces))
                partners.take(told, position)
        yield name, trade, partners.last

    def _note(self, name: str, trade: Trade, told: Told, partner: str | None) -> None:
        """Count what is certain, and keep what depends on whether this still is a trade."""
        number = self._counted.number(Group(told.terms.trade_date, told.broker, told.investor))
        tally = self._counted.tally(number)
        tally.contracts |= trade.contracts
        tally.counts.update(trade.counts)
        tally.causes.update(dict.fromkeys(trade.causes, 1))
        for (fund, one), ends in trade.ends.items():
            tally.ended(place_of(fund), one, ends)
            if fund != BLOCK:
                tally.unlike[fund] += ends.mismatches
        for position in trade.amended:
            self._halves.amended_after_match(position)
        finality = self._finality.of(trade.last)
        for fund, how in trade.funds.items():
            if trade.status in AGREED and finality is not Certainty.DISPUTED:
                tally.funds[fund, how or ""] += 1
            elif how is None or finality is Certainty.DISPUTED:
                self._halves.has_unmatched(name, number, fund)
        for fund, fields in trade.open.items():
            for one in sorted(fields):
                self._halves.parts_in(name, number, fund, one)
        counted = (0, 0) if trade.status.name.startswith("CANCEL") else (told.funds_total, told.funds_matched)
        standing = Standing(number, trade.status, trade.how, trade.agreed_at, *counted, None, None, finality)
        self._halves.stood(name, trade.last, partner, standing)


class _Partners:
    """The other halves of one trade, by the messages that its results rest on. last: that of the last one."""

    def __init__(self, halves: Halves, trade: str, role: Role | None) -> None:
        self._halves = halves
        self._trade = trade
        self._role = role
        self._known: dict[str, str | None] = {}
        self.last: str | None = None

    def take(self, told: Told, position: int) -> None:
        """Take the next result."""
        if self._role is None:
            return
        half = self._other(told, self._role)
        if half is not None or told.status in _MAY_BE_ALONE:
            self.last = half
        if half is not None and told.status is not TradeStatus.CANCELLED:
            self._halves.was_partner(half, position)
        elif half is not None and told.cancelled_by is self._role:
            self._halves.was_left_alone(half, position)  # unless it finds another in the same entry

    def _other(self, told: Told, role: Role) -> str | None:
        word = next(statements_of(told, other_side(role)), None)
        if word is None:
            return None
        name = f"{word.kind} {word.reference}"
        if name not in self._known:
            self._known[name] = self._halves.half_of(told.broker, told.investor, word)
        half = self._known[name]
        return half if half != self._trade else None


def _role(told: Told, sender: str) -> Role | None:
    return {told.broker: Role.BROKER, told.investor: Role.INVESTOR}.get(sender)


def _read(adapter: Any, text: str, position: int) -> Any:
    try:
        return adapter.validate_json(text)
    except ValueError as error:  # pydantic's, and that of text which is none
        what = f"the outcome at position {position} is not what the contract says: run `yakujo audit`"
        raise FiguresError(what) from error
