"""The one block that is under way: on disk before it is first published, until this node has read it back.

    Flights.next(connection) -> Flight | None       the one under way, or a new one
    Landings                                        tells the publisher which one has been read back

While blocks follow one another, the next one is made in the transaction that archives the one before it
(node.own_blocks): one fsync holds both.
"""

import asyncio
import json
import sqlite3
from dataclasses import dataclass

from node.block import Block, archived_block, sign_block
from node.block_key import BlockKey
from node.ledger_time import Clock, machine_clock
from node.outbox import Outbox
from node.store import setting


@dataclass(frozen=True, slots=True)
class Flight:
    """A block under way. seq: its number among this SP's blocks."""

    seq: int
    block: bytes


@dataclass(frozen=True, slots=True)
class Landed:
    """A block that this node has read back. following: the one that is under way since, if there is one."""

    seq: int
    following: Flight | None


class Flights:
    """Makes blocks of what is in the outbox. Used by the writer's thread alone. clock: gives their time."""

    def __init__(self, network: bytes, key: BlockKey, outbox: Outbox, clock: Clock = machine_clock) -> None:
        self.sp = outbox.sp
        self._network = network
        self._key = key
        self._outbox = outbox
        self._clock = clock

    def next(self, connection: sqlite3.Connection) -> Flight | None:
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
        seq = int(setting(connection, f"seq/{self.sp}") or 0) + 1
        block = Block(
            version=1,
            network=self._network,
            sp=self.sp,
            seq=seq,
            time=self._clock(),
            entries=selected.entries,
        )
        raw = sign_block(block, key)
        connection.execute("INSERT INTO flight VALUES (1, ?, ?, ?)", (seq, json.dumps(selected.ids), raw))
        return Flight(seq, raw)


class Landings:
    """Tells who waits that a block is in the archive. Used in the event loop alone."""

    def __init__(self) -> None:
        self._last = Landed(0, None)
        self._news = asyncio.Event()

    def tell(self, landed: Landed) -> None:
        """Tell of a block once the transaction that archives it is on disk."""
        self._last = landed
        self._news.set()

    async def of(self, seq: int) -> Flight | None:
        """Wait until block `seq` has been read back; the one that is under way since, if it is known."""
        while self._last.seq < seq:
            self._news.clear()
            await self._news.wait()
        return self._last.following if self._last.seq == seq else None
