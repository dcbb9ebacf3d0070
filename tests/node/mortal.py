"""Nodes that die at chosen steps of their work and are started again, as a supervisor does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path

from scene import PATIENCE_SECONDS, Node, Scene, until

from node.store import Job, Result, Store, StoreError


class CrashError(Exception):
    """The end that the test wants."""


class Moment(StrEnum):
    """When, around a write, a node dies."""

    BEFORE = "before"  # nothing of it is on disk
    INSIDE = "inside"  # its work was done and is rolled back
    AFTER = "after"  # it is on disk, and nobody heard


Death = tuple[int, Moment]
"""Around which write, from 1, and when."""


class MortalStore(Store):
    """A store whose node dies around its write number `at`, from 1; 0: never."""

    def __init__(self, path: Path, at: int = 0, moment: Moment = Moment.BEFORE) -> None:
        super().__init__(path)
        self._at = at
        self._moment = moment
        self._writes = 0

    @property
    def is_dead(self) -> bool:
        """Whether its node has died around a write."""
        return bool(self._at) and self._writes >= self._at

    def counts(self, job: Job[Result]) -> bool:
        """Whether a write is one of those that are counted."""
        del job
        return True

    async def write(self, job: Job[Result]) -> Result:
        """See Store."""
        was_dead = self.is_dead
        self._writes += self.counts(job)
        if self.is_dead:
            if not was_dead and self._moment is not Moment.BEFORE:
                with suppress(CrashError):
                    await super().write(partial(_raising, job) if self._moment is Moment.INSIDE else job)
            raise CrashError
        return await super().write(job)


def _raising(job: Job[Result], connection: sqlite3.Connection) -> Result:
    job(connection)
    raise CrashError


async def _keep_alive(node: Node, deaths: Iterable[Death], died: list[str]) -> None:
    """Start `node` again each time that it dies; at last it lives on."""
    for at, moment in (*deaths, (0, Moment.BEFORE)):
        node.make_store = partial(MortalStore, at=at, moment=moment)
        with suppress(CrashError):  # it may die before it is ready
            await node.start()
        assert node.task is not None
        await asyncio.wait({node.task})
        errors = await node.ended()
        if any(not isinstance(error, CrashError) for error in errors):
            raise BaseExceptionGroup(f"{node.sp} ended otherwise", errors)
        died.append(node.sp)


@asynccontextmanager
async def kept_alive(scene: Scene, deaths: Mapping[str, Sequence[Death]]) -> AsyncIterator[list[str]]:
    """Run all nodes, each with its deaths. Gives who has died; raises what a node ended with otherwise."""
    scene.mortal = True
    died: list[str] = []
    watchers = [
        asyncio.create_task(_keep_alive(node, deaths.get(sp, ()), died), name=f"watch {sp}")
        for sp, node in scene.nodes.items()
    ]
    try:
        yield died
    finally:
        failed = [watcher.exception() for watcher in watchers if watcher.done()]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        for node in scene.nodes.values():
            await node.stop()
    assert failed == []


async def hand_over(node: Node, name: str, raw: bytes, origin: str) -> None:
    """Send as a client does: the same again until it was taken."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await until(lambda: node.link.receive is not None)
            try:
                await node.arrives(name, raw, origin)
            except (CrashError, StoreError):
                await asyncio.sleep(0.005)
            else:
                return
