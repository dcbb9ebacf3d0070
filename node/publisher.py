"""From the outbox to the ledger: one block under way at a time, published until this node has read it back.

The block and its number are on disk before it is first published, so that whatever happens the same bytes are
published again. It leaves the outbox in the transaction that archives it (node.replica).
"""

import asyncio
import sqlite3
import time
from dataclasses import dataclass

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.block import Block, leading_that_fit, sign_block
from node.ledger import Ledger, LedgerUnavailableError
from node.store import Store, each, setting

ENTRIES_PER_BLOCK_MAX = 200
READ_BACK_SECONDS = 5.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """A block under way. seq: its number among this SP's blocks."""

    seq: int
    block: bytes


class Publisher:
    """Publishes what is in the outbox.

    changed: set when there may be something new. read_back: set when own blocks have been archived.
    """

    def __init__(
        self,
        *,
        sp: str,
        network: bytes,
        key: Ed25519PrivateKey,
        store: Store,
        ledger: Ledger,
        changed: asyncio.Event,
        read_back: asyncio.Event,
    ) -> None:
        self._sp = sp
        self._network = network
        self._key = key
        self._store = store
        self._ledger = ledger
        self._changed = changed
        self._read_back = read_back

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._changed.clear()
            flight = await self._store.write(self._next)
            if flight is None:
                await self._changed.wait()
                continue
            await self._until_read_back(flight)

    async def _until_read_back(self, flight: Flight) -> None:
        """Publish `flight` until it is in the archive: an acknowledgement alone proves nothing."""
        pause = PAUSE_SECONDS_MIN
        while True:
            self._read_back.clear()
            if await self._store.write(lambda connection: _landed(connection, flight.seq)):
                return
            try:
                await self._publish(flight)
            except (LedgerUnavailableError, TimeoutError) as error:
                log.warning("block not in order yet, publishing it again", seq=flight.seq, reason=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _publish(self, flight: Flight) -> None:
        await self._ledger.append(flight.block, f"{self._sp}-{flight.seq}")
        async with asyncio.timeout(READ_BACK_SECONDS):
            await self._wait_read_back(flight)

    async def _wait_read_back(self, flight: Flight) -> None:
        while not await self._store.write(lambda connection: _landed(connection, flight.seq)):
            await self._read_back.wait()
            self._read_back.clear()

    def _next(self, connection: sqlite3.Connection) -> Flight | None:
        """The block under way, or a new one of what waits; None where nothing does."""
        row = connection.execute("SELECT seq, block FROM flight").fetchone()
        if row is not None:
            return Flight(*row)
        waiting = each(connection, "SELECT id, entry FROM outbox ORDER BY id LIMIT ?", ENTRIES_PER_BLOCK_MAX)
        if not waiting:
            return None
        entries = tuple(entry for _, entry in waiting)
        count = leading_that_fit(entries)
        seq = int(setting(connection, f"seq/{self._sp}") or 0) + 1
        block = Block(
            version=1,
            network=self._network,
            sp=self._sp,
            seq=seq,
            time=time.time_ns() // 1000,
            entries=entries[:count],
        )
        raw = sign_block(block, self._key)
        connection.execute("INSERT INTO flight VALUES (1, ?, ?, ?)", (seq, waiting[count - 1][0], raw))
        return Flight(seq, raw)


def _landed(connection: sqlite3.Connection, seq: int) -> bool:
    return connection.execute("SELECT 1 FROM flight WHERE seq = ?", (seq,)).fetchone() is None
