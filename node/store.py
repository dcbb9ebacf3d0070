"""The store: one SQLite file, one thread that writes, one transaction for each batch of work.

    await store.write(job)      run job(connection) in the writer's transaction; on disk when this returns

Jobs that wait together share a transaction and so an fsync (group commit); each has a savepoint of its own,
so one that raises leaves nothing and spoils nothing. Readers of other processes see the last commit (WAL).
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Result]

SCHEMA = Path(__file__).with_name("schema.sql")
STORE_FILE = "yakujo.db"  # in the data folder
JOBS_PER_COMMIT_MAX = 256
CACHE_KIB = 65_536


class StoreError(Exception):
    """The store cannot be opened or written; the message says what to do."""


def open_store(path: Path) -> sqlite3.Connection:
    """A connection for writing: WAL, every commit on disk before it returns. Makes the file, mode 0600."""
    with ExitStack() as stack:
        try:
            path.touch(mode=0o600, exist_ok=True)
            connection = stack.enter_context(
                closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error
        stack.pop_all()
        return connection


def read_store(path: Path) -> sqlite3.Connection:
    """A connection that only reads, whether the node runs or not. Raises StoreError if there is no store."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False))
            )
            connection.execute("SELECT 1 FROM setting LIMIT 1")
        except sqlite3.Error as error:
            raise StoreError(f"no store at {path}: start the node once with `yakujo run`") from error
        connection.row_factory = sqlite3.Row
        stack.pop_all()
        return connection


class Store:
    """The writer. Use as an asynchronous context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_closed = False
        self._jobs: SimpleQueue[tuple[Job[Any], asyncio.Future[Any]] | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    async def __aenter__(self) -> "Store":
        self._loop = asyncio.get_running_loop()
        self._connection = await asyncio.to_thread(open_store, self._path)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        assert self._connection is not None
        self._connection.close()

    async def write(self, job: Job[Result]) -> Result:
        """What `job` returns, once its transaction is on disk. Raises what the job raised."""
        assert self._loop is not None
        if self._is_closed:
            raise StoreError(f"{self._path} is closed: the node is ending")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._jobs.put((job, future))
        return await future

    def _work(self) -> None:
        while (batch := self._batch()) is not None:
            self._commit(batch)

    def _batch(self) -> list[tuple[Job[Any], "asyncio.Future[Any]"]] | None:
        first = self._jobs.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < JOBS_PER_COMMIT_MAX and not self._jobs.empty():
            following = self._jobs.get()
            if following is None:
                self._jobs.put(None)
                break
            batch.append(following)
        return batch

    def _commit(self, batch: list[tuple[Job[Any], "asyncio.Future[Any]"]]) -> None:
        """Run the jobs in one transaction and tell each its end; a failed commit fails them all."""
        assert self._connection is not None
        ends: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            ends = [self._run(job, future) for job, future in batch]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            failed = StoreError(f"{self._path} cannot be written: {error}")
            ends = [(future, None, failed) for _, future in batch]
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop may have been closed meanwhile: nobody waits any more
            self._loop.call_soon_threadsafe(_settle, ends)

    def _run(
        self, job: Job[Any], future: "asyncio.Future[Any]"
    ) -> tuple["asyncio.Future[Any]", Any, BaseException | None]:
        assert self._connection is not None
        self._connection.execute("SAVEPOINT job")
        try:
            result = job(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite has taken back all jobs, for want of room or a broken disk
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return future, None, self._told(error)
        self._connection.execute("RELEASE job")
        return future, result, None

    def _told(self, error: Exception) -> Exception:
        """An error of a job as those who wait for it can take it."""
        if isinstance(error, sqlite3.OperationalError):
            return StoreError(f"{self._path} cannot be written: {error}")
        if isinstance(error, StopIteration):  # a future refuses it, and nobody would hear of this job's end
            return RuntimeError("a job of the store raised StopIteration")
        return error


def _settle(ends: list[tuple["asyncio.Future[Any]", Any, BaseException | None]]) -> None:
    for future, result, error in ends:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def setting(connection: sqlite3.Connection, name: str) -> str | None:
    """A value that the node keeps under `name`."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None else None


def keep_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep `value` under `name`."""
    connection.execute(
        "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def each(connection: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    """The rows of a query, its cursor closed."""
    with closing(connection.execute(query, values)) as cursor:
        return cursor.fetchall()
