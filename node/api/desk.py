"""What the HTTP link needs of the node: the reading of submissions, and the queue of deliveries."""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import takewhile

from adapters.link import Delivery
from canonical.problems import Problem
from node.api.questions import Questions
from node.clients import Client
from node.deliveries import ANSWER
from node.inspection import View
from node.reading import Reader, Refused
from node.store import Store, each


class NodeDesk:
    """A desk for clients that come for their answers.

    reader: by the master data as it is now. accepts: whether there is room. changed: set when there may be
    something new for anybody.
    """

    def __init__(
        self,
        clients: Mapping[str, Client],
        reader: Callable[[], Reader],
        store: Store,
        questions: Questions,
        *,
        accepts: Callable[[], bool],
        changed: asyncio.Event,
    ) -> None:
        self._clients = clients
        self._reader = reader
        self._store = store
        self._questions = questions
        self._accepts = accepts
        self._changed = changed
        self._more = asyncio.Condition()
        self._marks: dict[str, int] = {}
        self._seen: int | None = None
        """The number of the last delivery at the last look; None before the first."""

    @property
    def is_open(self) -> bool:
        """Whether there is room for what arrives."""
        return self._accepts()

    async def run(self) -> None:
        """Wake who waits for what has come, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.look()

    async def look(self) -> None:
        """See for whom there is more than at the last look, and wake them alone: many wait, all day long."""
        found, self._seen = self._store.read(partial(_newly_queued, seen=self._seen))
        if found:
            for client in found:
                self._marks[client] = self.mark(client) + 1
            async with self._more:
                self._more.notify_all()

    def mark(self, client: str) -> int:
        """Another one whenever there may be more for a client."""
        return self._marks.get(client, 0)

    async def news(self, client: str, mark: int) -> None:
        """Return once the mark of a client is another one."""
        async with self._more:
            await self._more.wait_for(lambda: self.mark(client) != mark)

    async def digest_of(self, client: str, origin: str) -> str | None:
        """The digest of what a client has sent under an origin; None where nothing was."""
        return await self._questions.ask(partial(_digest_of, client=client, origin=origin))

    async def problems(self, client: str, raw: bytes) -> tuple[Problem, ...]:
        """All that is wrong with what a client has sent: what the inbound direction finds as well."""
        return await self._questions.ask(lambda _: self._problems(self._clients[client], raw))

    def _problems(self, client: Client, raw: bytes) -> tuple[Problem, ...]:
        items = self._reader().items(client, hashlib.sha256(raw).hexdigest(), raw)
        return tuple(p for item in items if isinstance(item, Refused) for p in item.answer.problems)

    async def answers(self, client: str, after: str, limit: int) -> list[Delivery] | None:
        """What is queued behind a delivery, in order, all up to that one acknowledged; None for no such."""
        found = await self._questions.ask(partial(_queued, client=client, after=after, limit=limit))
        if found is None:
            return None
        rows, number, is_news = found
        if is_news:
            await self._store.write(partial(_acknowledge, client=client, number=number))
        return rows


def _digest_of(view: View, client: str, origin: str) -> str | None:
    query = "SELECT digest FROM raw WHERE client = ? AND origin = ?"
    row = view.connection.execute(query, (client, origin)).fetchone()
    return str(row[0]) if row is not None else None


def _newly_queued(connection: sqlite3.Connection, seen: int | None) -> tuple[list[str], int]:
    """The clients that have deliveries behind a number, none for None, and the last number of all."""
    if seen is None:
        return [], connection.execute("SELECT COALESCE(MAX(number), 0) FROM delivery").fetchone()[0]
    rows = each(connection, "SELECT client, MAX(number) FROM delivery WHERE number > ? GROUP BY client", seen)
    return [row[0] for row in rows], max((row[1] for row in rows), default=seen)


def _queued(view: View, client: str, after: str, limit: int) -> tuple[list[Delivery], int, bool] | None:
    """The next deliveries, the number of the one before them, and whether that acknowledges anything.

    Where another node has signed another ledger than this one's, results wait, and all behind them: what is
    acknowledged has been told.
    """
    connection = view.connection
    row = connection.execute(
        "SELECT number FROM delivery WHERE id = ? AND client = ?", (after, client)
    ).fetchone()
    if after and row is None:
        return None
    number = int(row[0]) if row is not None else 0
    waiting = each(
        connection,
        "SELECT id, client, kind, bytes FROM delivery WHERE client = ? AND delivered IS NULL AND number > ?"
        " ORDER BY number LIMIT ?",
        client,
        number,
        limit,
    )
    diverged = "SELECT 1 FROM alarm WHERE key GLOB 'diverged/*' AND cleared IS NULL"
    found = [Delivery(*one) for one in waiting]
    if connection.execute(diverged).fetchone() is not None:
        found = list(takewhile(lambda delivery: delivery.kind != ANSWER, found))
    query = "SELECT 1 FROM delivery WHERE client = ? AND delivered IS NULL AND number <= ?"
    return found, number, connection.execute(query, (client, number)).fetchone() is not None


def _acknowledge(connection: sqlite3.Connection, client: str, number: int) -> None:
    connection.execute(
        "UPDATE delivery SET delivered = ? WHERE client = ? AND delivered IS NULL AND number <= ?",
        (time.time_ns() // 1000, client, number),
    )
