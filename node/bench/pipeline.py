"""The node that is measured: every part of the daemon as in production, but for the clients' transports.

Bytes are handed to `Inbound.receive`, as a link does; what the delivery queue hands to a link is counted.
"""

import asyncio
import socket
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.link import Arrival, Delivery, Receive
from node.application import Application
from node.bench.scene import ANSWERS_PER_MESSAGE, SP, Scene
from node.clients import Client
from node.deliveries import Deliveries
from node.inbound import Inbound
from node.jetstream import JetStreamLedger, LedgerSettings
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer
from node.outbound import Outbound
from node.publisher import Publisher
from node.replica import Replica
from node.secrets import DaySecrets
from node.store import STORE_FILE, Store

UNDER_WAY = 128  # arrivals of one client that are not stored yet: a FIX engine hands over up to 256
RUN_SECONDS_MAX = 120.0
_CLUSTER_SECRET = "only-for-a-trial-network"  # noqa: S105 - guards a cluster on loopback that lives for a minute


class CountingLink:
    """Takes deliveries and counts them."""

    def __init__(self) -> None:
        self.taken = Counter[str]()
        self.more = asyncio.Event()

    async def run(self, receive: Receive) -> None:
        """Nothing arrives here."""

    async def send(self, delivery: Delivery) -> None:
        """Count it."""
        self.taken[delivery.client] += 1
        self.more.set()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a node, made and joined, not yet running."""

    clients: dict[str, Client]
    store: Store
    ledger: JetStreamLedger
    deliveries: Deliveries
    application: Application
    inbound: Inbound
    publisher: Publisher
    replica: Replica
    outbound: Outbound
    link: CountingLink = field(default_factory=CountingLink)


async def make_parts(scene: Scene, store: Store, ledger: JetStreamLedger) -> Parts:
    """Join the parts as the daemon does at its start."""
    network = scene.network
    clients = {settings.name: Client(settings, network, None) for settings in scene.clients}
    secrets, deliveries, link = DaySecrets(network, scene.keys), Deliveries(clients), CountingLink()
    application = Application(network, secrets, deliveries)
    await store.write(application.learn_stored)
    changed, read_back = _Fork(), asyncio.Event()
    inbound = Inbound(
        sp=SP,
        network=network,
        clients=clients,
        secrets=secrets,
        store=store,
        deliveries=deliveries,
        changed=changed,
    )
    publisher = Publisher(
        sp=SP,
        network=network.id,
        key=scene.keys.signing,
        store=store,
        ledger=ledger,
        changed=changed.first,
        read_back=read_back,
    )
    replica = Replica(
        sp=SP,
        network=network,
        store=store,
        ledger=ledger,
        application=application,
        changed=changed,
        read_back=read_back,
    )
    outbound = Outbound(dict.fromkeys(clients, link), store, changed.second)
    return Parts(clients, store, ledger, deliveries, application, inbound, publisher, replica, outbound, link)


class _Fork(asyncio.Event):
    """Told once, heard by two."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = asyncio.Event(), asyncio.Event()

    def set(self) -> None:
        """Wake both."""
        self.first.set()
        self.second.set()


@asynccontextmanager
async def servers(folder: Path, members: int) -> AsyncIterator[EmbeddedServer]:
    """The nats-servers of all members, on this machine; the one of the measured node."""
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
        stream="LEDGER",
        sp=SP,
        replicas=members,
        monitoring=server.monitoring,
    )
    async with JetStreamLedger(settings) as ledger, Store(folder / SP / STORE_FILE) as store:
        yield ledger, store


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Run the node's tasks meanwhile."""
    loops = (parts.replica, parts.publisher, parts.inbound, parts.outbound)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run(), name=type(each).__name__) for each in loops]
        yield
        for task in tasks:
            task.cancel()


async def pass_through(parts: Parts, pairs: Sequence[tuple[Arrival, Arrival]]) -> None:
    """Hand in all messages, both clients at once; return when the last answer is marked as delivered."""
    wanted = parts.link.taken.total() + 2 * len(pairs) * ANSWERS_PER_MESSAGE
    async with asyncio.timeout(RUN_SECONDS_MAX), asyncio.TaskGroup() as group:
        for side in zip(*pairs, strict=True):
            group.create_task(_hand_in(parts.inbound, side))
        while parts.link.taken.total() < wanted:
            parts.link.more.clear()
            await parts.link.more.wait()
        while await parts.store.write(_undelivered):  # noqa: ASYNC110 - nobody tells what only the store knows
            await asyncio.sleep(0.001)


async def _hand_in(inbound: Inbound, arrivals: Sequence[Arrival]) -> None:
    """Hand in one client's messages in order, `UNDER_WAY` of them at a time."""
    room = asyncio.Semaphore(UNDER_WAY)
    async with asyncio.TaskGroup() as group:
        for arrival in arrivals:
            await room.acquire()
            group.create_task(inbound.receive(arrival)).add_done_callback(lambda _: room.release())


def _undelivered(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT 1 FROM delivery WHERE delivered IS NULL LIMIT 1").fetchone()
    return row is not None


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
