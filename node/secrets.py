"""The day secrets that this node can open: which to seal with, which to open with.

The secrets of a relationship form a chain: each names the one before it. Of two that name the same one, as
when both sides make a secret at the same moment, the first in the ledger's order counts, and nothing is ever
sealed with the other, nor with one whose maker did not know of an act before it: others may read since then.
So all nodes agree on what counts without asking one another, and a node that came later knows whether it has
all of them: only then can it come to the results that the others come to.

Secrets live in memory; on disk they stay sealed in their entries, so that only a holder of the institutions'
private keys can read a copied disk. Used by the writer's thread alone.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from node.day_secret import FIRST, DaySecret, new_secret
from node.entry import GrantEntry, KeyEntry, SealedEntry, decode_entry, encode_entry
from node.envelope import Readers, SealBrokenError
from node.keyring import KeyRing
from node.register import Register
from node.sealing import OpenedSecret, open_grant, open_secret, seal_secret
from node.store import each

Relationship: TypeAlias = tuple[str, str]
"""The LEIs of broker and investor."""


class SecretsUnreadableError(Exception):
    """A key entry that should be readable is not; the message says why."""


@dataclass(slots=True)
class Chain:
    """The secrets of one relationship.

    last: the key id of the one in force, of business day `day`. retired: nothing is sealed with it any more.
    complete: this node has been given every one of them from the first on. granted: known from grants alone,
    which do not say where the chain ends; that the next secret says.
    """

    last: bytes
    day: date
    retired: bool = False
    complete: bool = False
    granted: bool = False


class DaySecrets:
    """Opens and makes day secrets."""

    def __init__(self, sp: str, register: Register, ring: KeyRing) -> None:
        self._sp = sp
        self._register = register
        self._ring = ring
        self._by_id: dict[bytes, DaySecret] = {}
        self._chains: dict[Relationship, Chain] = {}
        self._destroyed: set[bytes] = set()

    def learn(
        self, connection: sqlite3.Connection, entry: KeyEntry, position: int, sp: str
    ) -> DaySecret | None:
        """Take a key entry of a block of `sp`; its secret if it is for this node and counts.

        Raises SealBrokenError for what no honest author writes.
        """
        connection.execute("INSERT OR IGNORE INTO known_key VALUES (?)", (entry.key_id,))
        opened = self._opened(entry, self._ring.keys.opening_keys(entry.day))
        if opened is None:
            self._note_destroyed(connection, entry, position)
            return None
        secret = opened.secret
        self._check_author(secret, sp)
        if not self._follows(secret):
            return None
        before = self._chains.get(_relationship(secret))
        self._by_id[secret.key_id] = secret
        _keep(connection, entry, position)
        chain = Chain(secret.key_id, secret.day)
        chain.complete = (before is not None and before.complete) or self._reaches_back(secret)
        self._keep_chain(connection, _relationship(secret), chain)
        return secret

    def learn_grant(
        self, connection: sqlite3.Connection, entry: GrantEntry, position: int, sp: str
    ) -> DaySecret | None:
        """Take a grant from a block of `sp`; its secret if it is for this node and new to it."""
        if entry.key_id in self._by_id:
            return None
        opened = self._opened(entry, self._ring.keys.opening_keys(entry.day))
        if opened is None:
            return None
        self._check_author(opened.secret, sp)
        known = connection.execute("SELECT 1 FROM known_key WHERE key_id = ?", (entry.key_id,)).fetchone()
        if known is None:
            raise SealBrokenError(f"{sp} granted a secret that never was one of the ledger's")
        self._by_id[entry.key_id] = opened.secret
        _keep(connection, entry, position)
        self._complete(connection, _relationship(opened.secret))
        return opened.secret

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Open what the store holds sealed. Raises SecretsUnreadableError."""
        for (raw,) in each(connection, "SELECT entry FROM day_key ORDER BY position"):
            entry = decode_entry(raw)
            assert isinstance(entry, KeyEntry | GrantEntry), "the store keeps nothing else there"
            opened = self._opened(entry, self._ring.keys.opening_keys(entry.day))
            if opened is None:
                raise SecretsUnreadableError(
                    "a day secret that this node could open before cannot be opened now: "
                    "a private key is missing from its keys folder; restore it"
                )
            self._by_id[entry.key_id] = opened.secret
        for broker, investor, last, day, *marks in each(connection, "SELECT * FROM chain"):
            self._chains[broker, investor] = Chain(last, date.fromisoformat(day), *map(bool, marks))
        self._destroyed = {row[0] for row in each(connection, "SELECT key_id FROM destroyed_key")}

    def to_open(self, entry: SealedEntry) -> DaySecret | None:
        """The secret an entry names, if this node has it."""
        return self._by_id.get(entry.key_id)

    def by_id(self, key_id: bytes) -> DaySecret | None:
        """The secret of this key id, if this node has it."""
        return self._by_id.get(key_id)

    def to_seal(self, broker: str, investor: str, day: date) -> DaySecret | None:
        """The secret in force for a business day; None where one must be made and ordered first."""
        chain = self._chains.get((broker, investor))
        # A later day's is as good: clocks differ around midnight, and a chain does not go back.
        usable = chain is not None and not chain.retired and chain.day >= day
        return self._by_id.get(chain.last) if chain is not None and usable else None

    def made(self, broker: str, investor: str, day: date) -> KeyEntry | None:
        """A new secret for the relationship. Nothing is sealed with it before it is ordered and learned.

        None where this node does not know the chain: it was given its delegation later, and waits for a grant
        or for what another node makes.
        """
        chain = self._chains.get((broker, investor))
        if chain is None and not self._was_founded(broker, investor):
            return None
        previous, latest = (chain.last, chain.day) if chain is not None else (FIRST, day)
        named = (self._register.id, broker, investor, max(day, latest), previous)
        secret = new_secret(*named, acts=self._register.acts)
        readers = self._register.readers(broker, investor, secret.day)
        return seal_secret(secret, readers) if readers else None  # all delegations may have run out

    def speaks_for(self, lei: str) -> bool:
        """Whether this node's SP acts for an institution now."""
        return lei in self._register.served_by(self._sp)

    def is_complete(self, broker: str, investor: str) -> bool:
        """Whether this node has been given every secret of the relationship from its first on."""
        chain = self._chains.get((broker, investor))
        return chain is not None and chain.complete

    def complete(self) -> frozenset[Relationship]:
        """The relationships of which this node has been given every secret."""
        return frozenset(relationship for relationship, chain in self._chains.items() if chain.complete)

    def key_ids(self, broker: str, investor: str) -> frozenset[bytes]:
        """The key ids of a relationship that this node has."""
        held = (broker, investor)
        return frozenset(key_id for key_id, one in self._by_id.items() if _relationship(one) == held)

    def of_institution(self, lei: str) -> list[DaySecret]:
        """All secrets of an institution that this node has, by day."""
        found = [one for one in self._by_id.values() if lei in _relationship(one)]
        return sorted(found, key=lambda one: (one.day, one.key_id))

    def retire(self, connection: sqlite3.Connection, key_id: bytes) -> None:
        """Seal nothing more with a secret."""
        for relationship, chain in self._chains.items():
            if chain.last == key_id:
                chain.retired = True
                self._keep_chain(connection, relationship, chain)

    def retire_institution(self, connection: sqlite3.Connection, lei: str) -> None:
        """Seal nothing more with what is in force: who may read has changed."""
        for relationship, chain in self._chains.items():
            if lei in relationship:
                chain.retired = True
                self._keep_chain(connection, relationship, chain)

    def forget(self, connection: sqlite3.Connection, gone: Iterable[DaySecret]) -> None:
        """Drop secrets, in memory and in the store; what they are for stays in the chain."""
        for secret in gone:
            del self._by_id[secret.key_id]
            connection.execute("DELETE FROM day_key WHERE key_id = ?", (secret.key_id,))
            connection.execute("DELETE FROM outbox WHERE key_id = ?", (secret.key_id,))

    def opens_without_day_key(self, connection: sqlite3.Connection, key_id: bytes) -> bool:
        """Whether a long-lived key opens a secret: its day's key was not known when it was sealed."""
        row = connection.execute("SELECT entry FROM day_key WHERE key_id = ?", (key_id,)).fetchone()
        entry = decode_entry(row[0])
        assert isinstance(entry, KeyEntry | GrantEntry), "the store keeps nothing else there"
        keys = {lei: [own.encryption.private] for lei, own in self._ring.keys.institutions.items()}
        return self._opened(entry, keys) is not None

    def _opened(self, entry: KeyEntry | GrantEntry, keys: Readers) -> OpenedSecret | None:
        if isinstance(entry, GrantEntry):
            return open_grant(entry, self._register.id, keys)
        return open_secret(entry, self._register.id, keys)

    def _check_author(self, secret: DaySecret, sp: str) -> None:
        """A member that acts for neither party could otherwise hand them a secret that it knows."""
        relationship = _relationship(secret)
        if not self._register.is_relationship(*relationship):
            raise SealBrokenError("a day secret names a relationship that this network does not have")
        if not self._register.served_by(sp) & set(relationship):
            raise SealBrokenError(f"{sp} made a day secret for two institutions that it acts for neither of")

    def _follows(self, secret: DaySecret) -> bool:
        """Whether a secret is the next in its chain."""
        chain = self._chains.get(_relationship(secret))
        if secret.acts != self._register.acts:  # made before an act that may have changed who reads
            return False
        if any(self._is_shredded(lei, secret.day) for lei in _relationship(secret)):
            return False
        if chain is not None:
            follows = secret.previous == chain.last or secret.previous in self._destroyed
            return follows and secret.day >= chain.day
        is_first = secret.previous == FIRST or secret.previous in self._destroyed
        return is_first or not self._was_founded(secret.broker, secret.investor)

    def _was_founded(self, broker: str, investor: str) -> bool:
        """Whether this node has been able to read all of a relationship since its beginning."""
        return self._register.beginnings.knows_all(self._sp, broker, investor)

    def _note_destroyed(self, connection: sqlite3.Connection, entry: KeyEntry, position: int) -> None:
        """Keep what may be a secret of a day that was destroyed here: the next one of its chain names it."""
        own = self._ring.keys.institutions.items()
        # After the order to destroy a day nobody makes secrets of it: such a one is not to part the sides.
        if any(entry.day not in keys.days and not self._is_shredded(lei, entry.day) for lei, keys in own):
            self._destroyed.add(entry.key_id)
            connection.execute("INSERT OR IGNORE INTO destroyed_key VALUES (?, ?)", (entry.key_id, position))

    def _is_shredded(self, lei: str, day: date) -> bool:
        return day in self._register.shredded.get(lei, ())

    def has_gaps(self, broker: str, investor: str) -> bool:
        """Whether days of the relationship have been destroyed that this node had to pass over."""
        held = [self._by_id[key_id] for key_id in self.key_ids(broker, investor)]
        return any(one.previous in self._destroyed for one in held)

    def _complete(self, connection: sqlite3.Connection, relationship: Relationship) -> None:
        """Note what a grant has added to a chain: its end, as far as grants tell, or its last hole."""
        chain = self._chains.get(relationship)
        if chain is None or chain.granted:
            chain = self._granted_chain(relationship)
        else:
            chain.complete = self._reaches_back(self._by_id.get(chain.last))
        self._keep_chain(connection, relationship, chain)

    def _reaches_back(self, secret: DaySecret | None) -> bool:
        """Whether this node has all secrets before this one, but for those that nobody here can have."""
        while secret is not None and secret.previous != FIRST and secret.previous not in self._destroyed:
            secret = self._by_id.get(secret.previous)
        return secret is not None

    def _granted_chain(self, relationship: Relationship) -> Chain:
        """Grants come in any order: the last secret is the one that no other follows."""
        held = [one for one in self._by_id.values() if _relationship(one) == relationship]
        followed = {one.previous for one in held}
        last = max((one for one in held if one.key_id not in followed), key=lambda one: (one.day, one.key_id))
        return Chain(last.key_id, last.day, retired=True, granted=True)

    def _keep_chain(self, connection: sqlite3.Connection, relationship: Relationship, chain: Chain) -> None:
        self._chains[relationship] = chain
        marks = (chain.retired, chain.complete, chain.granted)
        values = (*relationship, chain.last, chain.day.isoformat(), *marks)
        connection.execute("INSERT OR REPLACE INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def relationship_of(secret: DaySecret | None) -> Relationship | None:
    """Whose secret it is, if there is one."""
    return _relationship(secret) if secret is not None else None


def _relationship(secret: DaySecret) -> Relationship:
    return secret.broker, secret.investor


def _keep(connection: sqlite3.Connection, entry: KeyEntry | GrantEntry, position: int) -> None:
    connection.execute(
        "INSERT INTO day_key VALUES (?, ?, ?) ON CONFLICT (key_id) DO NOTHING",
        (entry.key_id, encode_entry(entry), position),
    )
