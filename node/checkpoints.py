"""Checkpoints: each node signs what it has come to, and compares what the others have signed.

A node signs when there has been traffic since it last did: the size that another has signed already, where
that covers all of it, so that one text gathers several signatures; else the size that it is at.
"""

import sqlite3
import time

import structlog

from node.alarms import clear_alarm, raise_alarm
from node.block_key import BlockKey
from node.checkpoint import (
    Checkpoint,
    CheckpointInvalidError,
    cosigner,
    member_cosigned_at,
    network_origin,
    parse_checkpoint,
    sign_checkpoint,
)
from node.entry import CheckpointEntry
from node.outbox import queue_public
from node.register import Register
from node.store import each, keep_setting, setting
from node.tree_tiles import root

ENTRIES_PER_CHECKPOINT = 1_000

log = structlog.get_logger(__name__)


class Checkpoints:
    """Signs and compares. Used by the writer's thread alone."""

    def __init__(self, sp: str, register: Register, key: BlockKey) -> None:
        self._sp = sp
        self._register = register
        self._key = key
        self._origin = network_origin(register.genesis.name, register.id)
        self._queued = 0
        self._traffic = 0

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is."""
        self._traffic = int(setting(connection, "traffic") or 0)

    def seen(self, position: int) -> None:
        """Note an entry that is no checkpoint: there is something to sign."""
        self._traffic = position + 1

    def finish(self, connection: sqlite3.Connection) -> None:
        """Keep what has been noted, in the transaction of what it is about."""
        keep_setting(connection, "traffic", str(self._traffic))

    def take(
        self, connection: sqlite3.Connection, sp: str, position: int, block_first: int, entry: CheckpointEntry
    ) -> None:
        """Compare a checkpoint from a block of `sp` whose first entry is at `block_first`."""
        try:
            said, signed = self._opened(entry.note, sp)
        except CheckpointInvalidError as error:
            log.warning("checkpoint passed over", position=position, sp=sp, fault=str(error))
            return
        agrees = said.size <= block_first and said == self._own(connection, said.size)
        connection.execute(
            "INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)", (position, sp, said.size, signed, agrees)
        )
        if not agrees:
            text = (
                f"{sp} has signed another ledger than this node's at size {said.size} (its checkpoint stands "
                f"at position {position}): no results are released. Compare with its operator; see "
                "`yakujo audit`"
            )
            raise_alarm(connection, f"diverged/{sp}", text)
        elif self._covers_differences(connection, sp, said.size):
            clear_alarm(connection, f"diverged/{sp}")

    def _covers_differences(self, connection: sqlite3.Connection, sp: str, size: int) -> bool:
        """Whether an SP has signed another ledger before, and now the same as this node's beyond all of that.

        One root stands for all entries below it: its node has been restored since.
        """
        row = connection.execute(
            "SELECT MAX(size) FROM checkpoint WHERE sp = ? AND agrees = 0", (sp,)
        ).fetchone()
        return row[0] is not None and size > row[0]

    def _opened(self, note: bytes, sp: str) -> tuple[Checkpoint, int]:
        """The checkpoint that `sp` has signed, and when it says it did, in seconds since 1970."""
        said, signatures = parse_checkpoint(note)
        if said.origin != self._origin or len(signatures) != 1 or cosigner(said, signatures[0]) != sp:
            raise CheckpointInvalidError(
                "not one signature, of the SP whose block it is in, for this network"
            )
        key = self._register.signing_keys.get(sp)
        if key is None:
            raise CheckpointInvalidError("not of a member, since an act before it in the same block")
        return said, member_cosigned_at(said, signatures[0], sp, key)

    def is_due(self, connection: sqlite3.Connection) -> bool:
        """Whether there is traffic that this node has not signed, or a size that needs its signature.

        Nodes that sign at the same moment sign different sizes: then all sign the largest.
        """
        own = max(self._queued, self._signed(connection))
        if self._traffic > own:
            return True
        sizes = each(
            connection,
            "SELECT size, COUNT(DISTINCT sp) FROM checkpoint WHERE agrees = 1 AND size >= ? GROUP BY size",
            self._traffic,
        )
        largest = max((size for size, _ in sizes), default=0)
        has_majority = any(2 * signed > len(self._register.now.members) for _, signed in sizes)
        return largest > own and not has_majority

    def is_overdue(self, connection: sqlite3.Connection) -> bool:
        """Whether so much of it has gathered that it is to be signed at once."""
        return self._traffic - max(self._queued, self._signed(connection)) >= ENTRIES_PER_CHECKPOINT

    def sign(self, connection: sqlite3.Connection) -> None:
        """Queue a checkpoint if one is due."""
        key = self._key.now()
        if key is None or not self.is_due(connection):
            return
        size = self._others(connection) or self._size(connection)
        checkpoint = self._own(connection, size)
        assert checkpoint is not None, "the end of a block has a state"
        queue_public(
            connection, CheckpointEntry(sign_checkpoint(checkpoint, self._sp, key, int(time.time())))
        )
        self._queued = size

    def _own(self, connection: sqlite3.Connection, size: int) -> Checkpoint | None:
        """What this node says of a size; None where no block ends there."""
        row = connection.execute(
            "SELECT first + entries, state FROM archive WHERE first < ?"
            " ORDER BY first DESC, entries DESC LIMIT 1",
            (size,),
        ).fetchone()
        if row is None or row[0] != size:
            return None
        return Checkpoint(self._origin, size, root(connection, size), row[1])

    def _others(self, connection: sqlite3.Connection) -> int | None:
        """The largest size that another has signed rightly and that covers all traffic."""
        row = connection.execute(
            "SELECT MAX(size) FROM checkpoint WHERE agrees = 1 AND size >= ?", (self._traffic,)
        ).fetchone()
        return int(row[0]) if row[0] is not None else None

    def _signed(self, connection: sqlite3.Connection) -> int:
        row = connection.execute("SELECT MAX(size) FROM checkpoint WHERE sp = ?", (self._sp,)).fetchone()
        return int(row[0] or 0)

    def _size(self, connection: sqlite3.Connection) -> int:
        row = connection.execute(
            "SELECT first + entries FROM archive ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return int(row[0])
