"""Real nats-servers on free ports of this host, and ledgers on them."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from node.jetstream import JetStreamLedger, LedgerSettings
from node.ledger import LedgerUnavailableError
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer

STREAM = "LEDGER"
CLUSTER_SECRET = "0123456789abcdef"
PATIENCE_SECONDS = 50  # a test that takes longer hangs


def free_ports(count: int) -> list[int]:
    """Ports of this host that nobody uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def single_settings(directory: Path) -> ServerSettings:
    """A network of one member."""
    client, cluster, monitor = free_ports(3)
    return ServerSettings("sp1", directory / "sp1", client, cluster, monitor, "test", CLUSTER_SECRET)


def cluster_settings(directory: Path) -> list[ServerSettings]:
    """A network of three members on this host."""
    ports = free_ports(9)
    routes = tuple(f"127.0.0.1:{port}" for port in ports[3:6])
    return [
        ServerSettings(
            f"sp{number + 1}",
            directory / f"sp{number + 1}",
            ports[number],
            ports[3 + number],
            ports[6 + number],
            "test",
            CLUSTER_SECRET,
            tuple(route for route in routes if route != routes[number]),
        )
        for number in range(3)
    ]


def ledger_on(server: EmbeddedServer, sp: str = "sp1", replicas: int = 1, **other: Any) -> JetStreamLedger:
    """A node's ledger on `server`, not yet entered."""
    settings: dict[str, Any] = {"monitoring": server.monitoring, "wait_seconds": 30.0} | other
    servers = (server.url,)
    return JetStreamLedger(
        LedgerSettings(servers, server.user, server.password, STREAM, sp, replicas, **settings)
    )


async def first(ledger: JetStreamLedger, count: int, after: int = 0) -> list[tuple[int, bytes]]:
    """The next `count` sequences and blocks."""
    found: list[tuple[int, bytes]] = []
    async with asyncio.timeout(PATIENCE_SECONDS), contextlib.aclosing(ledger.read(after)) as blocks:
        async for item in blocks:
            found.append(item)
            if len(found) == count:
                break
    return found


async def append_until_acknowledged(ledger: JetStreamLedger, block: bytes, message_id: str) -> int:
    """What a node's outbox does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ledger.append(block, message_id)
            except LedgerUnavailableError:
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def raw_client(server: EmbeddedServer) -> AsyncIterator[Client]:
    """A connection beside the ledger's, for what a ledger never does."""
    client = await nats.connect(server.url, user=server.user, password=server.password)
    try:
        yield client
    finally:
        await client.close()


async def api(client: Client, subject: str, body: dict[str, Any]) -> dict[str, Any]:
    """An answer of the JetStream API, which must not be an error."""
    message = await client.request(f"$JS.API.{subject}", json.dumps(body).encode(), timeout=5)
    answer: dict[str, Any] = json.loads(message.data)
    assert "error" not in answer, answer
    return answer


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        if Path("/proc/self/cmdline").exists():
            return b"nats" in Path(f"/proc/{pid}/cmdline").read_bytes()
        os.kill(pid, 0)
    except OSError:
        return False
    return True
