"""The ledger alone, as a node uses it: blocks signed, published, read back, verified, archived, one by one.

Publisher and replica are the daemon's, with a backlog and without clients; in place of an outbox stands one
that has its entries ready. They are sealed under a secret that this node does not have, so that it archives
them and opens none.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from node import compose
from node.bench.pure import DAY
from node.bench.scene import SP, Scene, settings_of
from node.block_key import BlockKey
from node.flight import Flights
from node.jetstream import JetStreamLedger
from node.outbox import Outbox, Selected
from node.publisher import Publisher
from node.secrets import DaySecrets
from node.store import Store

BLOCKS_SECONDS_MAX = 120.0


class Prepared(Outbox):
    """Gives what it was told to, and notes when: the next block is asked for once the last is applied."""

    def __init__(self, secrets: DaySecrets, store: Store, changed: asyncio.Event) -> None:
        super().__init__(SP, secrets, lambda: DAY)
        self._store = store
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, ...]] = deque()
        self._times: list[float] = []
        self._done: asyncio.Future[None] | None = None

    def next_entries(self, connection: sqlite3.Connection) -> Selected | None:
        """See Outbox; called in the writer's thread."""
        del connection
        if self._done is None:
            return None
        if self._waiting:
            self._times.append(time.perf_counter())
            return Selected(self._waiting.popleft(), ())
        done, self._done = self._done, None  # before it is told: the next may be given at once
        self._loop.call_soon_threadsafe(done.set_result, None)
        return None

    async def archived(self, blocks: Iterable[tuple[bytes, ...]]) -> list[float]:
        """Have these published; the seconds that each took, from one making to the next, or to the end."""
        self._waiting.extend(blocks)
        self._times = []
        done = self._loop.create_future()
        self._done = done
        self._changed.set()
        async with asyncio.timeout(BLOCKS_SECONDS_MAX):
            await done
            await self._store.write(lambda _: None)  # after the transaction that archives the last one
        times = [*self._times, time.perf_counter()]
        return [end - begin for begin, end in pairwise(times)]


@asynccontextmanager
async def archiving(
    scene: Scene, folder: Path, store: Store, ledger: JetStreamLedger
) -> AsyncIterator[Prepared]:
    """Run what publishes and archives meanwhile, without clients."""
    changed, settings = asyncio.Event(), settings_of(replace(scene, clients=()), folder)
    *_, parts, replica = await compose.applying(
        settings, scene.network, scene.ring, store, ledger, changed=changed, watcher=lambda _, __: None
    )
    prepared = Prepared(parts.secrets, store, changed)
    key = BlockKey(SP, parts.register, scene.ring.signing)
    publisher = Publisher(Flights(scene.network.id, key, prepared), replica, store, ledger, changed)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run(), name=type(each).__name__) for each in (replica, publisher)]
        yield prepared
        for task in tasks:
            task.cancel()
