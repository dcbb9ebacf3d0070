"""The one place that puts a node together: settings in, running tasks out."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import date
from functools import partial

import structlog

from adapters.fix_link import EngineReject
from adapters.folder_link import RefuseTooLarge
from adapters.link import Link
from node.act_records import stored_register
from node.api.service import api_of
from node.application import Application, Parts
from node.block_key import BlockKey
from node.both_events import Both
from node.canonical_client import client_of
from node.checkpoints import Checkpoints
from node.clients import Client
from node.collector import rare_collections
from node.contract_versions import Contract, Versions, installed_contracts
from node.deferral import Deferral
from node.deliveries import Deliveries
from node.divergence import Divergence
from node.documents import Documents
from node.duties import Duties, Pace
from node.flight import Flights
from node.governance import Governance
from node.guard_state import GuardState
from node.inbound import Inbound
from node.keyring import KeyRing
from node.ledger import Ledger
from node.ledger_time import Clock, machine_clock, on_the_clock
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
from node.reading import Reader, current_reader
from node.register import Register
from node.replica import Replica, head
from node.results import Results
from node.room import waiting_for_room
from node.secrets import DaySecrets
from node.settings import NodeSettings
from node.shredding import Shredding
from node.startup import (
    Attached,
    Gate,
    alone,
    attached,
    check_contracts,
    check_member,
    check_network,
    protection,
)
from node.store import STORE_FILE, Store, setting
from node.submissions import Submissions

TAKEN_UP_MAX = 500  # of what has waited, in one transaction

log = structlog.get_logger(__name__)


async def run_node(settings: NodeSettings, ready: Callable[[], None] = lambda: None) -> None:
    """Run a node until cancelled; ends with the first error that is not for the outside to mend.

    ready: called when the node is attached to the ledger and serves its clients.
    """
    network = load_network(settings.network_file)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    check_member(settings, network, ring.keys)
    check_contracts()
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
    to_publish, to_deliver, to_tell = asyncio.Event(), asyncio.Event(), asyncio.Event()
    changed = Both(to_publish, to_deliver, to_tell)
    clients, deliveries, parts, replica = await applying(
        settings, network, ring, store, ledger, changed=changed, make_parts=make_parts
    )
    reader, accepts = _reader(parts), _accepts(guarded)
    inbound = Inbound(reader, clients, store, deliveries, changed=changed, accepts=accepts)
    links = (make_links or links_of)(settings, inbound.refused_by_engine, inbound.refused_unread)
    outbound = Outbound(_of_clients(clients, links), store, to_deliver)
    api = api_of(settings, parts.register, clients, reader, store, accepts=accepts, changed=to_tell)
    pace = pace or Pace()
    today = today or _today(network, pace.now)
    flights = _flights(settings.sp, parts, ring, today, pace)
    publisher = Publisher(flights, replica, store, ledger, to_publish)
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
            *((("api", api.run(inbound.receive)),) if api is not None else ()),
            ("sign of life", beat(settings.data_folder, lambda: sessions_of(links), _guard_state(guarded))),
        ),
        lambda: log.info("node runs", sp=settings.sp, clients=sorted(clients)),
        ready,
    )


def _of_clients(clients: Mapping[str, Client], links: Mapping[str, Link]) -> dict[str, Link]:
    """The link of each client that is sent what it is told: those of the API come for it."""
    kinds = {name: client.settings.link.kind for name, client in clients.items()}
    return {name: links[kind] for name, kind in kinds.items() if kind != "http"}


def _flights(sp: str, parts: Parts, ring: KeyRing, today: Callable[[], date], pace: Pace) -> Flights:
    outbox = Outbox(sp, parts.secrets, today)
    key = BlockKey(sp, parts.register, ring.signing)
    return Flights(parts.register.id, key, outbox, pace.now)


def _reader(parts: Parts) -> Callable[[], Reader]:
    return current_reader(lambda: parts.register.now, parts.secrets.speaks_for)


def _accepts(guarded: Attached | None) -> Callable[[], bool]:
    """Tells whether there is room for what clients send."""
    gate = guarded.gate if guarded is not None else Gate()
    return lambda: gate.is_open


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
    known = await store.write(lambda connection: stored_register(connection, network).now)
    clients = {c.name: client_of(c, known, settings.provider_bic) for c in settings.clients}
    deliveries = Deliveries(settings.sp, clients)
    parts = (make_parts or application_parts)(settings.sp, register, ring, deliveries)
    application = Application(parts)
    await store.write(application.learn_stored)
    while await store.write(partial(application.take_up, count=TAKEN_UP_MAX)):
        pass
    if await store.write(lambda connection: setting(connection, RESTORING)):
        deliveries.expect_losses(_today(network, machine_clock)())
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


def application_parts(
    sp: str,
    register: Register,
    ring: KeyRing,
    deliveries: Deliveries,
    contracts: Mapping[str, Contract] | None = None,
) -> Parts:
    """What entries are handed to. contracts: by id, those of this release if not given."""
    keys = ring.keys
    secrets = DaySecrets(sp, register, ring)
    results = Results(
        sp=sp,
        register=register,
        secrets=secrets,
        keys=keys,
        deliveries=deliveries,
    )
    submissions = Submissions(register, results, deliveries)
    versions = Versions(register.contracts, installed_contracts() if contracts is None else contracts)
    deferral = Deferral(register.contracts, versions)
    documents = Documents(register, ring)
    shredding = Shredding(register, secrets, submissions, keys)
    return Parts(
        register=register,
        secrets=secrets,
        documents=documents,
        deferral=deferral,
        governance=Governance(register, secrets, shredding, deferral),
        checkpoints=Checkpoints(sp, register, BlockKey(sp, register, ring.signing)),
        submissions=submissions,
        results=results,
    )


def _today(network: Network, clock: Clock) -> Callable[[], date]:
    """The business day now, as the network counts days."""
    return lambda: on_the_clock(clock(), network.time_zone).date()
