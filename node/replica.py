"""From the ledger to the state: each block checked, archived and applied, in order, the same at every node.

One transaction holds the archived blocks, the tree, the contracts' state, the outcomes, the deliveries and
the cursor: a crash leaves all of a batch or nothing. What must not be applied is archived with its fault and
passed over, by the same rule at every node; a gap in the sequence stops this node.
"""

import asyncio
import hashlib
import sqlite3
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import structlog

from node.alarms import raise_alarm
from node.application import Application
from node.block import Block, BlockFault, BlockInvalidError, open_block
from node.flight import Landed, Landings
from node.ledger import Ledger, LedgerGapError, LedgerUnavailableError
from node.ledger_time import LedgerTime
from node.own_blocks import OwnBlocks
from node.progress import Progress
from node.register import Register
from node.store import Store, each, keep_setting, setting
from node.tree import EMPTY_ROOT, entry_leaf
from node.tree_tiles import append, root

BATCH_BLOCKS_MAX = 32
BATCH_BYTES_MIN = 256 * 1024  # enough to share an fsync; more would hold up what clients send meanwhile
QUEUE_BLOCKS_MAX = 64
PAUSE_SECONDS = 0.5
_EVIDENCE = {BlockFault.SIGNATURE, BlockFault.DIGEST, BlockFault.KEY, BlockFault.MEMBER, BlockFault.NETWORK}

# As long as the state that takes its place: the row, which is as large as its block, is not written anew.
_STATE_TO_COME = bytes(32)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """How far this node has applied. size: in entries. root: of the tree over them, hexadecimal."""

    sequence: int
    size: int
    root: str


class Replica:
    """Reads the ledger into the store. Sets `changed` for new deliveries.

    own: this node's own blocks among what is applied. landings: tells which of them are in the archive.
    caught_up: set once all is applied that was on the ledger when this node started. reached: the last
    sequence that is applied.
    """

    def __init__(
        self,
        *,
        sp: str,
        register: Register,
        store: Store,
        ledger: Ledger,
        application: Application,
        changed: asyncio.Event,
        progress: Progress,
    ) -> None:
        self._register = register
        self._store = store
        self._ledger = ledger
        self._application = application
        self._changed = changed
        self._progress = progress
        self._last_seq: dict[str, int] = {}
        self._time = LedgerTime()
        self.own = OwnBlocks(sp)
        self.landings = Landings()
        self.caught_up = asyncio.Event()
        self.reached = 0

    async def run(self) -> None:
        """Apply until cancelled. Raises LedgerGapError at a gap: nothing is applied past it."""
        at = await self._store.write(self._begin)
        self.reached = at.sequence
        await self._store.write(self.own.begin)
        queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(QUEUE_BLOCKS_MAX)
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(self._ledger, at.sequence, queue), name="ledger reader")
            target = await self._height(at.sequence)
            self._progress.begin(at.sequence, target)
            await self._note_caught_up(at, target)
            while True:
                batch = [await queue.get()]
                volume = len(batch[0][1])
                while len(batch) < BATCH_BLOCKS_MAX and volume < BATCH_BYTES_MIN and not queue.empty():
                    batch.append(queue.get_nowait())
                    volume += len(batch[-1][1])
                at, landed = await self._store.write(partial(self._apply, batch=batch))
                self.reached = at.sequence
                self._progress.note(at.sequence)
                if not self.caught_up.is_set():
                    await self._note_caught_up(at, target)
                if landed is not None:
                    self.landings.tell(landed)
                self._changed.set()

    async def _height(self, reached: int) -> int:
        """The last sequence on the ledger, once it answers and has what this node has read of it before.

        A new leader may not know its last blocks at once. Where they are gone for good, the reader says so.
        """
        while True:
            try:
                if (last := await self._ledger.head()) >= reached:
                    return last
            except LedgerUnavailableError as error:
                log.warning("the ledger does not answer yet", reason=str(error))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _note_caught_up(self, at: Head, target: int) -> None:
        if at.sequence >= target:
            self._application.is_live = True
            await self._store.write(self._live)
            self._progress.end(at.sequence)
            self.caught_up.set()

    def _begin(self, connection: sqlite3.Connection) -> Head:
        self._last_seq = {
            row[0].removeprefix("seq/"): int(row[1])
            for row in each(connection, "SELECT name, value FROM setting WHERE name LIKE 'seq/%'")
        }
        self._time.learn_stored(connection)
        return head(connection)

    def _live(self, connection: sqlite3.Connection) -> None:
        """From here on own blocks are those that this store has made, and this node attests."""
        self.own.is_live(connection)
        self._application.finish(connection)

    def _apply(
        self, connection: sqlite3.Connection, batch: list[tuple[int, bytes]]
    ) -> tuple[Head, Landed | None]:
        """Apply a batch in one transaction; how far that is, and the own block that has landed by it.

        What raises here stops the node, and its caches with it.
        """
        at = head(connection)
        size = at.size
        for number, (sequence, raw) in enumerate(batch):
            if sequence != at.sequence + number + 1:
                raise LedgerGapError(at.sequence + number + 1, sequence)
            size = self._apply_one(connection, size, sequence, raw)
        self._application.finish(connection)
        after = Head(batch[-1][0], size, root(connection, size).hex())
        keep_setting(connection, "head", f"{after.sequence} {after.size} {after.root}")
        # What others wait to write is to go with the next block, which then shares the fsync that they need.
        return after, self.own.follow(connection, make=not self._store.is_waited_for)

    def _apply_one(self, connection: sqlite3.Connection, size: int, sequence: int, raw: bytes) -> int:
        """Archive one block and, if it counts, apply its entries; the size after it."""
        block, fault = self._checked(connection, sequence, raw)
        known = (block.sp, block.seq) if block is not None else (None, None)
        counted = block is not None and fault is None
        entries = len(block.entries) if block is not None and counted else 0
        digest = hashlib.sha256(raw).digest()
        connection.execute(
            "INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sequence, raw, digest, *known, size, entries, fault, _STATE_TO_COME, 0),
        )
        if block is not None and counted:
            self._count(connection, size, block, raw)
        else:
            log.warning("block passed over", sequence=sequence, sp=known[0], seq=known[1], fault=fault)
        after = (self._state(), self._time.now, sequence)
        connection.execute("UPDATE archive SET state = ?, time = ? WHERE sequence = ?", after)
        return size + entries

    def _count(self, connection: sqlite3.Connection, size: int, block: Block, raw: bytes) -> None:
        leaves = [entry_leaf(block.sp, block.seq, number, e) for number, e in enumerate(block.entries)]
        append(connection, size, leaves)
        self._last_seq[block.sp] = block.seq
        keep_setting(connection, f"seq/{block.sp}", str(block.seq))
        self.own.landed(connection, block, raw)
        time = self._time.take(connection, block.sp, block.time, self._register.signing_keys)
        self._application.apply_block(connection, size, block, time)

    def _checked(
        self, connection: sqlite3.Connection, sequence: int, raw: bytes
    ) -> tuple[Block | None, str | None]:
        """The block, and why it does not count: the apply rule, the same at every node."""
        try:
            block = open_block(raw, self._register.signing_keys, self._register.id)
        except BlockInvalidError as error:
            if error.reason in _EVIDENCE:
                text = f"the block at sequence {sequence} is not what a member may publish: {error}"
                raise_alarm(connection, f"block/{sequence}", text)
            return None, error.reason.value
        last = self._last_seq.get(block.sp, 0)
        if block.seq > last + 1:
            return block, "out of order"
        if block.seq <= last:
            return block, self._repeated(connection, sequence, block, raw)
        return block, None

    def _repeated(self, connection: sqlite3.Connection, sequence: int, block: Block, raw: bytes) -> str:
        """Whether a block came twice, which is harmless, or its author signed two with one number."""
        row = connection.execute(
            "SELECT sequence, block FROM archive WHERE sp = ? AND seq = ? AND fault IS NULL",
            (block.sp, block.seq),
        ).fetchone()
        if row is None or row[1] == raw:
            return "repeated"
        text = (
            f"{block.sp} has signed two different blocks with number {block.seq}: at the sequences {row[0]} "
            f"and {sequence}. The first counts. Both are kept as evidence: ask {block.sp} who made them"
        )
        raise_alarm(connection, f"two blocks/{block.sp}/{block.seq}", text)
        return "conflicting"

    def _state(self) -> bytes:
        """A digest of all that is public beside the entries themselves, 32 bytes."""
        numbers = "".join(f"{sp} {seq}\n" for sp, seq in sorted(self._last_seq.items()))
        said = numbers + self._time.digest_lines()
        return hashlib.sha256(b"yakujo state 2\n" + self._application.state() + said.encode()).digest()


def head(connection: sqlite3.Connection) -> Head:
    """How far the store has come."""
    text = setting(connection, "head")
    if text is None:
        return Head(0, 0, EMPTY_ROOT.hex())
    sequence, size, found = text.split()
    return Head(int(sequence), int(size), found)


async def _feed(ledger: Ledger, after: int, queue: "asyncio.Queue[tuple[int, bytes]]") -> None:
    async with aclosing(ledger.read(after)) as blocks:
        async for block in blocks:
            await queue.put(block)
