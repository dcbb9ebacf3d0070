"""This node's own blocks, read back: what they hold leaves the outbox.

An own block that this store did not make stops the node: another node runs with its key, or the store is an
old copy. A store that was restored is one on purpose: what its predecessor published is taken as its own, up
to where the ledger stood when the restored node came back.
"""

import json
import sqlite3
from collections.abc import Callable

from node.block import Block
from node.flight import Flight, Landed
from node.store import setting

RESTORING = "restoring"  # the setting that `yakujo restore` leaves

# What was kept of a client and is neither on the ledger nor waits for it was lost on its way there.
_READ_AGAIN = """
    UPDATE raw SET state = 'stored' WHERE state = 'ordered' AND id IN (
        SELECT raw FROM submission WHERE source NOT IN (SELECT source FROM said) AND source NOT IN (
            SELECT json_extract(CAST(body AS TEXT), '$.source') FROM outbox WHERE kind = 'submission'
        )
    )
"""


class ForeignBlockError(Exception):
    """A block with this node's signature that this node did not make: it stops rather than go on in doubt."""


MakeFlight = Callable[[sqlite3.Connection], Flight | None]


class OwnBlocks:
    """Used by the writer's thread alone, but for `follow_with`."""

    def __init__(self, sp: str) -> None:
        self._sp = sp
        self._is_restoring = False
        self._landed: int | None = None
        self._next: MakeFlight | None = None

    def follow_with(self, make: MakeFlight) -> None:
        """From now on, make the next block in the transaction that archives the one before it."""
        self._next = make

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is."""
        self._is_restoring = setting(connection, RESTORING) is not None

    def is_live(self, connection: sqlite3.Connection) -> None:
        """All that a predecessor has published is read: what of it still lay in the outbox is done."""
        if self._is_restoring:
            connection.execute(
                "DELETE FROM outbox WHERE kind = 'submission'"
                " AND CAST(body AS TEXT) IN (SELECT submission FROM said WHERE sp = ?)",
                (self._sp,),
            )
            connection.execute(_READ_AGAIN)
            last = int(setting(connection, f"seq/{self._sp}") or 0)
            # A block of its predecessor's has the number that this one was to have.
            connection.execute("DELETE FROM flight WHERE seq <= ?", (last,))
            connection.execute("DELETE FROM setting WHERE name = ?", (RESTORING,))
        self._is_restoring = False

    def landed(self, connection: sqlite3.Connection, block: Block, raw: bytes) -> None:
        """Take what a block of the ledger holds out of the outbox, if it is an own one."""
        if block.sp != self._sp:
            return
        row = connection.execute(
            "SELECT ids FROM flight WHERE seq = ? AND block = ?", (block.seq, raw)
        ).fetchone()
        if row is not None:
            connection.executemany("DELETE FROM outbox WHERE id = ?", [(id_,) for id_ in json.loads(row[0])])
            connection.execute("DELETE FROM flight")
            self._landed = block.seq
        elif not self._is_restoring:
            raise ForeignBlockError(
                f"block {block.seq} of {self._sp} is on the ledger and did not come from this store: "
                "another node runs with its key, or the store is an old copy. Find out which; if no other "
                "node runs, `yakujo restore` brings this one back"
            )

    def follow(self, connection: sqlite3.Connection, *, make: bool) -> Landed | None:
        """What was under way and has landed in this transaction, and what is under way since; else None.

        make: whether to make the next block now. To be asked last, once all is applied: the next block rests
        on it, and holds what was queued by it.
        """
        seq, self._landed = self._landed, None
        if seq is None:
            return None
        return Landed(seq, self._next(connection) if make and self._next is not None else None)
