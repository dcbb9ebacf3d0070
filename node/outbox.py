"""What waits for its place in the ledger. It is sealed when its block is made, with the secret then in force.

    queue_public, queue_submission, queue_attestation       Outbox.next_entries

The first message of a relationship's day waits until the secret for it is ordered: whichever of two is first
in order is used by both sides. Meanwhile what others say goes on.
"""

import datetime
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from node.block import leading_that_fit
from node.entry import ActEntry, Entry, EntryKind, encode_entry
from node.sealing import seal
from node.secrets import DaySecrets, Relationship
from node.store import each

ENTRIES_PER_BLOCK_MAX = 200


@dataclass(frozen=True, slots=True)
class Selected:
    """The entries of the next block. ids: of the outbox's rows among them."""

    entries: tuple[bytes, ...]
    ids: tuple[int, ...]


class _Row(NamedTuple):
    id: int
    kind: str
    body: bytes
    sender: str
    broker: str
    investor: str
    key_id: bytes


class Outbox:
    """Makes entries of what waits. today: the business day, now. Used by the writer's thread alone."""

    def __init__(self, sp: str, secrets: DaySecrets, today: Callable[[], datetime.date]) -> None:
        self.sp = sp
        self._secrets = secrets
        self._today = today

    def next_entries(self, connection: sqlite3.Connection) -> Selected | None:
        """What the next block holds; None where nothing waits that can go."""
        day, sealed = self._today(), list[tuple[int, bytes]]()
        missing, held = dict[Relationship, None](), set[str]()
        for row in _waiting(connection):
            if row.sender in held:
                continue
            if row.sender and not self._secrets.speaks_for(row.sender):
                continue  # the delegation has ended, or is still to come: it waits, and holds up nobody
            if row.kind == "act":  # alone in its block: proofs of who is a member carry whole blocks
                if sealed:
                    break
                return Selected((row.body,), (row.id,))
            entry = self._sealed(row, day)
            if entry is None:
                missing[row.broker, row.investor] = None
                held.add(row.sender)  # an institution's messages do not overtake one another
            else:
                sealed.append((row.id, entry))
            if len(sealed) == ENTRIES_PER_BLOCK_MAX:
                break
        made = [self._secrets.made(*relationship, day) for relationship in missing]
        entries = [*(encode_entry(entry) for entry in made if entry), *(entry for _, entry in sealed)]
        count = leading_that_fit(entries)
        ids = tuple(number for number, _ in sealed[: max(0, count - len(entries) + len(sealed))])
        return Selected(tuple(entries[:count]), ids) if entries else None

    def _sealed(self, row: _Row, day: datetime.date) -> bytes | None:
        """The entry for a row; None where there is no secret for it yet."""
        if row.kind == "public":
            return row.body
        if row.kind == "attestation":
            secret = self._secrets.by_id(row.key_id)
            assert secret is not None, "what is attested was opened with a secret that is still there"
            return encode_entry(seal(secret, self.sp, row.body, EntryKind.ATTESTATION))
        secret = self._secrets.to_seal(row.broker, row.investor, day)
        return encode_entry(seal(secret, self.sp, row.body)) if secret is not None else None


def _waiting(connection: sqlite3.Connection) -> Iterator[_Row]:
    after = 0
    query = (
        "SELECT id, kind, body, sender, broker, investor, key_id FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
    )
    while rows := each(connection, query, after, ENTRIES_PER_BLOCK_MAX):
        yield from (_Row(*row) for row in rows)
        after = rows[-1][0]


def queue_public(connection: sqlite3.Connection, entry: Entry) -> None:
    """Queue what everybody may read, or what is sealed already."""
    kind = "act" if isinstance(entry, ActEntry) else "public"
    connection.execute(
        "INSERT INTO outbox (kind, body, sender) VALUES (?, ?, '')", (kind, encode_entry(entry))
    )


def is_queued(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether a public entry waits already."""
    body = encode_entry(entry)
    return bool(each(connection, "SELECT 1 FROM outbox WHERE sender = '' AND body = ? LIMIT 1", body))


def queue_submission(
    connection: sqlite3.Connection, plaintext: bytes, sender: str, broker: str, investor: str
) -> None:
    """Queue a submission, in canonical bytes, of `sender`, who is one of the two parties."""
    connection.execute(
        "INSERT INTO outbox (kind, body, sender, broker, investor) VALUES ('submission', ?, ?, ?, ?)",
        (plaintext, sender, broker, investor),
    )


def queue_attestation(connection: sqlite3.Connection, plaintext: bytes, key_id: bytes) -> None:
    """Queue an attestation about what was sealed with the secret of `key_id`."""
    connection.execute(
        "INSERT INTO outbox (kind, body, sender, key_id) VALUES ('attestation', ?, '', ?)",
        (plaintext, key_id),
    )
