"""What stands sealed in the archive and was passed over when it came: this node could not judge it then."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from node.block import archived_block
from node.entry import EntryInvalidError, SealedEntry, decode_entry


class Sealed(NamedTuple):
    """A sealed entry in its place. block_first: the position of its block's first. time: of the ledger."""

    sp: str
    position: int
    block_first: int
    time: int
    entry: SealedEntry


def sealed_between(connection: sqlite3.Connection, since: int, before: int) -> Iterator[Sealed]:
    """All sealed entries of counted blocks, from position `since` up to the one before `before`, in order."""
    rows = connection.execute(
        "SELECT first, block, time FROM archive WHERE fault IS NULL AND first < ? AND first + entries > ?"
        " ORDER BY sequence",
        (before, since),
    )
    for first, raw, time in rows:
        block = archived_block(raw)
        for position, one in enumerate(block.entries, first):
            if since <= position < before:
                with suppress(EntryInvalidError):  # passed over by all
                    entry = decode_entry(one)
                    if isinstance(entry, SealedEntry):
                        yield Sealed(block.sp, position, first, time, entry)


def judged_upto(connection: sqlite3.Connection, key_ids: Iterable[bytes]) -> int:
    """The position after the last that was judged, or waits to be, of what these secrets open; 0: none."""
    found = 0
    for key_id in sorted(key_ids):
        for table in ("said", "deferred"):
            query = f"SELECT COALESCE(MAX(position) + 1, 0) FROM {table} WHERE key_id = ?"  # noqa: S608 - our own words
            found = max(found, connection.execute(query, (key_id,)).fetchone()[0])
    return found
