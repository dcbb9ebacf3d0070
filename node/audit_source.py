"""The store that is audited: read, never written, also beside a node that runs on it.

Its archive only grows, so that it is read in short pieces, which hold up nobody; its tables change, so that
they are read as of one moment, which begins with `freeze`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from node import cbor
from node.network import Network
from node.settings import SettingsError
from node.store import each, read_store, setting
from node.store_file import as_store_error

CHUNK_BLOCKS = 32  # of at most 900 KiB

_BLOCKS = (  # with types for certain, also where the file is damaged
    "SELECT sequence, CAST(block AS BLOB), digest, sp, seq, CAST(first AS INTEGER), CAST(entries AS INTEGER),"
    " fault, state, time FROM archive WHERE sequence > ? ORDER BY sequence LIMIT ?"
)
_HOLDING = "SELECT block, first FROM archive WHERE first <= ? AND entries > 0 ORDER BY first DESC LIMIT 1"


class StoredBlock(NamedTuple):
    """A row of the archive."""

    sequence: int
    block: bytes
    digest: bytes
    sp: str | None
    seq: int | None
    first: int
    entries: int
    fault: str | None
    state: bytes
    time: int

    def raw_entries(self) -> list[bytes]:
        """Its entries, if it is said to count; none where it cannot be taken apart."""
        if self.fault is not None:
            return []
        try:
            return cbor.decode_byte_strings(self.block)[1:]
        except cbor.CborInvalidError:
            return []


class Source:
    """One store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._is_frozen = False

    def height(self) -> int:
        """The sequence of the last block, now."""
        return int(self.one("SELECT COALESCE(MAX(sequence), 0) FROM archive"))

    def blocks(self, after: int) -> list[StoredBlock]:
        """The next blocks, a few."""
        return [StoredBlock(*row) for row in each(self.connection, _BLOCKS, after, CHUNK_BLOCKS)]

    def all_blocks(self) -> Iterator[StoredBlock]:
        """All of them, in order."""
        after = 0
        while rows := self.blocks(after):
            yield from rows
            after = rows[-1].sequence

    def entry_at(self, position: int) -> bytes | None:
        """The entry at a position, as the archive has it."""
        row = self.connection.execute(_HOLDING, (position,)).fetchone()
        entries = cbor.decode_byte_strings(row[0])[1:] if row is not None else []
        return entries[position - row[1]] if row is not None and position - row[1] < len(entries) else None

    def freeze(self) -> None:
        """From here on, read as of one moment."""
        if not self._is_frozen:
            self.connection.execute("BEGIN")
            self.one("SELECT COUNT(*) FROM chain")  # a transaction begins where it first reads
            self._is_frozen = True

    @property
    def is_frozen(self) -> bool:
        """Whether it is read as of one moment."""
        return self._is_frozen

    def one(self, query: str, *values: object) -> Any:
        """The one value that a query gives."""
        return self.connection.execute(query, values).fetchone()[0]


@contextmanager
def source_at(path: Path, network: Network) -> Iterator[Source]:
    """The store at `path`, of this network. Raises SettingsError, StoreError."""
    if not path.is_file():
        raise SettingsError(f"{path} is no file: name a node's yakujo.db, or a copy of it")
    with closing(read_store(path)) as connection:
        connection.row_factory = None
        # Altered text may not be UTF-8 any more, and is to be compared all the same.
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            known = setting(connection, "network")
            if known not in (None, network.id.hex()):
                raise SettingsError(f"{path} is of another network: the one with the id {known}")
            yield Source(connection)
        except sqlite3.DatabaseError as error:
            raise as_store_error(path, "read", error) from error
