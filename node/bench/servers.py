"""The nats-servers of all members on this machine, as their daemons run them, and a ledger on them."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

from node.bench.scene import SP
from node.jetstream import JetStreamLedger, LedgerSettings
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer
from node.startup import STREAM
from node.store import STORE_FILE, Store

_CLUSTER_SECRET = "only-for-a-trial-network"  # noqa: S105 - guards a cluster on loopback that lives for a minute


@asynccontextmanager
async def servers(folder: Path, members: int) -> AsyncIterator[EmbeddedServer]:
    """Run them below `folder`; the one of the measured node."""
    ports = _free_ports(3 * members)
    routes = [f"127.0.0.1:{port}" for port in ports[2::3]]
    made = [
        EmbeddedServer(
            ServerSettings(
                name=f"sp{number + 1}",
                directory=folder / f"sp{number + 1}" / "nats",
                client_port=ports[3 * number],
                monitor_port=ports[3 * number + 1],
                cluster_port=ports[3 * number + 2],
                cluster="bench",
                cluster_secret=_CLUSTER_SECRET,
                routes=tuple(route for route in routes if route != routes[number]),
            )
        )
        for number in range(members)
    ]
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(server) for server in made]
        yield started[0]


@asynccontextmanager
async def ledger_and_store(
    folder: Path, server: EmbeddedServer, members: int
) -> AsyncIterator[tuple[JetStreamLedger, Store]]:
    """What the node keeps things in, opened."""
    settings = LedgerSettings(
        servers=(server.url,),
        user=server.user,
        password=server.password,
        stream=STREAM,
        sp=SP,
        replicas=members,
        monitoring=server.monitoring,
    )
    async with JetStreamLedger(settings) as ledger, Store(folder / SP / STORE_FILE) as store:
        yield ledger, store


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
