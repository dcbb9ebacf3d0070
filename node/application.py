"""What one entry does to the store: each kind is handed to the part of the node that knows it.

A node applies what its keys can read and passes over the rest; for what it can read it comes to the same
outcomes as every other node that can.
"""

import datetime
import sqlite3
from contextlib import suppress
from dataclasses import dataclass

import structlog

from node.attestation import AttestationInvalidError
from node.block import Block, archived_block
from node.checkpoints import Checkpoints
from node.day_secret import FIRST, DaySecret
from node.entry import (
    ActEntry,
    CheckpointEntry,
    DayKeysEntry,
    EntryInvalidError,
    EntryKind,
    GrantEntry,
    KeyEntry,
    RetireEntry,
    SealedEntry,
    TimeEntry,
    decode_entry,
)
from node.governance import Governance
from node.ledger_time import on_the_clock
from node.register import Register
from node.results import Results
from node.sealing import SealingError, open_sealed
from node.secrets import DaySecrets
from node.submissions import Submissions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What entries are handed to."""

    register: Register
    secrets: DaySecrets
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
        self.is_live = False

    @property
    def register(self) -> Register:
        """The network as it is now."""
        return self._parts.register

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is. Raises SecretsUnreadableError."""
        self._parts.governance.learn_stored(connection)
        self._parts.secrets.learn_stored(connection)
        self._parts.checkpoints.learn_stored(connection)

    def apply_block(self, connection: sqlite3.Connection, first: int, block: Block, time: int) -> None:
        """Apply the entries of a block, the first of which stands at `first`. time: of the ledger."""
        day = day_of(block, self._zone)
        for number, raw in enumerate(block.entries):
            place = Place(block.sp, first + number, first, day, time)
            try:
                self._apply(connection, place, raw)
            except (AttestationInvalidError, EntryInvalidError, SealingError) as error:
                log.warning("entry passed over", position=place.position, sp=block.sp, reason=str(error))

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the state after a batch of entries, in the transaction that archives them."""
        self._parts.submissions.finish(connection)
        self._parts.checkpoints.finish(connection)
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
                if secret is not None and parts.secrets.is_complete(secret.broker, secret.investor):
                    self._open(connection, place, entry, secret)
            case KeyEntry() | GrantEntry():
                self._learn(connection, place, entry)
            case ActEntry():
                parts.governance.take(connection, place.sp, place.position, place.day, entry.act)
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
        if entry.kind is EntryKind.ATTESTATION:
            self._parts.results.attested(connection, place.sp, place.position, plaintext, secret)
        else:
            at = on_the_clock(place.time, self._zone)
            where = (place.sp, place.position, at)
            self._parts.submissions.take(connection, *where, plaintext, secret, late=late)

    def _retire(self, connection: sqlite3.Connection, sp: str, key_id: bytes) -> None:
        secret = self._parts.secrets.by_id(key_id)
        if secret is not None and self._parts.register.served_by(sp) & {secret.broker, secret.investor}:
            self._parts.secrets.retire(connection, key_id)

    def _learn(self, connection: sqlite3.Connection, place: Place, entry: KeyEntry | GrantEntry) -> None:
        """Learn a secret; with the last one that was missing, apply all that was sealed till now."""
        secrets = self._parts.secrets
        complete = secrets.complete()
        where = (place.position, place.sp)
        if isinstance(entry, KeyEntry):
            secret = secrets.learn(connection, entry, *where)
        else:
            secret = secrets.learn_grant(connection, entry, *where)
        if secret is None or (secret.broker, secret.investor) in complete:
            return
        is_first = (
            isinstance(entry, KeyEntry) and secret.previous == FIRST
        )  # nothing can have been sealed before
        if secrets.is_complete(secret.broker, secret.investor) and not is_first:
            self._catch_up_on(connection, place, secret)

    def _catch_up_on(self, connection: sqlite3.Connection, place: Place, secret: DaySecret) -> None:
        """Apply what was sealed between two institutions before this node could read it all."""
        log.info("a relationship can be read from its beginning now", position=place.position)
        held = self._parts.secrets.key_ids(secret.broker, secret.investor)
        rows = connection.execute(
            "SELECT first, block, time FROM archive WHERE fault IS NULL AND first <= ? ORDER BY sequence",
            (place.block_first,),
        )
        for first, raw, time in rows:
            block = archived_block(raw)
            for number, one in enumerate(block.entries):
                if (at := first + number) < place.position:
                    then = Place(block.sp, at, first, place.day, time)
                    self._open_late(connection, then, one, held)
        self._parts.governance.shred_again(connection, secret.broker, secret.investor)

    def _open_late(
        self, connection: sqlite3.Connection, place: Place, raw: bytes, held: frozenset[bytes]
    ) -> None:
        with suppress(EntryInvalidError, SealingError, AttestationInvalidError):  # passed over then, and now
            entry = decode_entry(raw)
            if isinstance(entry, SealedEntry) and entry.key_id in held:
                secret = self._parts.secrets.to_open(entry)
                assert secret is not None, "it is held"
                self._open(connection, place, entry, secret, late=True)


def day_of(block: Block, time_zone: str) -> datetime.date:
    """The day of a block, by its author's word: the last one that a calendar knows, if it is later."""
    return on_the_clock(block.time, time_zone).date()
