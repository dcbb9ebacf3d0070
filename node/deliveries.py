"""What a client hears: answers and copies, written in its format and queued."""

import datetime
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from canonical.answer import Answer, AnswerStatus, Finality
from canonical.encoding import digest
from canonical.message import Cancellation, Message
from canonical.submission import SUBMISSION, Submission
from node.clients import Client
from node.store import each

log = structlog.get_logger(__name__)

ANSWER, REFUSAL, COPY = "result", "refusal", "copy"


class Deliveries:
    """Queues deliveries, each once: an id that is queued already is left as it is."""

    def __init__(self, sp: str, clients: Mapping[str, Client]) -> None:
        self._sp = sp
        self._clients = clients
        self._lost_since: datetime.date | None = None
        self._by_institution: dict[str, list[Client]] = {}
        for client in clients.values():
            self._by_institution.setdefault(client.institution.lei, []).append(client)

    def serves(self, lei: str) -> bool:
        """Whether a client here speaks for this institution."""
        return lei in self._by_institution

    def expect_losses(self, today: datetime.date) -> None:
        """After a restoration: where this business day's messages came from may be lost; answer them anyhow.

        A client may hear twice what it has heard before, with the same ids.
        """
        self._lost_since = today

    def spoke(self, connection: sqlite3.Connection, lei: str, sp: str, position: int) -> bool:
        """Note through which SP an institution has just spoken; whether this one is its backup."""
        row = connection.execute("SELECT sp FROM spoke WHERE institution = ?", (lei,)).fetchone()
        if row is not None and row[0] == sp:
            return False
        connection.execute("INSERT OR REPLACE INTO spoke VALUES (?, ?, ?)", (lei, sp, position))
        is_backup = any(client.settings.backup for client in self._by_institution.get(lei, ()))
        return row is not None and sp == self._sp and is_backup

    def queue_answer(
        self, connection: sqlite3.Connection, lei: str, answer: Answer, day: datetime.date
    ) -> None:
        """Queue `answer` for the clients of an institution that sent here what it answers.

        day: the business day of what it answers. Another institution may have sent the same bytes: the
        answer is none of its business.
        """
        if answer.status is AnswerStatus.ALLEGED:
            self._queue_alleged(connection, lei, answer)
            return
        source = answer.to[0].raw
        for client in self._by_institution.get(lei, ()):
            row = connection.execute(
                "SELECT mapping, echo FROM submission WHERE source = ? AND client = ?", (source, client.name)
            ).fetchone()
            if row is not None:
                self.queue_written(connection, client, row[0], answer, json.loads(row[1]))
            elif client.settings.backup and self._speaks_here(connection, lei):
                self._queue_without_origin(connection, client, answer, own=False)
            elif self._lost_since is not None and day >= self._lost_since:
                self._queue_without_origin(connection, client, answer, own=True)

    def _queue_alleged(self, connection: sqlite3.Connection, lei: str, answer: Answer) -> None:
        """Queue what answers no message of the institution's, for all clients that get answers."""
        for client in self._by_institution.get(lei, ()):
            is_away = client.settings.backup and not self._speaks_here(connection, lei)
            if client.alleged_with is not None and not is_away:
                self.queue_written(connection, client, client.alleged_with, answer, {})

    def _speaks_here(self, connection: sqlite3.Connection, lei: str) -> bool:
        row = connection.execute("SELECT sp FROM spoke WHERE institution = ?", (lei,)).fetchone()
        return row is not None and row[0] == self._sp

    def _queue_without_origin(
        self, connection: sqlite3.Connection, client: Client, answer: Answer, *, own: bool
    ) -> None:
        """Queue an answer to what this store has no raw message of, in this client's format.

        own: to what this SP has carried, else to what another has.
        """
        row = connection.execute(
            "SELECT submission FROM said WHERE source = ? AND (sp = ?) = ? AND fault IS NULL LIMIT 1",
            (answer.to[0].raw, self._sp, own),
        ).fetchone()
        if row is None:
            return
        submission = SUBMISSION.validate_json(row[0])
        told = client.foreign_echo(submission, _cancelled(connection, submission))
        if told is not None:
            self.queue_written(connection, client, told[0], answer, told[1])

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
        about = (kind, answer.outcome, _told(answer), answer.to[0].raw)
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


def _cancelled(connection: sqlite3.Connection, submission: Submission) -> Submission | None:
    """What a submission takes back, where it is a cancellation and that is known here."""
    first = submission.messages[0]
    if not isinstance(first, Cancellation):
        return None
    rows = each(
        connection,
        "SELECT submission FROM said JOIN reference USING (position)"
        " WHERE reference.reference = ? AND reference.sender = ? AND fault IS NULL ORDER BY position DESC",
        first.cancels,
        submission.sender,
    )
    found = (SUBMISSION.validate_json(row[0]) for row in rows)
    return next((one for one in found if any(m.reference == first.cancels for m in one.messages)), None)


def _told(answer: Answer) -> str:
    """The status of an answer as operators see it."""
    is_final = answer.finality is Finality.FINAL
    return answer.status.value if is_final else f"{answer.finality.value} {answer.status.value}"
