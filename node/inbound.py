"""From a client's bytes to sealed entries in the outbox, or to a refusal in the client's own format.

    stored -> ordered    in the outbox; the ledger orders it
           -> held       a part of a message whose other parts are still missing
           -> answered   refused, or it says nothing for the ledger

What is read is worked out beside the writer's thread, then stored in one transaction with its state: a crash
leaves the raw message as it was, and it is read again.
"""

import asyncio
import hashlib
import json
import sqlite3
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from adapters.folder_link import Oversized
from adapters.link import Arrival
from adapters.mapping import Read
from canonical.problems import Problem, Rule, shortened
from node.clients import Client
from node.deliveries import Deliveries
from node.lookup import other_side, unknown_reference
from node.outbox import queue_submission
from node.parts import ANSWERED, HELD, hold, is_held, place_of, release, source_of
from node.reading import Item, Reader, Ready, Refused, Waiting, put_off, refusal
from node.store import Store, each

BATCH_MAX = 64

_NODE_FAULT = Problem(
    field="message",
    rule=Rule.UNSUPPORTED,
    text="a fault of the service provider: the message is kept, ask the service provider to read it again",
)

_NO_ROOM = Problem(
    field="message",
    rule=Rule.UNAVAILABLE,
    text="the service provider has no room now: send it again later, or through another service provider",
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Raw:
    """A stored arrival."""

    id: int
    client: str
    digest: str
    raw: bytes


class Inbound:
    """Takes arrivals and works them off in order. Sets `changed` when outbox or deliveries have grown.

    reader: gives one by the master data as it is now. accepts: whether there is room for what arrives; where
    not, it is refused, so that its sender can turn to another SP.
    """

    def __init__(
        self,
        reader: Callable[[], Reader],
        clients: Mapping[str, Client],
        store: Store,
        deliveries: Deliveries,
        *,
        changed: asyncio.Event,
        accepts: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clients = clients
        self._store = store
        self._deliveries = deliveries
        self._reader = reader
        self._arrived = asyncio.Event()
        self._changed = changed
        self._accepts = accepts

    async def receive(self, arrival: Arrival) -> None:
        """Store an arrival; on disk when this returns. The same origin again is not stored twice."""
        digest = hashlib.sha256(arrival.raw).hexdigest()
        now = time.time_ns() // 1000
        values = (arrival.client, arrival.origin or f"{now}:{digest}", now, digest, arrival.raw)

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO raw (client, origin, received, digest, bytes, state)"
                " VALUES (?, ?, ?, ?, ?, 'stored') ON CONFLICT (client, origin) DO NOTHING",
                values,
            )

        await self._store.write(job)
        self._arrived.set()

    async def refused_by_engine(self, client: str, raw: bytes, reject: bytes) -> None:
        """Keep a message that the FIX engine itself refused, with its answer (35=3 or j), for the record."""
        digest, now = hashlib.sha256(raw).hexdigest(), time.time_ns() // 1000

        def job(connection: sqlite3.Connection) -> None:
            cursor = connection.execute(
                "INSERT INTO raw (client, origin, received, digest, bytes, state)"
                " VALUES (?, ?, ?, ?, ?, 'answered')",
                (client, f"engine:{now}:{digest}", now, digest, raw),
            )
            connection.execute(
                "INSERT INTO delivery (id, client, kind, outcome, status, source, bytes, queued, delivered)"
                " VALUES (?, ?, 'refusal', '', 'refused', ?, ?, ?, ?)",
                (f"engine-{cursor.lastrowid}", client, digest, reject, now, now),
            )

        await self._store.write(job)

    async def refused_unread(self, oversized: Oversized) -> None:
        """Answer a file that is too large to be read; it lies in the client's error folder."""
        text = (
            f"{oversized.name} has {oversized.size} bytes, at most {oversized.size_max} are read: "
            f"split it; it is kept as {oversized.kept_as}"
        )
        problem = Problem(field="file", value=shortened(oversized.name), rule=Rule.TOO_LARGE, text=text[:512])
        raw = f"{oversized.origin}\n".encode()
        await self._answer_unread(oversized.client, oversized.origin, raw, problem)

    async def _answer_unread(self, client: str, origin: str, raw: bytes, problem: Problem) -> None:
        digest, now = hashlib.sha256(raw).hexdigest(), time.time_ns() // 1000
        item = self._reader().unread(self._clients[client], digest, problem)

        def job(connection: sqlite3.Connection) -> None:
            cursor = connection.execute(
                "INSERT INTO raw (client, origin, received, digest, bytes, state)"
                " VALUES (?, ?, ?, ?, ?, 'answered') ON CONFLICT (client, origin) DO NOTHING",
                (client, f"unread:{origin}", now, digest, raw),
            )
            if cursor.rowcount:
                assert cursor.lastrowid is not None
                self._keep_item(connection, Raw(cursor.lastrowid, client, digest, raw), 0, item)

        await self._store.write(job)
        self._changed.set()

    async def run(self) -> None:
        """Work off what is stored until cancelled."""
        for client, count in await self._store.write(partial(_unserved, clients=list(self._clients))):
            log.warning(
                "stored messages wait for a client that is not served now", client=client, count=count
            )
        while True:
            self._arrived.clear()
            batch = await self._store.write(partial(_waiting, clients=list(self._clients)))
            if not batch:
                await self._arrived.wait()
                continue
            read = await asyncio.to_thread(self._read, batch)
            await self._store.write(partial(self._keep, read=read))
            self._changed.set()

    def _read(self, batch: list[Raw]) -> list[tuple[Raw, list[Item]]]:
        return [(raw, self._items(raw)) for raw in batch]

    def _items(self, raw: Raw) -> list[Item]:
        """What a message says. A fault of this node in reading it does not hold up the others."""
        client = self._clients[raw.client]
        try:
            return self._reader().items(client, raw.digest, raw.raw)
        except Exception as error:  # noqa: BLE001 whatever it is, one client's bytes must not stop all clients
            # Its text is left out: it may quote the message.
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            log.error("a message could not be read", raw=raw.id, error=type(error).__name__, where=where)  # noqa: TRY400 the same reason
            return [self._reader().unread(client, raw.digest, _NODE_FAULT)]

    def _keep(self, connection: sqlite3.Connection, read: list[tuple[Raw, list[Item]]]) -> None:
        for raw, items in read:
            states = {self._keep_item(connection, raw, number, item) for number, item in enumerate(items)}
            held = HELD if is_held(connection, raw.id) else ANSWERED
            state = "ordered" if "ordered" in states else held
            connection.execute("UPDATE raw SET state = ? WHERE id = ?", (state, raw.id))

    def _keep_item(self, connection: sqlite3.Connection, raw: Raw, number: int, item: Item) -> str:
        """Store one item; the state it gives its raw message."""
        client = self._clients[raw.client]
        match item:
            case Ready() if not self._accepts():
                return self._keep_item(connection, raw, number, put_off(client, item, _NO_ROOM))
            case Ready():
                self._submit(connection, raw, item)
                return "ordered"
            case Refused():
                self._note(connection, raw, item.name, item.answer.to[0].raw, item.echo)
                # The same bytes sent again are another arrival, and are answered again.
                answer = item.answer.model_copy(update={"id": f"{item.answer.id}-{raw.id}-{number}"})
                self._deliveries.queue_written(connection, client, item.name, answer, item.echo)
                return "answered"
            case Waiting():
                return self._resolve(connection, client, raw, number, item)

    def _submit(self, connection: sqlite3.Connection, raw: Raw, ready: Ready) -> None:
        queue_submission(connection, ready.plaintext, ready.submission.sender, *ready.parties)
        self._note(connection, raw, ready.name, ready.source, ready.echo)

    def _note(
        self, connection: sqlite3.Connection, raw: Raw, name: str, source: str, echo: dict[str, str]
    ) -> None:
        """Remember where a source came from, for its answers."""
        connection.execute(
            "INSERT INTO submission VALUES (?, ?, ?, ?, ?) ON CONFLICT (source, client) DO NOTHING",
            (source, raw.client, name, json.dumps(echo), raw.id),
        )

    def _resolve(
        self, connection: sqlite3.Connection, client: Client, raw: Raw, number: int, item: Waiting
    ) -> str:
        """Read what had to wait for the store, now or when its last part has come."""
        mapping = client.mapping(item.name)
        if mapping.looks_up or mapping.looks_up_own:
            found = other_side(connection, client.institution, mapping, item.decoded)
            if found is None:
                return self._keep_item(connection, raw, number, _unknown(client, item))
            read = self._reader().read(client, item.name, (found.decoded,), item.source, found.lei)
            return self._keep_all(connection, raw, list(read))
        return self._collect(connection, client, raw, number, item)

    def _keep_all(self, connection: sqlite3.Connection, raw: Raw, items: list[Item]) -> str:
        states = [self._keep_item(connection, raw, number, item) for number, item in enumerate(items)]
        return states[0] if states else "answered"

    def _collect(
        self, connection: sqlite3.Connection, client: Client, raw: Raw, number: int, item: Waiting
    ) -> str:
        """Hold a part; read the whole when it was the last one missing."""
        rule = client.mapping(item.name).parts
        assert rule is not None
        place = place_of(client.name, item.name, rule, item.decoded)
        if place is None:
            alone = self._reader().read(client, item.name, (item.decoded,), item.source, None)
            return self._keep_all(connection, raw, list(alone))
        held = hold(connection, place, raw.id, number)
        if held is None:
            release(connection, ANSWERED)
            return HELD
        decoded = [client.decode(part.bytes)[part.item] for part in held]
        whole = self._reader().read(client, item.name, decoded, source_of(held), None)
        state = self._keep_all(connection, raw, list(whole))
        release(connection, state)
        return state


def _unknown(client: Client, item: Waiting) -> Refused:
    problem = unknown_reference(client.mapping(item.name), item.decoded)
    said = Read((), (problem,), problem.value, None, ())
    return refusal(client, item.name, said, item.source, client.echo(item.name, item.decoded), (problem,))


def _waiting(connection: sqlite3.Connection, clients: list[str]) -> list[Raw]:
    rows = each(
        connection,
        "SELECT id, client, digest, bytes FROM raw WHERE state = 'stored'"
        " AND client IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        json.dumps(clients),
        BATCH_MAX,
    )
    return [Raw(*row) for row in rows]


def _unserved(connection: sqlite3.Connection, clients: list[str]) -> list[tuple[str, int]]:
    return each(
        connection,
        "SELECT client, COUNT(*) FROM raw WHERE state = 'stored'"
        " AND client NOT IN (SELECT value FROM json_each(?)) GROUP BY client",
        json.dumps(clients),
    )
