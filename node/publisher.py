"""From the outbox to the ledger: one block under way at a time, published until this node has read it back.

The block and its number are on disk before it is first published, so that whatever happens the same bytes are
published again. It leaves the outbox in the transaction that archives it (node.replica).
"""

import asyncio
import hashlib
import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass

import structlog

from node.block import Block, archived_block, sign_block
from node.block_key import BlockKey
from node.ledger import Ledger, LedgerUnavailableError
from node.ledger_time import Clock, machine_clock
from node.outbox import Outbox
from node.store import Store, setting

READ_BACK_SECONDS = 5.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 2.0
LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """A block under way. seq: its number among this SP's blocks."""

    seq: int
    block: bytes


class Publisher:
    """Publishes what is in the outbox.

    changed: set when there may be something new. read_back: set when own blocks have been archived.
    caught_up: set when all is applied that was on the ledger at the start; nothing is published before.
    clock: whose time blocks have.
    """

    def __init__(
        self,
        *,
        sp: str,
        network: bytes,
        key: BlockKey,
        store: Store,
        ledger: Ledger,
        outbox: Outbox,
        changed: asyncio.Event,
        read_back: asyncio.Event,
        caught_up: asyncio.Event,
        clock: Clock = machine_clock,
    ) -> None:
        self._sp = sp
        self._network = network
        self._key = key
        self._store = store
        self._ledger = ledger
        self._outbox = outbox
        self._changed = changed
        self._read_back = read_back
        self._caught_up = caught_up
        self._clock = clock

    async def run(self) -> None:
        """Publish until cancelled."""
        await self._caught_up.wait()
        pause = PAUSE_SECONDS_MIN
        while True:
            self._changed.clear()
            self._read_back.clear()
            flight = await self._store.write(self._next)
            if flight is None:
                with suppress(TimeoutError):  # a command may have queued something from another process
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._changed.wait()
                continue
            try:
                await self._publish(flight)
                pause = PAUSE_SECONDS_MIN
            except (LedgerUnavailableError, TimeoutError) as error:
                log.warning("block not in order yet, publishing it again", seq=flight.seq, reason=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _publish(self, flight: Flight) -> None:
        """Publish a block and wait until it is in the archive: an acknowledgement alone proves nothing."""
        digest = hashlib.sha256(flight.block).hexdigest()[:16]  # signed anew, it is another message
        await self._ledger.append(flight.block, f"{self._sp}-{flight.seq}-{digest}")
        async with asyncio.timeout(READ_BACK_SECONDS):
            await self._wait_read_back(flight)

    async def _wait_read_back(self, flight: Flight) -> None:
        while not await self._store.write(lambda connection: _landed(connection, flight.seq)):
            await self._read_back.wait()
            self._read_back.clear()

    def _next(self, connection: sqlite3.Connection) -> Flight | None:
        """The block under way, or a new one of what waits; None where nothing does, or this SP is no member.

        A block under way is signed anew where the key has been replaced since: the old signature cannot count
        any more, and had it counted before, the block would not be under way.
        """
        key = self._key.now()
        if key is None:
            return None
        row = connection.execute("SELECT seq, block FROM flight").fetchone()
        if row is not None:
            raw = sign_block(archived_block(row[1]), key)  # the same bytes where the key is the same
            if raw != row[1]:
                connection.execute("UPDATE flight SET block = ?", (raw,))
            return Flight(row[0], raw)
        selected = self._outbox.next_entries(connection)
        if selected is None:
            return None
        seq = int(setting(connection, f"seq/{self._sp}") or 0) + 1
        block = Block(
            version=1,
            network=self._network,
            sp=self._sp,
            seq=seq,
            time=self._clock(),
            entries=selected.entries,
        )
        raw = sign_block(block, key)
        connection.execute("INSERT INTO flight VALUES (1, ?, ?, ?)", (seq, json.dumps(selected.ids), raw))
        return Flight(seq, raw)


def _landed(connection: sqlite3.Connection, seq: int) -> bool:
    return connection.execute("SELECT 1 FROM flight WHERE seq = ?", (seq,)).fetchone() is None
