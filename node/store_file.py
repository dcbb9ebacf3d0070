"""The store's file: opened once it has proved that it is whole, and sealed when it is closed in order.

    open_store(path)    for writing; looks it over first      read_store(path)    for reading, at any time
    close_store(connection, path)

A seal proves it to the bit where the store was closed in order (node.store_seal); else what it holds is
looked at (node.store_check).

    StoreError                  it cannot be opened or written
        StoreDamagedError       it is not what was written: the ledger and the peers have most of it
        StoreFullError          there is no room; what was to be written may be tried again
        StoreVersionError       another release made it
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import structlog

from node.sqlite_pages import PAGE_BYTES
from node.store_check import damage_to_content, damage_to_files
from node.store_seal import Progress, break_seal, fault_under, no_progress, read_seal, wal_of, write_seal

SCHEMA = Path(__file__).with_name("schema.sql")
SCHEMA_VERSION = 7  # PRAGMA user_version; another one for every change that older code does not understand
STORE_FILE = "yakujo.db"  # in the data folder
CACHE_KIB = 65_536
LOG_PAGES = 4_000  # until the log is brought into the file: pages that change again and again are copied once

_PRIMARY = 0xFF  # the part of SQLite's error codes that says the kind
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)  # the second: no room for the log's index

log = structlog.get_logger(__name__)


class StoreError(Exception):
    """The store cannot be opened or written; the message says what to do."""


class StoreDamagedError(StoreError):
    """The store is not what was written: it must neither be trusted nor written any more."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is damaged: {what}. Run `yakujo restore FOLDER`: it keeps what can be read and gets the"
            " ledger from the peers"
        )


class StoreFullError(StoreError):
    """There is no room on the disk. Nothing of the job was written, and the same job may be tried again."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} cannot be written: the disk is full. Make room: the node then goes on")


class StoreVersionError(StoreError):
    """The store was made by another release."""

    def __init__(self, path: Path, version: int) -> None:
        mend = "install the newer release again"
        if version < SCHEMA_VERSION:
            mend = (
                "run the older release until nothing waits any more (`yakujo status`); then begin with an"
                " empty data folder, the ledger comes from the peers"
            )
        super().__init__(f"{path} has version {version}, this release has {SCHEMA_VERSION}: {mend}")


def open_store(path: Path, progress: Progress = no_progress) -> sqlite3.Connection:
    """A connection for writing: WAL, every commit on disk before it returns. Makes the file, mode 0600.

    Looks the store over first; close_store seals it again. Raises StoreError and what is below it.
    """
    with ExitStack() as stack:
        try:
            path.touch(mode=0o600, exist_ok=True)
            is_sealed = _check_files(path, progress)
            connection = stack.enter_context(
                closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
            )
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            is_new = _check_version(connection, path)
            if not is_new and not is_sealed:
                _refuse(path, damage_to_content(connection, path, progress))
            break_seal(path)
            _prepare(connection, is_new=is_new)
        except (OSError, sqlite3.Error) as error:
            raise as_store_error(path, "opened", error) from error
        stack.pop_all()
        return connection


def close_store(connection: sqlite3.Connection, path: Path, progress: Progress = no_progress) -> None:
    """Close a store that is in order, and seal it; without a seal it is looked over when next opened."""
    try:
        with closing(connection):
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute("BEGIN IMMEDIATE")  # who writes beside the node waits, then sees the seal
            if busy or (wal_of(path).exists() and wal_of(path).stat().st_size):
                log.warning("the store is closed without a seal", reason="another program holds it open")
            else:
                write_seal(path, SCHEMA_VERSION, progress)
            connection.execute("ROLLBACK")
    except (OSError, sqlite3.Error) as error:
        log.warning("the store is closed without a seal", reason=str(error))


def read_store(path: Path) -> sqlite3.Connection:
    """A connection that only reads, whether the node runs or not. Raises StoreError if there is no store."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False))
            )
            _check_version(connection, path)
            connection.execute("SELECT 1 FROM setting LIMIT 1")
        except sqlite3.Error as error:
            if _is(error, _DAMAGE):
                raise StoreDamagedError(path, str(error)) from error
            raise StoreError(f"no store at {path}: start the node once with `yakujo run`") from error
        connection.row_factory = sqlite3.Row
        stack.pop_all()
        return connection


def _check_files(path: Path, progress: Progress) -> bool:
    """Whether a seal says that the store is whole. Raises StoreDamagedError, StoreVersionError, OSError."""
    seal = read_seal(path)
    if seal is None:
        _refuse(path, damage_to_files(path))
        return False
    if seal.schema_version != SCHEMA_VERSION:
        raise StoreVersionError(path, seal.schema_version)
    if fault := fault_under(seal, path, progress):
        raise StoreDamagedError(path, fault)
    return True


def _refuse(path: Path, damage: Iterator[str]) -> None:
    """Raise StoreDamagedError where there is any damage."""
    if found := list(damage):
        raise StoreDamagedError(path, found[0] + (f", and {len(found) - 1} more" if found[1:] else ""))


def _check_version(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the store is empty yet. Raises StoreVersionError."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return False
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return True
    raise StoreVersionError(path, version)


def _prepare(connection: sqlite3.Connection, *, is_new: bool) -> None:
    """Make the tables of a new store, all or none of them."""
    if is_new:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What an institution has destroyed is to leave no trace, nor to be written to a temporary file meanwhile.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if is_new:
        schema = SCHEMA.read_text(encoding="utf-8")
        connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")


def as_store_error(path: Path, verb: str, error: Exception) -> StoreError:
    """An error of the disk or of SQLite as the node can take it."""
    if _is(error, _DAMAGE):
        return StoreDamagedError(path, str(error))
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return StoreDamagedError(path, "the disk does not give back what was written")
    if _is(error, _NO_ROOM) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return StoreFullError(path)
    return StoreError(f"{path} cannot be {verb}: {error}")


def _is(error: Exception, codes: tuple[int, ...]) -> bool:
    """Whether an error of SQLite is one of these."""
    code = getattr(error, "sqlite_errorcode", 0)  # errors that are not SQLite's own have none
    return code in codes or code & _PRIMARY in codes
