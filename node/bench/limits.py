"""What the machine and the libraries below allow: the same bytes in the same process without our own work."""

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import nats
from nats.aio.client import Client as NatsClient

from node.nats_server import EmbeddedServer

REPEATS = 3


async def nats_bodies_per_second(server: EmbeddedServer, members: int, bodies: Sequence[bytes]) -> float:
    """Publishing to a stream like the ledger's on the same server, each body acknowledged before the next."""
    client = await nats.connect(server.url, user=server.user, password=server.password)
    try:
        await _make_stream(client, members)
        began = time.perf_counter()
        for body in bodies:
            await _asked(client, "plain", body)
        return len(bodies) / (time.perf_counter() - began)
    finally:
        await client.close()


async def _make_stream(client: NatsClient, members: int) -> None:
    config = {"name": "PLAIN", "subjects": ["plain"], "storage": "file", "num_replicas": members}
    await _asked(client, "$JS.API.STREAM.CREATE.PLAIN", json.dumps(config).encode())


async def _asked(client: NatsClient, subject: str, body: bytes) -> None:
    answer: dict[str, Any] = json.loads((await client.request(subject, body, timeout=10)).data)
    assert "error" not in answer, answer


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
