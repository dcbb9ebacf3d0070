"""One trade's whole way: what arrived, what it said, where it stands on the ledger, what was answered.

    trace(view, "B20261120-1")

A trace is asked for by a client's reference, a trade's id, the digest of raw bytes, a delivery's id, "raw:12"
(an arrival) or "position:34" (an entry). What never reached the ledger is found by the text in it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from canonical.contracts.matching.v1.records import Half, Trade, half_key, trade_key
from canonical.result import OUTCOME, AnyOutcome, Receipt, Rejection, Result
from canonical.submission import SUBMISSION
from node.act_records import corrections_of
from node.block import archived_block
from node.contract_wait import ContractWait, contract_wait
from node.inspection import View
from node.ledger_time import moment
from node.native_text import excerpt
from node.replica import head
from node.store import each
from node.trace_parts import Arrived, Delivered, Place, Said, Trace
from node.trades import trade_row, trades_of, trades_where

FOUND_BY_TEXT_MAX = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"[0-9]{1,16}")  # of an entry or an arrival, no larger than a store has room for


class NotFoundError(Exception):
    """Nothing in the store is called so."""


def trace(view: View, asked: str) -> Trace:
    """The whole way of what `asked` names. Raises NotFoundError where nothing does."""
    asked = as_text(asked)
    sources = dict.fromkeys(_named(view, asked))
    about = [name for source in sources for name in trades_where(view, "source = ?", source)]
    names = list(dict.fromkeys([*trades_of(view, asked), *about]))
    rows = [row for name in names if (row := trade_row(view, name)) is not None]
    for name in names:
        sources |= dict.fromkeys(_sources_of(view, name))
    waits = contract_wait(view.connection, view.register.contracts, head(view.connection).size)
    sources |= dict.fromkeys(_never_ordered(view, asked))
    if waits is not None:
        sources |= dict.fromkeys(_undecided(view, asked))
    words = (asked, *(r for row in rows for r in (*row.broker_references, *row.investor_references)))
    messages = sorted((m for s in sources for m in _messages(view, s, words)), key=_when)
    if not messages:
        text = f"nothing here is called {asked!r}: give a reference, a trade's or a delivery's id"
        undecided = f"; {_not_yet(waits)}: what they say is not known here yet" if waits else ""
        raise NotFoundError(f"{text}{undecided}")
    results = [result for name in names for result in _results(view, name)]
    return Trace(
        asked=asked, trades=tuple(rows), messages=tuple(messages), results=tuple(results), waits=waits
    )


def _not_yet(waits: ContractWait) -> str:
    return f"{waits.text}, and {waits.submissions} submissions wait"


def as_text(typed: str) -> str:
    """What was typed, as a store can be asked for it: bytes that are not UTF-8 are written out."""
    return typed.encode(errors="backslashreplace").decode()


def _named(view: View, asked: str) -> Iterator[str]:
    """The sources that `asked` names directly."""
    what, _, number = asked.partition(":")
    if what == "position" and NUMBER.fullmatch(number):
        yield from _column(view, "SELECT source FROM said WHERE position = ?", int(number))
    elif what == "raw" and NUMBER.fullmatch(number):
        yield from _of_raw(view, int(number))
    yield from _column(view, "SELECT source FROM delivery WHERE id = ?", asked)
    yield from _column(view, "SELECT source FROM said WHERE source = ?", asked)
    if _DIGEST.fullmatch(asked):
        for raw in _column(view, "SELECT id FROM raw WHERE digest = ?", asked):
            yield from _of_raw(view, raw)
    query = "SELECT source FROM reference JOIN said USING (position) WHERE reference = ?1 OR short = ?1"
    yield from _column(view, query, asked)


def _of_raw(view: View, raw: int) -> list[str]:
    """The sources in one arrival; its own digest where it was not even opened."""
    found = _column(view, "SELECT source FROM submission WHERE raw = ?", raw)
    return found or _column(view, "SELECT digest FROM raw WHERE id = ?", raw)


def _sources_of(view: View, trade: str) -> Iterator[str]:
    """Everything that was said about a trade, by what was told of it and by the state."""
    for result in _results(view, trade):
        yield from (s.raw for s in (*result.block.sources, *(s for f in result.funds for s in f.sources)))
    memory = view.record(trade_key(trade), Trade)
    yield from (s.raw for s in (memory.block.sources if memory else ()))
    half = view.record(half_key(trade), Half)
    other = view.record(half_key(half.other), Half) if half is not None and half.other else None
    for one in (half, other):
        if one is not None:
            yield from (statement.source.raw for statement in one.statements)
            yield from (word.source.raw for word in one.words)


def _never_ordered(view: View, asked: str) -> Iterator[str]:
    """What did not reach the ledger and holds the text `asked`: refused, or waiting for its other parts."""
    refusals = (
        "SELECT source FROM delivery WHERE kind = 'refusal' AND instr(bytes, ?) ORDER BY number DESC LIMIT ?"
    )
    yield from _column(view, refusals, asked.encode(), FOUND_BY_TEXT_MAX)
    for states in ("state IN ('answered', 'held')", "state = 'stored'"):  # as the indexes have it
        query = f"SELECT id FROM raw WHERE {states} AND instr(bytes, ?) ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants
        for raw in _column(view, query, asked.encode(), FOUND_BY_TEXT_MAX):
            sources = _of_raw(view, raw)
            if len(sources) == 1:  # the others of a file of many are found by their refusals
                yield from sources


def _undecided(view: View, asked: str) -> Iterator[str]:
    """What this node has ordered and holds the text `asked`, but nobody has decided here yet."""
    query = (
        "SELECT source FROM raw JOIN submission ON raw.id = raw WHERE state = 'ordered' AND instr(bytes, ?)"
        " AND source NOT IN (SELECT source FROM said) ORDER BY raw.id DESC LIMIT ?"
    )
    yield from _column(view, query, asked.encode(), FOUND_BY_TEXT_MAX)


def _messages(view: View, source: str, words: tuple[str, ...]) -> Iterator[Said]:
    """What has this source: once per entry, as the same bytes may have been sent through several SPs."""
    arrivals, deliveries = _arrivals(view, source, words), _deliveries(view, source, words)
    rows = each(
        view.connection,
        "SELECT position, sender, fault, submission FROM said WHERE source = ? ORDER BY position",
        source,
    )
    for number, (position, sender, fault, submission) in enumerate(rows):
        yield Said(
            source=source,
            sender=view.name_of(sender),
            arrivals=arrivals,
            canonical=SUBMISSION.validate_json(submission) if not fault else None,
            place=_place(view, position),
            fault=fault,
            entry=_entry(view, position),
            deliveries=deliveries if number == 0 else (),
        )
    if not rows:
        yield from _unordered(view, source, arrivals or _unopened(view, source, words), deliveries)


def _unopened(view: View, source: str, words: tuple[str, ...]) -> tuple[Arrived, ...]:
    """What was refused before anybody could say what it is, or has not been read yet: known by its digest."""
    query = f"{_ARRIVAL} WHERE state <> 'ordered' AND digest = ? ORDER BY id"
    return tuple(_arrived(row, words) for row in each(view.connection, query, source))


def _unordered(
    view: View, source: str, arrivals: tuple[Arrived, ...], deliveries: tuple[Delivered, ...]
) -> Iterator[Said]:
    """What did not reach the ledger."""
    for first in arrivals[:1]:
        lei = next((c.institution for c in view.settings.clients if c.name == first.client), None)
        yield Said(
            source=source,
            sender=view.name_of(lei) or first.client,
            arrivals=arrivals,
            canonical=None,
            place=None,
            fault=None,
            entry=None,
            deliveries=deliveries,
        )


_ARRIVAL = "SELECT raw.id, raw.client, origin, received, state, digest, bytes FROM raw"


def _arrivals(view: View, source: str, words: tuple[str, ...]) -> tuple[Arrived, ...]:
    """The raw messages that a source came in with: one per client that sent it."""
    query = f"{_ARRIVAL} JOIN submission ON raw.id = raw WHERE source = ? ORDER BY raw.id"
    return tuple(_arrived(row, words) for row in each(view.connection, query, source))


def _arrived(row: Any, words: tuple[str, ...]) -> Arrived:
    text, whole = excerpt(row[6], words)
    return Arrived(
        id=row[0],
        client=row[1],
        origin=row[2],
        received=moment(row[3]),
        state=row[4],
        digest=row[5],
        bytes=len(row[6]),
        text=text,
        whole=whole,
    )


def _place(view: View, position: int) -> Place:
    """The block that holds an entry, searched by halves: blocks are large, their first positions rise."""
    last = view.connection.execute("SELECT MAX(sequence) FROM archive").fetchone()[0] or 0

    def first(sequence: int) -> int:
        query = "SELECT first FROM archive WHERE sequence = ?"
        return int(view.connection.execute(query, (sequence,)).fetchone()[0])

    sequence = bisect_right(range(1, last + 1), position, key=first)
    row = view.connection.execute("SELECT block FROM archive WHERE sequence = ?", (sequence,)).fetchone()
    block = archived_block(row[0]) if row else None
    return Place(
        position=position,
        sequence=sequence or None,
        sp=block.sp if block else None,
        seq=block.seq if block else None,
        time=moment(block.time) if block else None,
        corrected=corrections_of(view.connection, position),
    )


def _entry(view: View, position: int) -> Receipt | Rejection | None:
    found = _outcomes(view, "position = ? AND kind <> 'result'", position)
    return next((outcome for outcome in found if not isinstance(outcome, Result)), None)


def _results(view: View, trade: str) -> list[Result]:
    return [o for o in _outcomes(view, "trade = ?", trade) if isinstance(o, Result)]


def _outcomes(view: View, where: str, value: object) -> list[AnyOutcome]:
    query = f"SELECT outcome FROM outcome WHERE {where} ORDER BY position"  # noqa: S608 - our own words
    return [OUTCOME.validate_json(row[0]) for row in each(view.connection, query, value)]


def _deliveries(view: View, source: str, words: tuple[str, ...]) -> tuple[Delivered, ...]:
    rows = each(
        view.connection,
        "SELECT id, client, kind, status, queued, delivered, bytes FROM delivery"
        " WHERE source = ? ORDER BY number",
        source,
    )
    return tuple(_delivered(row, words) for row in rows)


def _delivered(row: Any, words: tuple[str, ...]) -> Delivered:
    text, whole = excerpt(row[6], words)
    return Delivered(
        id=row[0],
        client=row[1],
        kind=row[2],
        status=row[3],
        queued=moment(row[4]),
        delivered=moment(row[5]) if row[5] else None,
        bytes=len(row[6]),
        text=text,
        whole=whole,
    )


def _column(view: View, query: str, *values: object) -> list[Any]:
    return [row[0] for row in each(view.connection, query, *values)]


def _when(said: Said) -> tuple[bool, float]:
    """By position; behind them, by arrival, what has none."""
    if said.place is not None:
        return False, said.place.position
    return True, said.arrivals[0].received.timestamp()


def whole_bytes(view: View, found: Trace) -> Iterator[tuple[str, bytes]]:
    """All raw messages and deliveries of a trace, each with a name for a file."""
    arrivals = {arrival.id: arrival for said in found.messages for arrival in said.arrivals}
    for arrival in arrivals.values():
        [raw] = _column(view, "SELECT bytes FROM raw WHERE id = ?", arrival.id)
        yield f"raw-{arrival.id}-{arrival.client}", raw
    for delivery in (d for said in found.messages for d in said.deliveries):
        [raw] = _column(view, "SELECT bytes FROM delivery WHERE id = ?", delivery.id)
        yield f"delivery-{delivery.id}", raw
