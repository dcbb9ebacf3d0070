"""A store that lives as long as an audit: the same tables, and nothing that would survive a crash."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from node.store import STORE_FILE, Job, Result, Store
from node.store_file import CACHE_KIB, SCHEMA


class Scratch(Store):
    """A store whose jobs run at once, in the caller's thread, without waiting for the disk."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path)
        self.connection = connection

    async def write(self, job: Job[Result]) -> Result:
        """What `job` returns, its transaction ended. Raises what it raises; the store is of no use then."""
        self.connection.execute("BEGIN")
        result = job(self.connection)
        self.connection.execute("COMMIT")
        return result


@contextmanager
def scratch() -> Iterator[Scratch]:
    """An empty store in a folder of its own, which only this user may read, and which is gone at the end."""
    with TemporaryDirectory(prefix="yakujo-audit-") as folder:
        path = Path(folder) / STORE_FILE
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}"):
                connection.execute(f"PRAGMA {pragma}")
            connection.executescript(SCHEMA.read_text(encoding="utf-8"))
            yield Scratch(path, connection)
