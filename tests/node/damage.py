"""Stores with something in them, and what disks and power cuts do to their files."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from node.sqlite_pages import PAGE_BYTES, Pages
from node.sqlite_tree import Leaf, leaves
from node.store import STORE_FILE, close_store, open_store
from node.store_seal import seal_of, wal_of


def raw_message(number: int) -> bytes:
    """What a client sent, of a size that differs from one to the next; some fill several pages."""
    return f"message {number} ".encode() * (1 + number * 37 % 900)


def fill(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Put messages, and what belongs to them, into a store, in one transaction."""
    connection.execute("BEGIN")
    put(connection, first, last)
    connection.execute("COMMIT")


def put(connection: sqlite3.Connection, first: int, last: int) -> None:
    """The same in the caller's transaction."""
    for number in range(first, last + 1):
        raw = raw_message(number)
        digest = hashlib.sha256(raw).hexdigest()
        connection.execute(
            "INSERT INTO raw VALUES (?, 'client', ?, ?, ?, ?, 'ordered')",
            (number, f"file {number}", number, digest, raw),
        )
        connection.execute("INSERT INTO submission VALUES (?, 'client', 'AS', '{}', ?)", (digest, number))
        connection.execute(
            "INSERT INTO delivery VALUES (?, ?, 'client', 'result', '', 'MACH', ?, ?, 1, NULL)",
            (number, f"delivery {number}", digest, raw[:500]),
        )
        archive(connection, number, raw)


def archive(
    connection: sqlite3.Connection, sequence: int, block: bytes, fault: str | None = "malformed"
) -> None:
    """Archive a block that does not count."""
    connection.execute(
        "INSERT INTO archive (sequence, block, digest, first, entries, fault, state, time)"
        " VALUES (?, ?, ?, 0, 0, ?, ?, 0)",
        (sequence, block, hashlib.sha256(block).digest(), fault, bytes(32)),
    )


def sealed_store(folder: Path, messages: int = 0) -> Path:
    """A store that was closed in order."""
    path = folder / STORE_FILE
    connection = open_store(path)
    fill(connection, 1, messages)
    close_store(connection, path)
    return path


def killed_store(folder: Path, *batches: int) -> Path:
    """A store as a node leaves it that is killed: what is above each batch, up to it, was one transaction."""
    running = folder / "running"
    running.mkdir()
    with closing(open_store(running / STORE_FILE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for before, last in zip((0, *batches), batches, strict=False):
            fill(connection, before + 1, last)
        for file in (running / STORE_FILE, wal_of(running / STORE_FILE)):
            shutil.copy(file, folder)
    return folder / STORE_FILE


def flip(path: Path, bit: int) -> None:
    """One bit of a file is another."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def flip_in(path: Path, content: bytes) -> None:
    """One bit is another in the first place of a file that has this content."""
    at = path.read_bytes().index(content)
    flip(path, 8 * (at + len(content) // 2))


def leaf_pages(path: Path, table: str) -> list[int]:
    """The pages that hold the rows of a table, in their order."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((root,),) = connection.execute(query, (table,)).fetchall()
    with Pages(path) as pages:
        return [at.number for at in leaves(pages, root) if isinstance(at, Leaf)]


def flip_in_table(path: Path, table: str, content: bytes) -> None:
    """One bit is another where a row of a table has this content."""
    whole = path.read_bytes()
    starts = [(page - 1) * PAGE_BYTES for page in leaf_pages(path, table)]
    found = next(start for start in starts if content in whole[start : start + PAGE_BYTES])
    flip(path, 8 * (whole.index(content, found) + len(content) // 2))


def overwrite(path: Path, page: int) -> None:
    """A page of a store holds something else."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(bytes(range(256)) * (PAGE_BYTES // 256))


def cut(path: Path, count: int) -> None:
    """The last bytes of a file are gone."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - count)


def copied(store: Path, folder: Path) -> Path:
    """A copy of a store and what lies beside it."""
    folder.mkdir(exist_ok=True)
    for file in (store, seal_of(store), wal_of(store)):
        if file.exists():
            shutil.copy(file, folder)
    return folder / store.name
