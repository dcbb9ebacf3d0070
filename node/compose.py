"""The one place that puts a node together: settings in, running tasks out."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog

from adapters.fix_link import EngineReject
from adapters.folder_link import RefuseTooLarge
from adapters.link import Link
from node.application import Application, Parts
from node.block_key import BlockKey
from node.checkpoints import Checkpoints
from node.clients import Client
from node.collector import rare_collections
from node.contract_identity import contract_id
from node.deliveries import Deliveries
from node.divergence import Divergence
from node.duties import Duties, Pace
from node.flight import Flights
from node.governance import Governance
from node.guard_state import GuardState
from node.inbound import Inbound
from node.keyring import KeyRing
from node.ledger import Ledger
from node.links import links_of, sessions_of
from node.named_tasks import Named, run_together
from node.network import Network, load_network
from node.nightly_scrub import scrub_nightly
from node.outbound import Outbound
from node.outbox import Outbox
from node.own_blocks import RESTORING
from node.own_membership import watch_membership
from node.progress import Progress, Watcher
from node.publisher import Publisher
from node.pulse import beat
from node.register import Register
from node.replica import Head, Replica, head
from node.results import Results
from node.room import waiting_for_room
from node.secrets import DaySecrets
from node.settings import (
    NodeSettings,
)
from node.shredding import Shredding
from node.startup import Attached, Gate, alone, attached, check_member, check_network, protection
from node.store import STORE_FILE, Store, setting
from node.submissions import CONTRACT, Submissions

log = structlog.get_logger(__name__)


async def run_node(settings: NodeSettings, ready: Callable[[], None] = lambda: None) -> None:
    """Run a node until cancelled; ends with the first error that is not for the outside to mend.

    ready: called when the node is attached to the ledger and serves its clients.
    """
    network = load_network(settings.network_file)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    check_member(settings, network, ring.keys)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(settings.data_folder), rare_collections():
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.data_folder / STORE_FILE))
            await store.write(lambda connection: check_network(connection, network))
            at = await store.write(head)
            found = await stack.enter_async_context(attached(settings, network, create=at.sequence == 0))
            async with asyncio.TaskGroup() as group:
                group.create_task(found.guard.run(), name="guard")
                while True:
                    with waiting_for_room(settings.data_folder) as room:
                        await serve(settings, network, ring, store, found.ledger, ready, guarded=found)
                    await room.wait()


MakeLinks = Callable[[NodeSettings, EngineReject, RefuseTooLarge], dict[str, Link]]
MakeParts = Callable[[str, Register, KeyRing, Deliveries], Parts]


async def serve(
    settings: NodeSettings,
    network: Network,
    ring: KeyRing,
    store: Store,
    ledger: Ledger,
    ready: Callable[[], None],
    *,
    make_links: MakeLinks | None = None,
    make_parts: MakeParts | None = None,
    today: Callable[[], date] | None = None,
    pace: Pace | None = None,
    guarded: Attached | None = None,
) -> None:
    """Build both directions and the links, and run their tasks.

    make_links, make_parts, today, pace: the usual ones, except in tests.
    """
    to_publish, to_deliver = asyncio.Event(), asyncio.Event()
    changed = _Both(to_publish, to_deliver)
    clients, deliveries, parts, replica = await applying(
        settings, network, ring, store, ledger, changed=changed, make_parts=make_parts
    )
    inbound = _inbound(network, clients, store, deliveries, parts, changed=changed, guarded=guarded)
    links = (make_links or links_of)(settings, inbound.refused_by_engine, inbound.refused_unread)
    outbound = Outbound({name: links[c.settings.link.kind] for name, c in clients.items()}, store, to_deliver)
    today = today or _today(network)
    outbox = Outbox(settings.sp, parts.secrets, today)
    key = BlockKey(settings.sp, parts.register, ring.signing)
    publisher = Publisher(Flights(network.id, key, outbox), replica, store, ledger, to_publish)
    duties = Duties(
        settings.sp, parts, ring, store, today=today, queued=changed, caught_up=replica.caught_up, pace=pace
    )
    await run_together(
        (
            ("replica", replica.run()),
            ("publisher", publisher.run()),
            ("duties", duties.run()),
            *_watches(settings, parts.register, ring, store, ledger, replica),
            ("inbound", inbound.run()),
            ("outbound", outbound.run()),
            *((f"{kind} link", link.run(inbound.receive)) for kind, link in links.items()),
            ("sign of life", beat(settings.data_folder, lambda: sessions_of(links), _guard_state(guarded))),
        ),
        lambda: log.info("node runs", sp=settings.sp, clients=sorted(clients)),
        ready,
    )


def _inbound(
    network: Network,
    clients: dict[str, Client],
    store: Store,
    deliveries: Deliveries,
    parts: Parts,
    *,
    changed: asyncio.Event,
    guarded: Attached | None,
) -> Inbound:
    gate = guarded.gate if guarded is not None else Gate()
    return Inbound(
        network,
        clients,
        store,
        deliveries,
        changed=changed,
        accepts=lambda: gate.is_open,
        speaks_for=parts.secrets.speaks_for,
    )


def _watches(
    settings: NodeSettings,
    register: Register,
    ring: KeyRing,
    store: Store,
    ledger: Ledger,
    replica: Replica,
) -> tuple[Named, ...]:
    """What looks whether all is as it should be."""
    return (
        ("membership", watch_membership(settings, register, ring, store, replica.caught_up)),
        ("divergence", Divergence(settings.sp, store, ledger).run()),
        ("scrub", scrub_nightly(settings, register.genesis, store)),
    )


def _guard_state(guarded: Attached | None) -> Callable[[], GuardState | None]:
    return lambda: guarded.guard.state if guarded is not None else None


async def catch_up(settings: NodeSettings, watcher: Watcher) -> Head:
    """Apply all that the ledger has, without clients and without publishing; how far that is.

    watcher: told of each step. Raises what run_node raises.
    """
    network = load_network(settings.network_file)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    with alone(settings.data_folder):
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.data_folder / STORE_FILE))
            await store.write(lambda connection: check_network(connection, network))
            found = await stack.enter_async_context(attached(settings, network, create=False))
            *_, replica = await applying(
                settings, network, ring, store, found.ledger, changed=asyncio.Event(), watcher=watcher
            )
            try:
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(replica.run(), name="replica")
                    await replica.caught_up.wait()
                    reading.cancel()
            except BaseExceptionGroup as failed:
                raise _first(failed) from failed
            return await store.write(head)


def _first(error: BaseException) -> BaseException:
    """What a group of errors began with: a command tells one sentence."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def applying(
    settings: NodeSettings,
    network: Network,
    ring: KeyRing,
    store: Store,
    ledger: Ledger,
    *,
    changed: asyncio.Event,
    watcher: Watcher = lambda _, __: None,
    make_parts: MakeParts | None = None,
) -> tuple[dict[str, Client], Deliveries, Parts, Replica]:
    """What applies the ledger to the store, and queues what clients are to hear."""
    register = Register(network)
    clients = {c.name: Client(c, network, settings.provider_bic) for c in settings.clients}
    deliveries = Deliveries(settings.sp, clients)
    parts = (make_parts or application_parts)(settings.sp, register, ring, deliveries)
    application = Application(parts)
    await store.write(application.learn_stored)
    if await store.write(lambda connection: setting(connection, RESTORING)):
        deliveries.expect_losses(_today(network)())
    replica = Replica(
        sp=settings.sp,
        register=register,
        store=store,
        ledger=ledger,
        application=application,
        changed=changed,
        progress=Progress(watcher),
    )
    return clients, deliveries, parts, replica


def application_parts(sp: str, register: Register, ring: KeyRing, deliveries: Deliveries) -> Parts:
    """What entries are handed to."""
    keys = ring.keys
    secrets = DaySecrets(sp, register, ring)
    results = Results(
        sp=sp,
        contract=contract_id(CONTRACT),
        register=register,
        secrets=secrets,
        keys=keys,
        deliveries=deliveries,
    )
    submissions = Submissions(register, results, deliveries)
    shredding = Shredding(register, secrets, submissions, keys)
    return Parts(
        register=register,
        secrets=secrets,
        governance=Governance(register, secrets, shredding),
        checkpoints=Checkpoints(sp, register, BlockKey(sp, register, ring.signing)),
        submissions=submissions,
        results=results,
    )


def _today(network: Network) -> Callable[[], date]:
    """The business day now, as the network counts days."""
    zone = ZoneInfo(network.time_zone)
    return lambda: datetime.now(zone).date()


class _Both(asyncio.Event):
    """One event for whoever changes the store, told on to both loops that work it off."""

    def __init__(self, *others: asyncio.Event) -> None:
        super().__init__()
        self._others = others

    def set(self) -> None:
        """Wake all."""
        for other in self._others:
            other.set()
