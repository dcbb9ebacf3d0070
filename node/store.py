"""The store: one SQLite file, one thread that writes, one transaction for each batch of work.

    await store.write(job)      run job(connection) in the writer's transaction; on disk when this returns

Jobs that wait together share a transaction and so an fsync (group commit); each has a savepoint of its own,
so one that raises leaves nothing and spoils nothing. Readers of other processes see the last commit (WAL).
How the file is opened and closed, and what is raised: node.store_file.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from node.store_file import (
    STORE_FILE,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreVersionError,
    as_store_error,
    close_store,
    open_store,
    read_store,
)
from node.store_seal import Progress, no_progress

__all__ = [
    "STORE_FILE",
    "Job",
    "Result",
    "Store",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreVersionError",
    "close_store",
    "each",
    "keep_setting",
    "open_store",
    "read_store",
    "setting",
]

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Result]

JOBS_PER_COMMIT_MAX = 256


class Store:
    """The writer. Use as an asynchronous context manager.

    progress: told of what is read of the file when it is opened and closed, in another thread.
    """

    def __init__(self, path: Path, progress: Progress = no_progress) -> None:
        self._path = path
        self._progress = progress
        self._is_closed = False
        self._handing_over = threading.Lock()
        self._damage: StoreDamagedError | None = None
        self._jobs: SimpleQueue[tuple[Job[Any], asyncio.Future[Any]] | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    async def __aenter__(self) -> "Store":
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._open)
        except asyncio.CancelledError:  # the thread opens it all the same
            self._give_up()
            raise
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        if self._reader is not None:
            self._reader.close()
        self._jobs.put(None)
        await asyncio.to_thread(self._close)

    async def write(self, job: Job[Result]) -> Result:
        """What `job` returns, once its transaction is on disk. Raises what the job raised.

        Raises StoreFullError where there is no room: nothing of the job is written, and once there is room
        the store goes on. Raises StoreDamagedError, from then on always, where the store is found damaged, by
        SQLite or by a job that raises it: the node must end.
        """
        assert self._loop is not None
        if self._is_closed:
            raise StoreError(f"{self._path} is closed: the node is ending")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._jobs.put((job, future))
        return await future

    def read(self, job: Job[Result]) -> Result:
        """What `job` returns of what is on disk now, at once: it waits for no transaction. For short reads.

        Raises as `write` does.
        """
        if self._is_closed or self._reader is None:
            raise StoreError(f"{self._path} is closed: the node is ending")
        try:
            return job(self._reader)
        except sqlite3.Error as error:
            told = as_store_error(self._path, "read", error)
            if isinstance(told, StoreDamagedError):
                self._damage = told
            raise told from error

    @property
    def is_waited_for(self) -> bool:
        """Whether jobs wait for the next transaction. For a job that asks whether to do more in its own."""
        return not self._jobs.empty()

    async def empty_log(self) -> bool:
        """Bring all that is written into the file itself and empty its log; whether that was done.

        What was deleted stands in the log until then. A reader that looks at an older state prevents it.
        """
        return await asyncio.to_thread(self._empty_log)

    def _empty_log(self) -> bool:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as beside:
            busy, *_ = beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def _open(self) -> None:
        """Open both connections; seal the store again where nobody waits for them any more."""
        connection = open_store(self._path, self._progress)
        with ExitStack() as stack:
            stack.callback(close_store, connection, self._path, self._progress)
            reader = stack.enter_context(closing(read_store(self._path)))
            with self._handing_over:
                if not self._is_closed:
                    self._connection, self._reader = connection, reader
                    stack.pop_all()

    def _give_up(self) -> None:
        with self._handing_over:
            self._is_closed = True
            for connection in (self._reader, self._connection):
                if connection is not None:
                    connection.close()

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
            if self._damage is not None:
                raise self._damage
            self._connection.execute("BEGIN IMMEDIATE")
            ends = [self._run(job, future) for job, future in batch]
            self._connection.execute("COMMIT")
        except (sqlite3.Error, StoreError) as error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            failed = self._failed(error)
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
            told = self._told(error)
            if isinstance(told, StoreDamagedError) or not self._connection.in_transaction:
                # All jobs are taken back, by us, or by SQLite for want of room or a broken disk.
                raise told if isinstance(told, StoreError) else self._given_up() from error
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return future, None, told
        self._connection.execute("RELEASE job")
        return future, result, None

    def _told(self, error: Exception) -> Exception:
        """An error of a job as those who wait for it can take it."""
        if isinstance(error, sqlite3.Error):
            told = as_store_error(self._path, "written", error)
            is_ours = isinstance(error, sqlite3.OperationalError) or type(told) is not StoreError
            return told if is_ours else error
        if isinstance(error, StopIteration):  # a future refuses it, and nobody would hear of this job's end
            return RuntimeError("a job of the store raised StopIteration")
        return error

    def _given_up(self) -> StoreError:
        return StoreError(f"{self._path} cannot be written: SQLite gave up the transaction")

    def _failed(self, error: sqlite3.Error | StoreError) -> StoreError:
        """Why a whole batch was not written. Damage is for good: nothing may be written on top of it."""
        told = as_store_error(self._path, "written", error) if isinstance(error, sqlite3.Error) else error
        if isinstance(told, StoreDamagedError):
            self._damage = told
        return told

    def _close(self) -> None:
        self._thread.join()
        assert self._connection is not None
        if self._damage is None:
            close_store(self._connection, self._path, self._progress)
        else:
            self._connection.close()


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
