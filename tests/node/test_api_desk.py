"""The queue that clients of the API come to: in order, until taken, and held where results are held."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from founding import network

from adapters.link import Delivery
from node.alarms import raise_alarm
from node.api.desk import NodeDesk
from node.api.questions import Questions
from node.deliveries import ANSWER, COPY
from node.settings import ExternalLedger, NodeSettings
from node.store import STORE_FILE, Store


class Queue:
    """A store with a queue, and the desk in front of it."""

    def __init__(self, store: Store, questions: Questions) -> None:
        self._store = store
        self.changed = asyncio.Event()
        self.desk = NodeDesk({}, _nobody, store, questions, accepts=lambda: True, changed=self.changed)

    async def add(self, *ids: str, client: str = "one", kind: str = ANSWER) -> None:
        """Queue what has these ids."""
        await self._store.write(partial(_add, ids=ids, client=client, kind=kind))
        self.changed.set()

    async def diverge(self) -> None:
        """Note that another node has signed another ledger."""
        await self._store.write(lambda connection: raise_alarm(connection, "diverged/sp2", "another ledger"))

    async def ids(self, after: str = "", limit: int = 100, client: str = "one") -> list[str] | None:
        """What the desk gives."""
        found: list[Delivery] | None = await self.desk.answers(client, after, limit)
        return None if found is None else [delivery.id for delivery in found]


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=tmp_path / "-")
    settings = NodeSettings(sp="sp1", data_folder=tmp_path, ledger=nowhere)
    async with Store(tmp_path / STORE_FILE) as store:
        with Questions(settings, network(), 2, 10.0) as questions:
            yield Queue(store, questions)


async def test_until_they_are_taken(queue: Queue):
    """At least once, in order; asking on acknowledges all up to the one named, and nothing else does."""
    await queue.add("a", "b", "c")
    await queue.add("x", client="two")
    assert await queue.ids() == await queue.ids() == ["a", "b", "c"]
    assert await queue.ids(limit=1) == ["a"]
    assert await queue.ids("b") == await queue.ids("b") == await queue.ids() == ["c"]
    assert await queue.ids("a") == ["c"], "what was taken is not told again"
    assert await queue.ids("c") == []
    await queue.add("d")
    assert await queue.ids("c") == ["d"]
    assert await queue.ids(client="two") == ["x"]


async def test_another_clients_answer_acknowledges_nothing(queue: Queue):
    await queue.add("a")
    await queue.add("x", client="two")
    assert await queue.ids("x") is None
    assert await queue.ids("nothing") is None
    assert await queue.ids() == ["a"]


async def test_results_are_held_where_another_ledger_was_signed(queue: Queue):
    """And all behind them: what is acknowledged has been told."""
    await queue.add("copy", kind=COPY)
    await queue.add("result")
    await queue.add("later", kind=COPY)
    await queue.diverge()
    assert await queue.ids() == ["copy"]
    assert await queue.ids("copy") == []


async def test_news_wakes_who_waits_for_it_alone(queue: Queue):
    """Also where it came between the look and the wait; not those for whom there is nothing."""
    await queue.desk.look()
    running = asyncio.create_task(queue.desk.run())
    try:
        async with asyncio.timeout(20):
            mark, other = queue.desk.mark("one"), queue.desk.mark("two")
            waiting = asyncio.create_task(queue.desk.news("one", mark))
            another = asyncio.create_task(queue.desk.news("two", other))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await queue.add("a")
            await waiting
            await queue.desk.news("one", mark)
            assert not another.done()
            await queue.add("x", client="two")
            await another
    finally:
        running.cancel()


def _add(connection: sqlite3.Connection, ids: tuple[str, ...], client: str, kind: str) -> None:
    connection.executemany(
        "INSERT INTO delivery (id, client, kind, outcome, status, source, bytes, queued)"
        " VALUES (?, ?, ?, '', 'matched', '', CAST('{}' AS BLOB), 0)",
        [(name, client, kind) for name in ids],
    )


def _nobody() -> Any:
    raise AssertionError("nothing is read here")
