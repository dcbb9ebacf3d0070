"""What one entry does to the store: each kind is handed to the part of the node that knows it.

A node applies what its keys can read and passes over the rest; for what it can read it comes to the same
outcomes as every other node that can.
"""

import datetime
import sqlite3
from contextlib import suppress
from dataclasses import dataclass

import structlog

from node.alarms import clear_alarm, is_raised
from node.attestation import AttestationInvalidError
from node.block import Block, archived_block
from node.checkpoints import Checkpoints
from node.contract_versions import Contract
from node.day_secret import FIRST, DaySecret
from node.deferral import Deferral, Waiting
from node.documents import Documents
from node.entry import (
    ActEntry,
    CheckpointEntry,
    DayKeysEntry,
    DocumentEntry,
    EntryInvalidError,
    EntryKind,
    GrantEntry,
    KeyEntry,
    RetireEntry,
    SealedEntry,
    TimeEntry,
    decode_entry,
)
from node.envelope import SealingError
from node.governance import Governance
from node.late_reading import Sealed, judged_upto, sealed_between
from node.ledger_time import on_the_clock
from node.register import Register
from node.results import Results
from node.rules_history import rules_alarm
from node.sealing import open_sealed
from node.secrets import DaySecrets, Relationship, relationship_of
from node.submissions import Submissions

EVERYTHING = 2**63 - 1
_HOLDING = (
    "SELECT first, block, time FROM archive WHERE fault IS NULL AND first <= ?"
    " ORDER BY first DESC, entries DESC LIMIT 1"
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What entries are handed to."""

    register: Register
    secrets: DaySecrets
    documents: Documents
    deferral: Deferral
    governance: Governance
    checkpoints: Checkpoints
    submissions: Submissions
    results: Results


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands. block_first: the position of its block's first. day: of the block.

    time: ledger time (node.ledger_time), in microseconds.
    """

    sp: str
    position: int
    block_first: int
    day: datetime.date
    time: int


class Application:
    """Applies entries. Used by the writer's thread alone. is_live: it has caught up with the ledger."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._zone = parts.register.genesis.time_zone
        self._size = 0
        self.is_live = False

    @property
    def register(self) -> Register:
        """The network as it is now."""
        return self._parts.register

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is. Raises SecretsUnreadableError."""
        self._parts.governance.learn_stored(connection)
        self._parts.secrets.learn_stored(connection)
        self._parts.documents.learn_stored(connection)
        self._parts.checkpoints.learn_stored(connection)
        self._parts.deferral.learn_stored(connection)
        self._size = entries_archived(connection)
        self._parts.deferral.watch(connection, self._size)
        self._judge_again(connection)

    def apply_block(self, connection: sqlite3.Connection, first: int, block: Block, time: int) -> None:
        """Apply the entries of a block, the first of which stands at `first`. time: of the ledger."""
        day = day_of(block, self._zone)
        for number, raw in enumerate(block.entries):
            place = Place(block.sp, first + number, first, day, time)
            try:
                self._apply(connection, place, raw)
            except (AttestationInvalidError, EntryInvalidError, SealingError) as error:
                log.warning("entry passed over", position=place.position, sp=block.sp, reason=str(error))
        self._size = first + len(block.entries)

    def take_up(self, connection: sqlite3.Connection, count: int = EVERYTHING) -> int:
        """Decide what has waited and need not wait any more, up to so many; how many that were."""
        done = 0
        for waiting, contract in self._parts.deferral.ready(connection, count):
            if waiting.institution is not None and waiting.day is not None:
                shredded = (waiting.institution, waiting.day)
                self._parts.governance.shred_now(connection, *shredded, contract)
            else:
                self._open_waiting(connection, waiting, contract)
            done += 1
        if done:
            log.info("what has waited is decided", entries=done)
            self._parts.submissions.finish(connection)
            self._parts.deferral.watch(connection, self._size)
        return done

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the state after a batch of entries, in the transaction that archives them."""
        self._parts.submissions.finish(connection)
        self._parts.checkpoints.finish(connection)
        self._parts.deferral.watch(connection, self._size)
        if self.is_live:
            self._parts.results.attest(connection)
            if self._parts.checkpoints.is_overdue(connection):
                self._parts.checkpoints.sign(connection)

    def state(self) -> bytes:
        """The digest of what acts have made of the network, 32 bytes."""
        return self._parts.register.digest()

    def _apply(self, connection: sqlite3.Connection, place: Place, raw: bytes) -> None:
        parts = self._parts
        entry = decode_entry(raw)
        if isinstance(entry, CheckpointEntry):
            parts.checkpoints.take(connection, place.sp, place.position, place.block_first, entry)
            return
        parts.checkpoints.seen(place.position)
        match entry:
            case SealedEntry():
                secret = parts.secrets.to_open(entry)
                if secret is not None and self._is_readable((secret.broker, secret.investor)):
                    self._open(connection, place, entry, secret)
            case KeyEntry() | GrantEntry() | DocumentEntry():
                self._learn(connection, place, entry)
            case ActEntry():
                parts.governance.take(connection, place.sp, place.position, place.day, entry.act)
                if parts.deferral.is_waiting:
                    self.take_up(connection)
            case DayKeysEntry():
                parts.governance.announced(connection, place.sp, entry)
            case RetireEntry():
                self._retire(connection, place.sp, entry.key_id)
            case TimeEntry():
                pass  # its block's time is counted already, and that there is something to sign

    def _open(
        self,
        connection: sqlite3.Connection,
        place: Place,
        entry: SealedEntry,
        secret: DaySecret,
        *,
        late: bool = False,
    ) -> None:
        plaintext = open_sealed(entry, secret, place.sp)
        where = (place.sp, place.position)
        if entry.kind is EntryKind.ATTESTATION:
            self._parts.results.attested(connection, *where, plaintext, secret)
            return
        contract = self._parts.deferral.contract(place.position)
        if contract is None:
            self._parts.deferral.defer(connection, place.position, secret.key_id, late=late)
        else:
            at = on_the_clock(place.time, self._zone)
            self._parts.submissions.take(
                connection, *where, at, plaintext, secret, contract=contract, late=late
            )

    def _open_waiting(self, connection: sqlite3.Connection, waiting: Waiting, contract: Contract) -> None:
        """Take a submission that could be opened when it came."""
        first, raw, time = connection.execute(_HOLDING, (waiting.position,)).fetchone()
        block = archived_block(raw)
        entry = decode_entry(block.entries[waiting.position - first])
        assert isinstance(entry, SealedEntry), "nothing else waits to be opened"
        secret = self._parts.secrets.to_open(entry)
        assert secret is not None, "a day is forgotten only after what waits of it"
        plaintext = open_sealed(entry, secret, block.sp)
        where = (block.sp, waiting.position, on_the_clock(time, self._zone))
        self._parts.submissions.take(
            connection, *where, plaintext, secret, contract=contract, late=waiting.late
        )

    def _retire(self, connection: sqlite3.Connection, sp: str, key_id: bytes) -> None:
        secret = self._parts.secrets.by_id(key_id)
        if secret is not None and self._parts.register.served_by(sp) & {secret.broker, secret.investor}:
            self._parts.secrets.retire(connection, key_id)

    def _learn(
        self, connection: sqlite3.Connection, place: Place, entry: KeyEntry | GrantEntry | DocumentEntry
    ) -> None:
        """Learn what is needed to read; with the last of it, apply all that was sealed till now."""
        before = self._readable()
        where = (place.position, place.sp)
        match entry:
            case DocumentEntry():
                learned = self._parts.documents.take(connection, *where, entry)
            case KeyEntry():
                secret = self._parts.secrets.learn(connection, entry, *where)
                if secret is not None and secret.previous == FIRST:
                    return  # nothing can have been sealed before
                learned = relationship_of(secret)
            case GrantEntry():
                learned = relationship_of(self._parts.secrets.learn_grant(connection, entry, *where))
        if learned is not None and learned not in before and self._is_readable(learned):
            self._catch_up_on(connection, place.position, learned)

    def _is_readable(self, relationship: Relationship) -> bool:
        """Whether this node has been given all that it takes to judge a relationship."""
        secrets, agreed = self._parts.secrets, self._parts.register.agreed
        return secrets.is_complete(*relationship) and not agreed.missing(*relationship)

    def _readable(self) -> frozenset[Relationship]:
        return frozenset(filter(self._is_readable, self._parts.secrets.complete()))

    def _catch_up_on(self, connection: sqlite3.Connection, position: int, sides: Relationship) -> None:
        """Apply what was sealed between two institutions while this node could not judge it."""
        log.info("a relationship can be judged now", position=position)
        held = self._parts.secrets.key_ids(*sides)
        since = judged_upto(connection, held)
        for one in sealed_between(connection, since, position):
            if one.entry.key_id in held:
                self._open_late(connection, one, late=not since)
        clear_alarm(connection, rules_alarm(*sides))
        self._parts.governance.shred_again(connection, *sides)
        if self._parts.deferral.is_waiting:
            self.take_up(connection)

    def _judge_again(self, connection: sqlite3.Connection) -> None:
        """Take up what this node could not judge when it ended, and can by its release of now."""
        for sides in sorted(self._readable()):
            if is_raised(connection, rules_alarm(*sides)):
                self._catch_up_on(connection, self._size, sides)

    def _open_late(self, connection: sqlite3.Connection, one: Sealed, *, late: bool) -> None:
        secret = self._parts.secrets.to_open(one.entry)
        assert secret is not None, "it is held"
        day = on_the_clock(one.time, self._zone).date()
        then = Place(one.sp, one.position, one.block_first, day, one.time)
        with suppress(SealingError, AttestationInvalidError):  # passed over then, and now
            self._open(connection, then, one.entry, secret, late=late)


def entries_archived(connection: sqlite3.Connection) -> int:
    """How many entries the store has."""
    query = "SELECT first + entries FROM archive ORDER BY sequence DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row is not None else 0


def day_of(block: Block, time_zone: str) -> datetime.date:
    """The day of a block, by its author's word: the last one that a calendar knows, if it is later."""
    return on_the_clock(block.time, time_zone).date()
