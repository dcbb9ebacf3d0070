"""From the outbox to the ledger: one block under way at a time, published until this node has read it back.

The block and its number are on disk before it is first published, so that whatever happens the same bytes are
published again (node.flight). It leaves the outbox in the transaction that archives it (node.replica), and
where more waits, the next one is made in that transaction.
"""

import asyncio
from contextlib import suppress

import structlog

from node.block import head_digest
from node.flight import Flight, Flights
from node.ledger import Ledger, LedgerUnavailableError
from node.replica import Replica
from node.store import Store

READ_BACK_SECONDS = 5.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 0.5
LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes what is in the outbox, once the replica has caught up.

    changed: set when there may be something new in it.
    """

    def __init__(
        self, flights: Flights, replica: Replica, store: Store, ledger: Ledger, changed: asyncio.Event
    ) -> None:
        self._flights = flights
        self._replica = replica
        self._store = store
        self._ledger = ledger
        self._changed = changed

    async def run(self) -> None:
        """Publish until cancelled."""
        await self._replica.caught_up.wait()
        self._replica.own.follow_with(self._flights.next)
        following: Flight | None = None
        pause = PAUSE_SECONDS_MIN
        while True:
            self._changed.clear()
            flight = following or await self._store.write(self._flights.next)
            following = None  # after trouble what the store has counts: it may have landed, or be signed anew
            if flight is None:
                with suppress(TimeoutError):  # a command may have queued something from another process
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._changed.wait()
                continue
            try:
                following = await self._publish(flight)
                pause = PAUSE_SECONDS_MIN
            except (LedgerUnavailableError, TimeoutError) as error:
                log.warning("block not in order yet, publishing it again", seq=flight.seq, reason=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _publish(self, flight: Flight) -> Flight | None:
        """Publish a block and wait until it is in the archive: an acknowledgement alone proves nothing.

        The next block, where one has been made by then.
        """
        # Signed anew, it has another name.
        name = f"{self._flights.sp}-{flight.seq}-{head_digest(flight.block).hex()[:16]}"
        await self._ledger.append(flight.block, name, self._replica.reached)
        async with asyncio.timeout(READ_BACK_SECONDS):
            return await self._replica.landings.of(flight.seq)
