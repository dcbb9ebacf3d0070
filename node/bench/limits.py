"""What the machine and the libraries below allow: the same bytes in the same process without our own work."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

REPEATS = 3


def sqlite_rows_per_second(path: Path, rows: Sequence[bytes], per_commit: int) -> float:
    """Inserting rows into a file with the settings of the store, `per_commit` of them on disk at a time."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS plain (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
    began = time.perf_counter()
    for first in range(0, len(rows), per_commit):
        connection.execute("BEGIN IMMEDIATE")
        for row in rows[first : first + per_commit]:
            connection.execute("INSERT INTO plain (bytes) VALUES (?)", (row,))
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return len(rows) / took


def seconds_each(work: Callable[[], object], count: int) -> float:
    """Processor seconds for each of the `count` things that `work` does; the median of a few times."""
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        work()
        times.append((time.thread_time() - began) / count)
    return median(times)
