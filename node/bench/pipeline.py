"""The node that is measured: put together as the daemon does it, with one link of the bench for all clients.

Bytes are handed to what the link was given to receive with; what the delivery queue hands to it is counted.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.link import Arrival, Delivery, Receive
from node import compose
from node.bench.scene import ANSWERS_PER_MESSAGE, Scene, settings_of
from node.jetstream import JetStreamLedger
from node.store import Store

UNDER_WAY = 128  # arrivals of one client that are not stored yet: a FIX engine hands over up to 256
RUN_SECONDS_MAX = 120.0


class BenchLink:
    """Hands in arrivals, takes deliveries and counts them."""

    def __init__(self) -> None:
        self.taken = 0
        self.more = asyncio.Event()
        self.receive: asyncio.Future[Receive] = asyncio.get_running_loop().create_future()

    async def run(self, receive: Receive) -> None:
        """See Link."""
        self.receive.set_result(receive)
        await asyncio.Event().wait()

    async def send(self, delivery: Delivery) -> None:
        """Count it."""
        del delivery
        self.taken += 1
        self.more.set()


@asynccontextmanager
async def running(
    scene: Scene, folder: Path, store: Store, ledger: JetStreamLedger
) -> AsyncIterator[BenchLink]:
    """Run the node meanwhile, on a store and a ledger that are open; its link, once it receives."""
    link = BenchLink()
    node = compose.serve(
        settings_of(scene, folder),
        scene.network,
        scene.ring,
        store,
        ledger,
        lambda: None,
        make_links=lambda _, __, ___: {"fix": link},
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(node, name="node")
        await asyncio.shield(link.receive)
        yield link
        task.cancel()


async def pass_through(link: BenchLink, store: Store, pairs: Sequence[tuple[Arrival, Arrival]]) -> None:
    """Hand in all messages, both clients at once; return when the last answer is marked as delivered."""
    wanted = link.taken + 2 * len(pairs) * ANSWERS_PER_MESSAGE
    receive = link.receive.result()
    async with asyncio.timeout(RUN_SECONDS_MAX), asyncio.TaskGroup() as group:
        for side in zip(*pairs, strict=True):
            group.create_task(_hand_in(receive, side))
        while link.taken < wanted:
            link.more.clear()
            await link.more.wait()
        while await store.write(_undelivered):  # noqa: ASYNC110 - nobody tells what only the store knows
            await asyncio.sleep(0.001)


async def _hand_in(receive: Receive, arrivals: Sequence[Arrival]) -> None:
    """Hand in one client's messages in order, `UNDER_WAY` of them at a time."""
    room = asyncio.Semaphore(UNDER_WAY)

    async def hand_in(arrival: Arrival) -> None:
        await receive(arrival)
        room.release()

    async with asyncio.TaskGroup() as group:
        for arrival in arrivals:
            await room.acquire()
            group.create_task(hand_in(arrival))


def _undelivered(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT 1 FROM delivery WHERE delivered IS NULL LIMIT 1").fetchone()
    return row is not None
