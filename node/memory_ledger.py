"""A ledger in memory, shared by the nodes of a test, that can misbehave as a real one does."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from random import Random

from node.ledger import Answerer, Finding, LedgerGapError, LedgerUnavailableError

LATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Faults:
    """How often, from 0 to 1, something goes wrong with an append, and how long it may take.

    lost: the block never arrives. unacknowledged: it is ordered, but the author hears of a failure.
    duplicated: it is ordered twice, as when the engine's memory of message ids has run out.
    delay: up to so many seconds before it is ordered. late: the author hears of a failure, and up to
    LATE_SECONDS afterwards it is ordered all the same, whether its author still lives or not.
    """

    lost: float = 0.0
    unacknowledged: float = 0.0
    duplicated: float = 0.0
    delay: float = 0.0
    late: float = 0.0


class MemoryLedger:
    """One sequence of blocks; give the same object to every node. See node.ledger.Ledger for the methods.

    faults: what goes wrong, at chances drawn from `chance`, whose seed makes a run repeatable.
    """

    def __init__(self, faults: Faults | None = None, chance: Random | None = None) -> None:
        self.available = True
        self._faults = faults or Faults()
        self._chance = chance or Random(0)  # noqa: S311 - decides on faults, guards nothing
        self._blocks: list[bytes | None] = []
        self._sequences: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._answerers: dict[str, Answerer] = {}
        self._stragglers: set[asyncio.Task[int]] = set()

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:  # noqa: ARG002 - as a Ledger has them
        """See Ledger. Its height is always known to all, so that nobody has read too little."""
        if self._faults.delay:
            await asyncio.sleep(self._chance.uniform(0, self._faults.delay))
        if not self.available or self._happens(self._faults.lost):
            raise LedgerUnavailableError("the memory ledger did not take the block")
        if self._happens(self._faults.late):
            after = self._chance.uniform(0, LATE_SECONDS)
            asyncio.get_running_loop().call_later(after, self._arrives_late, block, message_id)
            raise LedgerUnavailableError("the memory ledger has not taken the block yet")
        repeated = message_id in self._sequences and not self._happens(self._faults.duplicated)
        sequence = self._sequences[message_id] if repeated else await self._ordered(block, message_id)
        if not repeated and self._happens(self._faults.duplicated):
            await self._ordered(block, message_id)
        if self._happens(self._faults.unacknowledged):
            raise LedgerUnavailableError("the memory ledger took the block but does not say so")
        return sequence

    async def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """See Ledger."""
        while True:
            if after > len(self._blocks):
                raise LedgerGapError(after + 1, len(self._blocks))
            async with self._changed:
                while len(self._blocks) == after:
                    await self._changed.wait()
            block = self._blocks[after]
            if block is None:
                raise LedgerGapError(after + 1, after + 2)
            after += 1
            yield after, block

    async def head(self) -> int:
        """See Ledger."""
        if not self.available:
            raise LedgerUnavailableError("the memory ledger is switched off")
        return len(self._blocks)

    async def ask(self, sp: str, question: bytes) -> bytes:
        """See Ledger."""
        if sp not in self._answerers:
            raise LedgerUnavailableError(f"{sp} does not answer")
        return await self._answerers[sp](question)

    async def answer(self, sp: str, answerer: Answerer) -> None:
        """See Ledger."""
        self._answerers[sp] = answerer
        try:
            await asyncio.Event().wait()
        finally:
            del self._answerers[sp]

    async def check(self) -> tuple[Finding, ...]:
        """See Ledger; there is nothing to set."""
        return ()

    def forget(self, sequence: int) -> None:
        """Lose the block at `sequence`, as a rotten disk does."""
        self._blocks[sequence - 1] = None

    async def _ordered(self, block: bytes, message_id: str) -> int:
        async with self._changed:
            self._blocks.append(block)
            self._changed.notify_all()
        self._sequences.setdefault(message_id, len(self._blocks))
        return len(self._blocks)

    def _arrives_late(self, block: bytes, message_id: str) -> None:
        task = asyncio.create_task(self._ordered(block, message_id))
        self._stragglers.add(task)
        task.add_done_callback(self._stragglers.discard)

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._chance.random() < rate
