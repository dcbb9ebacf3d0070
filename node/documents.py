"""The documents of relationships that this node can read, and the rules among them.

Documents lie in the store sealed as they stand on the ledger, so that only a holder of the institutions'
private keys can read a copied disk. Used by the writer's thread alone, but for what is marked otherwise.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

import structlog
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from pydantic import TypeAdapter, ValidationError

from canonical.encoding import from_canonical_bytes
from node.document import About, Document, open_document
from node.entry import DocumentEntry, decode_entry, encode_entry
from node.envelope import Readers, SealBrokenError
from node.keyring import KeyRing
from node.keys import encryption_public_key
from node.register import Register
from node.rules_document import RulesDocument
from node.secrets import Relationship, SecretsUnreadableError
from node.store import each

RULES_DOCUMENT = TypeAdapter(RulesDocument)

log = structlog.get_logger(__name__)


class Documents:
    """Opens documents, and lets the register know the rules in them."""

    def __init__(self, register: Register, ring: KeyRing) -> None:
        self._register = register
        self._ring = ring

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Open what the store holds sealed. Raises SecretsUnreadableError."""
        for document in stored_documents(connection, self._register.id, self._ring):
            self._learn(document)

    def take(
        self, connection: sqlite3.Connection, position: int, sp: str, entry: DocumentEntry
    ) -> Relationship | None:
        """Take a document from a block of `sp`; whose it is, if this node can read it and did not before.

        Raises SealingError for what no honest author writes.
        """
        if connection.execute("SELECT 1 FROM document WHERE id = ?", (entry.document_id,)).fetchone():
            return None
        document = open_document(entry, self._register.id, lasting_keys(self._ring))
        if document is None:
            return None
        sides = (document.broker, document.investor)
        if not self._register.is_relationship(*sides) or not self._register.served_by(sp) & set(sides):
            raise SealBrokenError(f"{sp} put a document of two institutions that it acts for neither of")
        row = (entry.document_id, encode_entry(entry), position)
        connection.execute("INSERT INTO document VALUES (?, ?, ?)", row)
        self._learn(document)
        return sides

    def _learn(self, document: Document) -> None:
        rules = rules_in(document)
        if rules is not None:
            self._register.agreed.learn(document.id.hex(), rules)
        elif document.about is About.RULES:
            log.warning("rules that this release cannot read", document=document.id.hex())


def rules_in(document: Document) -> RulesDocument | None:
    """The rules that a document holds; None where it holds none that this release knows."""
    if document.about is not About.RULES:
        return None
    with suppress(ValidationError, ValueError):
        return from_canonical_bytes(RULES_DOCUMENT, document.text)
    return None


def stored_documents(connection: sqlite3.Connection, network: bytes, ring: KeyRing) -> Iterator[Document]:
    """All documents that a store holds, by any thread. Raises SecretsUnreadableError."""
    for (name,) in each(connection, "SELECT id FROM document ORDER BY position"):
        document = stored_document(connection, network, ring, name)
        assert document is not None, "it is there"
        yield document


def stored_document(
    connection: sqlite3.Connection, network: bytes, ring: KeyRing, name: bytes
) -> Document | None:
    """A document by its id, by any thread; None where the store has none. Raises SecretsUnreadableError."""
    row = connection.execute("SELECT entry FROM document WHERE id = ?", (name,)).fetchone()
    if row is None:
        return None
    entry = decode_entry(row[0])
    assert isinstance(entry, DocumentEntry), "the store keeps nothing else there"
    document = open_document(entry, network, lasting_keys(ring))
    if document is None:
        raise SecretsUnreadableError(
            "a document that this node could open before cannot be opened now: a private key is missing from"
            " its keys folder; restore it"
        )
    return document


def lasting_keys(ring: KeyRing) -> Readers:
    """The keys that documents are sealed to: those of the delegations, which no day ends."""
    return {lei: [own.encryption.private] for lei, own in ring.keys.institutions.items()}


def lasting_readers(register: Register, broker: str, investor: str) -> list[MLKEM768X25519PublicKey]:
    """The keys that a document of two institutions is sealed to: of each delegation that holds now."""
    delegations = (one for lei in (broker, investor) for one in register.now.by_lei[lei].delegations)
    return [encryption_public_key(one.encryption_key) for one in delegations]
