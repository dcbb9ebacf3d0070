"""From the ledger to the state: each block checked, archived and applied, in order, the same at every node.

One transaction holds the archived blocks, the contracts' state, the outcomes, the deliveries and the cursor:
a crash leaves all of a batch or nothing. What must not be applied is archived with its fault and passed over,
by the same rule at every node; a gap in the sequence stops this node.
"""

import asyncio
import hashlib
import sqlite3
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import structlog

from node.application import Application
from node.block import Block, BlockInvalidError, open_block
from node.ledger import Ledger, LedgerGapError
from node.network import Network
from node.store import Store, keep_setting, setting

BATCH_BLOCKS_MAX = 32
QUEUE_BLOCKS_MAX = 64
EMPTY_HEAD = bytes(32).hex()

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """How far this node has applied. size: in entries. chain: a digest of all of them, in order."""

    sequence: int
    size: int
    chain: str


class ForeignBlockError(Exception):
    """A block with this node's signature that this node did not make: it stops rather than go on in doubt."""


class Replica:
    """Reads the ledger into the store. Sets `changed` for new deliveries and `read_back` for own blocks."""

    def __init__(
        self,
        *,
        sp: str,
        network: Network,
        store: Store,
        ledger: Ledger,
        application: Application,
        changed: asyncio.Event,
        read_back: asyncio.Event,
    ) -> None:
        self._sp = sp
        self._network = network
        self._store = store
        self._ledger = ledger
        self._application = application
        self._changed = changed
        self._read_back = read_back

    async def run(self) -> None:
        """Apply until cancelled. Raises LedgerGapError at a gap: nothing is applied past it."""
        after = (await self._store.write(head)).sequence
        queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(QUEUE_BLOCKS_MAX)
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(self._ledger, after, queue), name="ledger reader")
            while True:
                batch = [await queue.get()]
                while len(batch) < BATCH_BLOCKS_MAX and not queue.empty():
                    batch.append(queue.get_nowait())
                await self._store.write(partial(self._apply, batch=batch))
                self._read_back.set()
                self._changed.set()

    def _apply(self, connection: sqlite3.Connection, batch: list[tuple[int, bytes]]) -> None:
        """Apply a batch in one transaction. What raises here stops the node, and its caches with it."""
        at = head(connection)
        for sequence, raw in batch:
            at = self._apply_one(connection, at, sequence, raw)
        self._application.finish(connection)
        keep_setting(connection, "head", f"{at.sequence} {at.size} {at.chain}")

    def _apply_one(self, connection: sqlite3.Connection, at: Head, sequence: int, raw: bytes) -> Head:
        """Archive one block and, if it counts, apply its entries; the head after it."""
        if sequence != at.sequence + 1:
            raise LedgerGapError(at.sequence + 1, sequence)
        size, chain = at.size, at.chain
        block, fault = self._checked(connection, raw)
        known = (block.sp, block.seq) if block is not None else (None, None)
        counted = 0 if block is None or fault else len(block.entries)
        connection.execute(
            "INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?)",
            (sequence, raw, *known, size, counted, fault),
        )
        if block is None or fault:
            log.warning("block passed over", sequence=sequence, sp=known[0], seq=known[1], fault=fault)
            return Head(sequence, size, chain)
        for entry in block.entries:
            self._application.apply(connection, block.sp, size, entry)
            chain = hashlib.sha256(bytes.fromhex(chain) + hashlib.sha256(entry).digest()).hexdigest()
            size += 1
        keep_setting(connection, f"seq/{block.sp}", str(block.seq))
        if block.sp == self._sp:
            self._landed(connection, block, raw)
        return Head(sequence, size, chain)

    def _checked(self, connection: sqlite3.Connection, raw: bytes) -> tuple[Block | None, str | None]:
        """The block, and why it does not count: the apply rule, the same at every node."""
        try:
            block = open_block(raw, self._network.signing_keys, self._network.id)
        except BlockInvalidError as error:
            return None, error.reason.value
        last = int(setting(connection, f"seq/{block.sp}") or 0)
        if block.seq != last + 1:
            return block, "repeated" if block.seq <= last else "out of order"
        return block, None

    def _landed(self, connection: sqlite3.Connection, block: Block, raw: bytes) -> None:
        """Take an own block out of the outbox."""
        row = connection.execute(
            "SELECT last FROM flight WHERE seq = ? AND block = ?", (block.seq, raw)
        ).fetchone()
        if row is None:
            raise ForeignBlockError(
                f"block {block.seq} of {self._sp} is on the ledger and did not come from this store: "
                "another node runs with its key, or the store is an old copy. Find out which before going on"
            )
        connection.execute("DELETE FROM outbox WHERE id <= ?", (row[0],))
        connection.execute("DELETE FROM flight")


def head(connection: sqlite3.Connection) -> Head:
    """How far the store has come."""
    text = setting(connection, "head")
    if text is None:
        return Head(0, 0, EMPTY_HEAD)
    sequence, size, chain = text.split()
    return Head(int(sequence), int(size), chain)


async def _feed(ledger: Ledger, after: int, queue: "asyncio.Queue[tuple[int, bytes]]") -> None:
    async with aclosing(ledger.read(after)) as blocks:
        async for block in blocks:
            await queue.put(block)
