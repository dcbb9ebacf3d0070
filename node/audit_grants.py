"""What was granted to a later reader, found before the archive is applied.

Grants stand long after what they open. With the secrets in place from the first entry on, each entry is
opened where it stands, as it was at the nodes. Secrets without a gap, from the first of a relationship on,
let the contract be replayed; what a secret beyond a gap opens can be compared with what the store says was
said, and no more.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from node.audit_report import AuditNotes
from node.audit_source import Source
from node.day_secret import FIRST, DaySecret
from node.document import open_document
from node.entry import (
    DocumentEntry,
    EntryInvalidError,
    EntryKind,
    GrantEntry,
    SealedEntry,
    decode_entry,
    encode_entry,
)
from node.envelope import SealingError
from node.keys import NodeKeys
from node.register import Register
from node.sealing import open_grant, open_sealed
from node.secrets import Relationship
from node.store import each

_GRANTING = (bytes([EntryKind.GRANT]), bytes([EntryKind.DOCUMENT]))


class Granted(NamedTuple):
    """What was granted of a relationship. chain: from its first secret on, without a gap. beyond: others."""

    chain: tuple[DaySecret, ...]
    beyond: tuple[DaySecret, ...]


class Grants:
    """All that the archive grants to the holder of some keys."""

    def __init__(self, source: Source, register: Register, keys: NodeKeys) -> None:
        self._network = register.id
        self._register = register
        self._keys = keys
        self._found: dict[bytes, tuple[DaySecret, GrantEntry, int]] = {}
        self._documents: dict[bytes, tuple[bytes, int]] = {}
        for row in source.all_blocks():
            for number, raw in enumerate(row.raw_entries()):
                with suppress(EntryInvalidError, SealingError):  # nodes pass over it, too
                    entry = decode_entry(raw) if raw[1:2] in _GRANTING else None
                    if isinstance(entry, GrantEntry):
                        self._take(entry, row.sp or "", row.first + number)
                    elif isinstance(entry, DocumentEntry):
                        self._take_document(entry, raw, row.first + number)
        self.by_relationship = _chained(secret for secret, *_ in self._found.values())

    def put_into(self, connection: sqlite3.Connection) -> None:
        """Let a store that is still empty know the secrets and documents that the contract is replayed by."""
        for name, (raw, position) in self._documents.items():
            connection.execute("INSERT INTO document VALUES (?, ?, ?)", (name, raw, position))
        for (broker, investor), granted in self.by_relationship.items():
            for secret in granted.chain:
                _, entry, position = self._found[secret.key_id]
                row = (secret.key_id, encode_entry(entry), position)
                connection.execute("INSERT INTO day_key VALUES (?, ?, ?)", row)
            if granted.chain:
                last = granted.chain[-1]
                chain = (broker, investor, last.key_id, last.day.isoformat(), True, True, True)
                connection.execute("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)", chain)

    def compare_beyond(self, source: Source, notes: AuditNotes) -> None:
        """Compare what the secrets beyond gaps open with what the store says was said there."""
        for granted in self.by_relationship.values():
            for secret in granted.beyond:
                query = "SELECT position, sp, submission FROM said WHERE key_id = ? ORDER BY position"
                for position, sp, submission in each(source.connection, query, secret.key_id):
                    if _opened(source.entry_at(position), secret, sp) == submission:
                        notes.checked["submissions opened, without replay"] += 1
                    else:
                        text = "the submission there is not the one that the store has"
                        notes.find("said", text, position=position)

    def _take_document(self, entry: DocumentEntry, raw: bytes, position: int) -> None:
        keys = {name: [own.encryption.private] for name, own in self._keys.institutions.items()}
        if open_document(entry, self._network, keys) is not None:
            self._documents.setdefault(entry.document_id, (raw, position))

    def _take(self, entry: GrantEntry, sp: str, position: int) -> None:
        opened = open_grant(entry, self._network, self._keys.opening_keys(entry.day))
        if opened is None:
            return
        relationship = (opened.secret.broker, opened.secret.investor)
        served = self._register.at(position).served_by(sp)
        if self._register.is_relationship(*relationship) and served & set(relationship):
            self._found.setdefault(entry.key_id, (opened.secret, entry, position))


def _chained(secrets: Iterable[DaySecret]) -> dict[Relationship, Granted]:
    by_relationship: dict[Relationship, dict[bytes, DaySecret]] = defaultdict(dict)
    for secret in secrets:
        by_relationship[secret.broker, secret.investor][secret.previous] = secret
    return {relationship: _granted(after) for relationship, after in by_relationship.items()}


def _granted(after: dict[bytes, DaySecret]) -> Granted:
    """after: secrets by the one that each follows."""
    chain: list[DaySecret] = []
    last = FIRST
    while last in after:
        chain.append(after.pop(last))
        last = chain[-1].key_id
    return Granted(tuple(chain), tuple(sorted(after.values(), key=lambda secret: secret.day)))


def _opened(raw: bytes | None, secret: DaySecret, sp: str) -> str | None:
    """What is sealed in an entry, as a store keeps it; None where this secret does not open it."""
    with suppress(EntryInvalidError, SealingError):
        entry = decode_entry(raw) if raw is not None else None
        if isinstance(entry, SealedEntry):
            return open_sealed(entry, secret, sp).decode("utf-8", "backslashreplace")
    return None
