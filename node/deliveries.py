"""What a client hears: answers and copies, written in its format and queued."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from canonical.answer import Answer, AnswerStatus
from canonical.encoding import digest
from canonical.message import Message
from node.clients import Client

log = structlog.get_logger(__name__)

ANSWER, REFUSAL, COPY = "result", "refusal", "copy"


class Deliveries:
    """Queues deliveries, each once: an id that is queued already is left as it is."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients
        self._by_institution: dict[str, list[Client]] = {}
        for client in clients.values():
            self._by_institution.setdefault(client.institution.lei, []).append(client)

    def serves(self, lei: str) -> bool:
        """Whether a client here speaks for this institution."""
        return lei in self._by_institution

    def queue_answer(self, connection: sqlite3.Connection, lei: str, answer: Answer) -> None:
        """Queue `answer` for the clients of an institution that sent here what it answers.

        Another institution may have sent the same bytes: the answer is none of its business.
        """
        source = answer.to[0].raw
        for client in self._by_institution.get(lei, ()):
            row = connection.execute(
                "SELECT mapping, echo FROM submission WHERE source = ? AND client = ?", (source, client.name)
            ).fetchone()
            if row is not None:
                self.queue_written(connection, client, row[0], answer, json.loads(row[1]))

    def queue_written(
        self,
        connection: sqlite3.Connection,
        client: Client,
        mapping: str,
        answer: Answer,
        echo: Mapping[str, str],
    ) -> None:
        """Queue `answer` in the words that the mapping gives for it."""
        kind = REFUSAL if answer.status is AnswerStatus.REFUSED else ANSWER
        about = (kind, answer.outcome, answer.status.value, answer.to[0].raw)
        self._queue(connection, client, answer.id, about, lambda: client.answer(mapping, answer, echo))

    def queue_copies(self, connection: sqlite3.Connection, lei: str, message: Message, source: str) -> None:
        """Queue a copy of the other side's message for every client of the institution that wants one."""
        for client in self._by_institution.get(lei, ()):
            name = f"{digest(message)[:32]}-copy"
            about = (COPY, "", message.kind.value, source)
            self._queue(connection, client, name, about, partial(client.copy, message))

    def _queue(
        self,
        connection: sqlite3.Connection,
        client: Client,
        name: str,
        about: tuple[str, str, str, str],
        write: Callable[[], list[bytes]],
    ) -> None:
        """Queue what `write` gives.

        What the client's format cannot say must neither stop the node, which would meet it again at each
        start, nor be forgotten: it is kept for a person, and `status` tells of it.
        """
        now = time.time_ns() // 1000
        try:
            written = write()
        except ValueError as error:
            # The reason may quote the message, so it stays in the store.
            log.error("an answer cannot be written", client=client.name, id=name, kind=about[0])  # noqa: TRY400 - as said
            connection.execute(
                "INSERT INTO unwritten VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (f"{name}-{client.name}", client.name, about[0], about[3], str(error)[:500], now),
            )
            return
        for number, raw in enumerate(written):
            connection.execute(
                "INSERT INTO delivery (id, client, kind, outcome, status, source, bytes, queued)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (f"{name}-{number}-{client.name}", client.name, *about, raw, now),
            )
