"""Whether a store is whole that was not closed in order: nobody sealed it, so its parts speak for themselves.

    damage_to_files(path)           before it is opened: what is cut off, what SQLite would pass over
    damage_to_content(connection)   its structure, and what has digests in it

Each gives sentences for an operator; none where all is well. `node.scrub` looks at more, and takes longer.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from node.sqlite_pages import Pages
from node.sqlite_tree import ROWID_MAX
from node.store_seal import Progress, no_progress, wal_of

# To look a store over takes 1.7 s per GB where the disk gives 1 GB per second: 4 GiB within the 10 s of a
# node's start. Of a larger one the newest blocks and messages are looked at, 256 MiB of each: they lie
# scattered, and take 5 s per GB of blocks and 20 s per GB of messages. What is older was read by the nightly
# scrubs before, and is tonight; a crash endangers what was written last.
WHOLE_BYTES_MAX = 4 * 2**30
NEWEST_BYTES_MAX = 2**28
STRUCTURE_FINDINGS_MAX = 20

_READ_BYTES = 2**20
_CHUNK_ROWS = 32  # blocks have up to 900 KiB


@dataclass(frozen=True, slots=True)
class Digested:
    """Rows that carry a digest of what they hold. is_text: in hexadecimal."""

    table: str
    number: str
    content: str
    digest: str
    is_text: bool
    noun: str


BLOCKS = Digested("archive", "sequence", "block", "digest", is_text=False, noun="block")
MESSAGES = Digested("raw", "id", "bytes", "digest", is_text=True, noun="raw message")


def damage_to_files(path: Path) -> Iterator[str]:
    """What is wrong with the files of a store. Raises OSError."""
    if path.stat().st_size == 0:
        if wal_of(path).exists() and wal_of(path).stat().st_size:
            yield "nothing is left of it but its log"
        return
    with Pages(path) as pages:
        if not pages.has_head:
            yield "its first page is not that of a store"
        if missing := pages.missing():
            yield f"{missing} of its {pages.expected} pages are cut off"
        if pages.log_is_damaged:
            yield "its log is damaged: what was written last would be lost"


def damage_to_content(
    connection: sqlite3.Connection, path: Path, progress: Progress = no_progress
) -> Iterator[str]:
    """What is wrong inside a store: all of it, or the newest of a large one. Raises OSError."""
    size = path.stat().st_size
    if size <= WHOLE_BYTES_MAX:
        read_ahead(path, size, progress)
        yield from structure(connection, "quick_check")
    newest = size if size <= WHOLE_BYTES_MAX else NEWEST_BYTES_MAX
    for rows in (BLOCKS, MESSAGES):
        yield from unlike_digest(connection, rows, newest)


def structure(connection: sqlite3.Connection, check: str, table: str = "") -> Iterator[str]:
    """What SQLite finds. check: quick_check, or integrity_check, which also compares indexes with tables.

    table: this one alone, with its indexes.
    """
    try:
        for (said,) in connection.execute(f"PRAGMA {check}({table or STRUCTURE_FINDINGS_MAX})").fetchall():
            if said != "ok":
                yield f"SQLite: {' '.join(said.split())}"
    except sqlite3.DatabaseError as error:
        yield f"SQLite: {error}"


def unlike_digest(
    connection: sqlite3.Connection,
    rows: Digested,
    newest: int,
    after_chunk: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """The newest rows that are not what they were when they were stored. newest: how many bytes of them.

    after_chunk: called between short reads.
    """
    columns = f"{rows.number}, {rows.content}, CAST({rows.digest} AS BLOB)"  # damaged text may not be UTF-8
    query = f"SELECT {columns} FROM {rows.table} WHERE {rows.number} <= ? ORDER BY {rows.number} DESC LIMIT ?"  # noqa: S608 - constants
    last = ROWID_MAX
    while newest > 0:
        try:
            found = connection.execute(query, (last, _CHUNK_ROWS)).fetchall()
        except sqlite3.DatabaseError as error:
            yield f"SQLite: {error}"
            return
        for number, content, digest in found:
            if not _is_digest(content, digest, is_text=rows.is_text):
                yield f"{rows.noun} {number} is not what was stored"
            newest -= len(content or b"")
            last = number - 1
            if newest <= 0:
                return
        if len(found) < _CHUNK_ROWS:
            return
        after_chunk()


def _is_digest(content: object, digest: object, *, is_text: bool) -> bool:
    """Whether `digest` is that of `content`; a damaged row may hold anything."""
    if not isinstance(content, bytes):
        return False
    own = hashlib.sha256(content)
    return digest == (own.hexdigest().encode() if is_text else own.digest())


def read_ahead(path: Path, size: int, progress: Progress) -> None:
    """Read the file from end to end: SQLite would wait for each page by itself, ten times as long."""
    buffer, done = bytearray(_READ_BYTES), 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            done += count
            progress(done, size)
