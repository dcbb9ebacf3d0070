"""The report on figures: what was counted, put together by day, relationship, fund, field, cause and rule.

report(connection, network, Asked(by=time(16), position=None, institution=None)) -> FiguresReport
"""

import datetime
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from canonical.message import Role
from node.act_records import stored_register
from node.figure_counting import FiguresError, count
from node.figure_ending import times_of
from node.figure_tally import Group, Tally, agreed, share, span, together
from node.figure_trade import CALCULATED, EXACTLY, OPEN, WITHIN, Ends, other_side
from node.figures import (
    Card,
    CardField,
    CauseFigures,
    DayFigures,
    FieldFigures,
    FiguresReport,
    FundFigures,
    PairFigures,
    RuleFigures,
)
from node.ledger_time import moment
from node.network import Network
from node.replica import head
from node.tree_tiles import TreeDamagedError, root

BY = datetime.time(16)

Pair = tuple[str, str]
"""Broker and investor."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. by: until when a match is on time. position: up to which; None for all there is.

    institution: whose relationships alone; None for all.
    """

    by: datetime.time = BY
    position: int | None = None
    institution: str | None = None


def report(connection: sqlite3.Connection, network: Network, asked: Asked) -> FiguresReport:
    """Count, and put it together. Raises FiguresError."""
    try:
        position = _position(connection, asked)
        counted = count(connection, network, position, asked.by)
        found, times = root(connection, position + 1), times_of(connection)
    except (sqlite3.Error, TreeDamagedError) as error:
        raise FiguresError(f"the store is not what was written: {error}: run `yakujo audit`") from error
    tallies = {
        group: tally
        for group, tally in counted.tallies.items()
        if asked.institution in (None, group.broker, group.investor)
    }
    pairs = _by_pair(tallies)
    relationships = [(*pair, tally.figures()) for pair, tally in pairs.items()]
    return FiguresReport(
        network=network.name,
        network_id=network.id.hex(),
        position=position,
        root=found.hex(),
        time=moment(times.at(position)) if position >= 0 else None,
        contracts=tuple(sorted({one for tally in tallies.values() for one in tally.contracts})),
        time_zone=network.time_zone,
        by=asked.by,
        institution=asked.institution,
        total=together(tallies.values()).figures(),
        days=tuple(_days(tallies)),
        relationships=tuple(PairFigures(broker=b, investor=i, figures=f) for b, i, f in relationships),
        funds=tuple(_funds(pairs)),
        fields=tuple(found for pair, tally in pairs.items() for found in _fields(pair, tally)),
        causes=tuple(found for pair, tally in pairs.items() for found in _causes(pair, tally)),
        rules=tuple(found for pair, tally in pairs.items() for found in _rules(pair, tally)),
        cards=tuple(_cards(asked.institution, pairs)) if asked.institution is not None else (),
    )


def assert_served(connection: sqlite3.Connection, network: Network, sp: str, institution: str) -> None:
    """Raises FiguresError where this node's SP does not act for an institution."""
    if institution not in stored_register(connection, network).served_by(sp):
        raise FiguresError(
            f"{sp} does not act for {institution}: ask for its figures at a service provider that does"
        )


def _position(connection: sqlite3.Connection, asked: Asked) -> int:
    last = head(connection).size - 1
    if asked.position is not None and asked.position > last:
        raise FiguresError(f"this node has the ledger up to position {last}: name one that it has")
    position = last if asked.position is None else asked.position
    query = "SELECT MIN(position) FROM deferred WHERE position <= ?"
    (waits,) = connection.execute(query, (position,)).fetchone()
    if waits is not None:
        told = f"what stands at position {waits} waits for a contract: see `yakujo status`"
        raise FiguresError(f"{told}, or count up to {waits - 1}")
    return position


def _by_pair(tallies: dict[Group, Tally]) -> dict[Pair, Tally]:
    found: defaultdict[Pair, Tally] = defaultdict(Tally)
    for group, tally in tallies.items():
        found[group.broker, group.investor].add(tally)
    return dict(sorted(found.items()))


def _days(tallies: dict[Group, Tally]) -> Iterator[DayFigures]:
    found: defaultdict[datetime.date | None, Tally] = defaultdict(Tally)
    for group, tally in tallies.items():
        found[group.trade_date].add(tally)
    for day, tally in found.items():
        yield DayFigures(trade_date=day, figures=tally.figures())


def _funds(pairs: dict[Pair, Tally]) -> Iterator[FundFigures]:
    found: defaultdict[str, Tally] = defaultdict(Tally)
    for (_, investor), tally in pairs.items():
        found[investor].add(tally)
    for investor, tally in sorted(found.items()):
        for fund in sorted({*(name for name, _ in tally.funds), *tally.unlike}):
            scheme, code = fund
            yield FundFigures(
                investor=investor,
                scheme=scheme,
                account=code,
                agreed_exactly=tally.funds[fund, EXACTLY],
                agreed_within_tolerance=tally.funds[fund, WITHIN],
                agreed_by_calculation=tally.funds[fund, CALCULATED],
                open=tally.funds[fund, OPEN],
                mismatches=tally.unlike[fund],
            )


def _fields(pair: Pair, tally: Tally) -> Iterator[FieldFigures]:
    for (place, name), ends in sorted(tally.ends.items()):
        yield FieldFigures(
            broker=pair[0],
            investor=pair[1],
            place=place,
            field=name,
            mismatches=ends.mismatches,
            ended_by_broker=ends.by_broker,
            ended_by_investor=ends.by_investor,
            dissolved=ends.dissolved,
            open=tally.open[place, name],
        )


def _causes(pair: Pair, tally: Tally) -> Iterator[CauseFigures]:
    for cause, trades in sorted(tally.causes.items()):
        yield CauseFigures(broker=pair[0], investor=pair[1], **cause._asdict(), trades=trades)


def _rules(pair: Pair, tally: Tally) -> Iterator[RuleFigures]:
    for author, rule in sorted(tally.rules, key=lambda one: (one[0] or "", one[1])):
        messages = tally.rules[author, rule]
        yield RuleFigures(broker=pair[0], investor=pair[1], author=author, rule=rule, messages=messages)


def _cards(institution: str, pairs: dict[Pair, Tally]) -> Iterator[Card]:
    for (broker, investor), tally in pairs.items():
        role = Role.INVESTOR if institution == broker else Role.BROKER  # of the counterparty
        fields = tuple(_card_field(role, *item) for item in sorted(tally.ends.items()))
        yield Card(
            counterparty=investor if role is Role.INVESTOR else broker,
            role=role,
            trades=tally.counts["trades"],
            agreed=agreed(tally.counts),
            on_time=tally.counts["on_time"],
            on_time_share=share(tally.counts),
            mismatches=sum(field.mismatches for field in fields),
            ended_by_counterparty=sum(field.ended_by_counterparty for field in fields),
            ended_by_institution=sum(field.ended_by_institution for field in fields),
            response=span(tally.response[role]),
            own_response=span(tally.response[other_side(role)]),
            fields=fields,
        )


def _card_field(role: Role, name: tuple[str, str], ends: Ends) -> CardField:
    by = {Role.BROKER: ends.by_broker, Role.INVESTOR: ends.by_investor}
    return CardField(
        place=name[0],
        field=name[1],
        mismatches=ends.mismatches,
        ended_by_counterparty=by[role],
        ended_by_institution=by[other_side(role)],
    )
