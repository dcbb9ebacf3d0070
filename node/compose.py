"""The one place that puts a node together: settings in, running tasks out."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import structlog
from pydantic import ValidationError

from adapters.fix_link import EngineReject, FixLink
from adapters.fix_sessions import FixSession
from adapters.folder_link import FolderClient, FolderLink, RefuseTooLarge
from adapters.link import Link
from node.application import Application
from node.clients import Client
from node.collector import rare_collections
from node.deliveries import Deliveries
from node.inbound import Inbound
from node.jetstream import JetStreamLedger, LedgerSettings
from node.key_files import load_keys
from node.keys import NodeKeys, signing_text
from node.ledger import Ledger
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer
from node.network import Network, load_network
from node.outbound import Outbound
from node.publisher import Publisher
from node.pulse import Session, beat
from node.replica import Replica, head
from node.secrets import DaySecrets
from node.settings import (
    ClientSettings,
    EmbeddedLedger,
    FixLinkSettings,
    NodeSettings,
    SettingsError,
    cluster_secret_in,
    passphrase_in,
)
from node.store import STORE_FILE, Store, keep_setting, setting

STREAM = "LEDGER"
LOCK_FILE = "lock"

log = structlog.get_logger(__name__)


async def run_node(settings: NodeSettings, ready: Callable[[], None] = lambda: None) -> None:
    """Run a node until cancelled; ends with the first error that is not for the outside to mend.

    ready: called when the node is attached to the ledger and serves its clients.
    """
    network = load_network(settings.network_file)
    keys = load_keys(settings.keys_folder, passphrase(settings))
    check_member(settings, network, keys)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(settings.data_folder), rare_collections():
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.data_folder / STORE_FILE))
            await store.write(lambda connection: _check_network(connection, network))
            at = await store.write(head)
            ledger = await stack.enter_async_context(attached(settings, network, create=at.sequence == 0))
            await serve(settings, network, keys, store, ledger, ready)


MakeLinks = Callable[[NodeSettings, EngineReject, RefuseTooLarge], dict[str, Link]]


async def serve(
    settings: NodeSettings,
    network: Network,
    keys: NodeKeys,
    store: Store,
    ledger: Ledger,
    ready: Callable[[], None],
    *,
    make_links: MakeLinks | None = None,
) -> None:
    """Build the two directions and the links, and run their tasks. make_links: links_of, except in tests."""
    clients = {c.name: Client(c, network, settings.provider_bic) for c in settings.clients}
    secrets = DaySecrets(network, keys)
    deliveries = Deliveries(clients)
    application = Application(network, secrets, deliveries)
    await store.write(application.learn_stored)
    to_publish, to_deliver = asyncio.Event(), asyncio.Event()
    changed = _Both(to_publish, to_deliver)
    inbound = Inbound(
        sp=settings.sp,
        network=network,
        clients=clients,
        secrets=secrets,
        store=store,
        deliveries=deliveries,
        changed=changed,
    )
    links = (make_links or links_of)(settings, inbound.refused_by_engine, inbound.refused_unread)
    outbound = Outbound({name: links[c.settings.link.kind] for name, c in clients.items()}, store, to_deliver)
    publisher, replica = _replication(
        settings.sp, network, keys, store, ledger, application, to_publish=to_publish, changed=changed
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(replica.run(), name="replica")
        group.create_task(publisher.run(), name="publisher")
        group.create_task(inbound.run(), name="inbound")
        group.create_task(outbound.run(), name="outbound")
        for kind, link in links.items():
            group.create_task(link.run(inbound.receive), name=f"{kind} link")
        group.create_task(beat(settings.data_folder, lambda: _sessions(links)), name="sign of life")
        log.info("node runs", sp=settings.sp, clients=sorted(clients))
        ready()


def _replication(
    sp: str,
    network: Network,
    keys: NodeKeys,
    store: Store,
    ledger: Ledger,
    application: Application,
    *,
    to_publish: asyncio.Event,
    changed: asyncio.Event,
) -> tuple[Publisher, Replica]:
    """Both directions of the ledger."""
    read_back = asyncio.Event()
    publisher = Publisher(
        sp=sp,
        network=network.id,
        key=keys.signing,
        store=store,
        ledger=ledger,
        changed=to_publish,
        read_back=read_back,
    )
    replica = Replica(
        sp=sp,
        network=network,
        store=store,
        ledger=ledger,
        application=application,
        changed=changed,
        read_back=read_back,
    )
    return publisher, replica


class _Both(asyncio.Event):
    """One event for whoever changes the store, told on to both loops that work it off."""

    def __init__(self, *others: asyncio.Event) -> None:
        super().__init__()
        self._others = others

    def set(self) -> None:
        """Wake all."""
        for other in self._others:
            other.set()


def links_of(
    settings: NodeSettings, on_engine_reject: EngineReject, on_too_large: RefuseTooLarge
) -> dict[str, Link]:
    """One link per kind of transport that any client uses. Raises SettingsError for contradictions."""
    chosen = [_link_settings(client) for client in settings.clients]
    sessions = [one for one in chosen if isinstance(one, FixSession)]
    folders = [one for one in chosen if isinstance(one, FolderClient)]
    links: dict[str, Link] = {}
    try:
        if sessions:
            links["fix"] = FixLink(sessions, settings.data_folder / "fix", on_engine_reject=on_engine_reject)
        if folders:
            links["folder"] = FolderLink(folders, on_too_large)
    except ValueError as error:
        raise SettingsError(f"the clients' links: {error}") from error
    return links


def _link_settings(client: ClientSettings) -> FixSession | FolderClient:
    """A client's part of its link. Raises SettingsError."""
    link = client.link
    values = {"client": client.name, **link.model_dump(exclude={"kind"})}
    try:
        return FixSession(**values) if isinstance(link, FixLinkSettings) else FolderClient(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"client {client.name}: {first['msg']}") from error


def _sessions(links: Mapping[str, Link]) -> tuple[int | None, tuple[Session, ...]]:
    """The FIX engine's process and how its sessions are now."""
    link = links.get("fix")
    if not isinstance(link, FixLink):
        return None, ()
    return link.child_pid, tuple(Session.model_validate(status) for status in link.status())


@asynccontextmanager
async def attached(settings: NodeSettings, network: Network, *, create: bool) -> AsyncIterator[Ledger]:
    """The ledger, checked; with the node's own nats-server where the settings ask for one."""
    chosen = settings.ledger
    async with AsyncExitStack() as stack:
        if isinstance(chosen, EmbeddedLedger):
            server = await stack.enter_async_context(
                EmbeddedServer(server_settings(settings, chosen, network))
            )
            servers: tuple[str, ...] = (server.url,)
            user, password, monitoring = server.user, server.password, server.monitoring
        else:
            servers, user, monitoring = chosen.servers, chosen.user, chosen.monitoring or ""
            password = _password(chosen.password_file)
        ledger = JetStreamLedger(
            LedgerSettings(
                servers=servers,
                user=user,
                password=password,
                stream=STREAM,
                sp=settings.sp,
                replicas=network.replicas,
                monitoring=monitoring or None,
                create=create,
            )
        )
        yield await stack.enter_async_context(ledger)


def _password(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def server_settings(settings: NodeSettings, chosen: EmbeddedLedger, network: Network) -> ServerSettings:
    """How the node's own nats-server is to run."""
    return ServerSettings(
        name=settings.sp,
        directory=settings.data_folder / "nats",
        client_port=chosen.client_port,
        cluster_port=chosen.cluster_port,
        monitor_port=chosen.monitor_port,
        cluster=f"yakujo-{network.id.hex()[:16]}",
        cluster_secret=cluster_secret_in(chosen.cluster_secret_file),
        routes=chosen.routes,
        cluster_host=chosen.host,
    )


def passphrase(settings: NodeSettings) -> bytes | None:
    """The passphrase of the private keys: from the file of the settings, or None where they have none."""
    return passphrase_in(settings.passphrase_file)


def check_member(settings: NodeSettings, network: Network, keys: NodeKeys) -> None:
    """Raise SettingsError where this node is not the member that its settings say, or lacks keys."""
    member = next((m for m in network.members if m.sp == settings.sp), None)
    if member is None:
        raise SettingsError(f"{settings.sp} is not a member of the network in {settings.network_file}")
    if member.signing_key != signing_text(keys.signing.public_key()):
        raise SettingsError(
            f"the signing key in {settings.keys_folder} is not the one that the network has for {settings.sp}"
        )
    served = network.served_by(settings.sp)
    for client in settings.clients:
        if client.institution not in served:
            raise SettingsError(
                f"client {client.name}: institution {client.institution} has no delegation to {settings.sp}"
            )
    if missing := sorted(served - set(keys.institutions)):
        raise SettingsError(f"{settings.keys_folder} lacks the keys of {', '.join(missing)}")


def _check_network(connection: sqlite3.Connection, network: Network) -> None:
    known = setting(connection, "network")
    if known is None:
        keep_setting(connection, "network", network.id.hex())
    elif known != network.id.hex():
        raise SettingsError(
            "the store belongs to another network: its network file was different; restore that file"
        )


@contextmanager
def _alone(folder: Path) -> Iterator[IO[bytes]]:
    """Hold the folder's lock: two nodes on one store would destroy it. A node that dies frees it."""
    with (folder / LOCK_FILE).open("wb") as lock:
        os.fchmod(lock.fileno(), 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"a node is running already on {folder}") from None
        yield lock
