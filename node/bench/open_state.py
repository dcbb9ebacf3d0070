"""A contract's state in a real store, as a node has it: records through node.records, committed in batches.

It is filled by the contract itself, from what one side of each trade says.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

from canonical.contracts import CONTRACTS
from canonical.contracts.state import Decision, Entry
from canonical.encoding import canonical_bytes
from canonical.message import Role
from canonical.result import Result, TradeStatus
from canonical.rules import Rules
from canonical.submission import Submission, read_submission
from node.attestation import Written, decision_digest
from node.bench.market import Market, Trade
from node.bench.matching_report import PARTS, StateFigures
from node.contract_identity import contract_id
from node.records import Records
from node.replica import BATCH_BYTES_MIN
from node.store import open_store

FUNDS_OF_BLOCKS = (1,) * 25 + (10,) * 12 + (100,)  # of what is open: each size has some third of the funds
FILL_PER_COMMIT = 256  # submissions
CONTRACT = "matching/2"
TIME = datetime(2026, 11, 20, 15, 40, tzinfo=ZoneInfo("Asia/Tokyo"))  # of the ledger
RULES = Rules()  # everything compared exactly, nothing calculated


class OpenState:
    """A store with open trades, and the contract on it. Used by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._records = Records()
        self._view = partial(self._records.get, connection)
        self._apply = CONTRACTS[CONTRACT]
        self._contract = contract_id(CONTRACT)
        self._position = 0

    def decide(self, submission: Submission, digests: tuple[str, ...] = ()) -> Decision:
        """What the contract makes of the next entry. digests: of its messages, where they are known."""
        entry = Entry(self._position, submission, TIME, digests=digests)
        decision = self._apply(self._view, entry, RULES, self._contract)
        self._position += 1
        return decision

    def fill(self, market: Market, funds: int) -> int:
        """Have one side speak of trades until `funds` funds are open; how many trades that took."""
        trades, opened, sizes = 0, 0, cycle(FUNDS_OF_BLOCKS)
        while opened < funds:
            with self._committed():
                for _ in range(FILL_PER_COMMIT):
                    if opened < funds:
                        trade = market.trade(min(next(sizes), funds - opened))
                        self._records.change(self.decide(market.said(trade, trade.first)).changes)
                        opened, trades = opened + trade.funds, trades + 1
        return trades

    def match(self, plaintexts: Sequence[bytes]) -> tuple[int, dict[str, float]]:
        """Take what institutions say; the funds that matched, and the processor seconds of each part.

        What it has written is also brought from the log into the file, which SQLite does now and then: thus
        those pay for it who wrote it, and not those who come just then.
        """
        matched, took = 0, dict.fromkeys(PARTS, 0.0)
        for batch in _batches(plaintexts):
            with self._committed(took):
                for plaintext in batch:
                    matched += self._take(plaintext, took)
        began = time.thread_time()
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        took["records"] += time.thread_time() - began
        return matched, took

    def _take(self, plaintext: bytes, took: dict[str, float]) -> int:
        began = time.thread_time()
        submission, digests = read_submission(plaintext)
        decoded = time.thread_time()
        decision = self.decide(submission, digests)
        decided = time.thread_time()
        outcomes = [canonical_bytes(outcome) for outcome in decision.outcomes]
        decision_digest(self._contract, Written(outcomes, self._records.change(decision.changes)))
        took["decode"] += decoded - began
        took["contract"] += decided - decoded
        took["digest"] += time.thread_time() - decided
        return sum(
            outcome.funds_matched
            for outcome in decision.outcomes
            if isinstance(outcome, Result) and outcome.status is TradeStatus.MATCH_AGREED
        )

    @contextmanager
    def _committed(self, took: dict[str, float] | None = None) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        began = time.thread_time()
        self._records.write(self._connection)
        self._connection.execute("COMMIT")
        if took is not None:
            took["records"] += time.thread_time() - began

    def count(self) -> int:
        """The records."""
        (count,) = self._connection.execute("SELECT count(*) FROM state").fetchone()
        assert isinstance(count, int)
        return count


@contextmanager
def open_state(path: Path, funds: int) -> Iterator[tuple[OpenState, StateFigures]]:
    """A new store at `path` in which so many funds are open."""
    with closing(open_store(path)) as connection:
        state, began = OpenState(connection), time.perf_counter()
        blocks = state.fill(Market(0), funds)
        took = time.perf_counter() - began
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield (
            state,
            StateFigures(
                open_funds=funds,
                open_blocks=blocks,
                records=state.count(),
                store_bytes=path.stat().st_size,
                fill_seconds=round(took, 1),
            ),
        )


def plaintexts(market: Market, trades: Sequence[Trade]) -> list[bytes]:
    """What both sides say of trades: one side of each, then the other side of each."""
    said = [market.said(trade, trade.first) for trade in trades]
    said += [market.said(trade, next(role for role in Role if role is not trade.first)) for trade in trades]
    return [canonical_bytes(submission) for submission in said]


def _batches(plaintexts: Sequence[bytes]) -> Iterator[list[bytes]]:
    """As a replica fills its transactions."""
    batch, volume = [], 0
    for plaintext in plaintexts:
        batch.append(plaintext)
        volume += len(plaintext)
        if volume >= BATCH_BYTES_MIN:
            yield batch
            batch, volume = [], 0
    if batch:
        yield batch
