"""What would keep a node from running, or from serving its clients, found before it is started.

Each part is checked as far as those before it allow, and nothing is changed: no folder made, no port kept.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from enum import StrEnum

from adapters.folder_link import Oversized
from adapters.mapping_file import MappingError
from node.act_records import stored_register
from node.block_key import BlockKey, next_key
from node.canonical_client import client_of
from node.inspection import Shown, is_running
from node.key_files import KeyFileError, load_keys
from node.links import http_settings, links_of
from node.nats_server import ServerError, usable_binary
from node.network import Network, NetworkError, load_network
from node.own_membership import membership_faults
from node.register import Register
from node.secret_files import SecretFileError
from node.settings import (
    ClientSettings,
    EmbeddedLedger,
    FixLinkSettings,
    FolderLinkSettings,
    HttpLinkSettings,
    NodeSettings,
    SettingsError,
)
from node.startup import check_member, protection, server_settings
from node.store import STORE_FILE, StoreError, read_store

FREE_BYTES_MIN = 1024**3


class Verdict(StrEnum):
    """error: the node will not run, or not serve a client. warning: it will, and yet."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Check(Shown):
    """One thing that was looked at. text: what is there, or what is wrong and what to do."""

    subject: str
    verdict: Verdict
    text: str


async def checks_of(settings: NodeSettings) -> list[Check]:
    """Everything about a node that can be told beforehand."""
    try:
        network = load_network(settings.network_file)
        checks = [_ok("network", f"{network.name}, {len(network.members)} members, id {network.id.hex()}")]
        checks += _network(network)
    except NetworkError as error:
        return [_error("network", error)]
    try:
        register = _register(settings, network)
    except StoreError as error:
        return [*checks, _error("data", error)]
    checks += _keys(settings, register)
    checks += await _ledger(settings, network)
    checks += _clients(settings, register)
    checks += _ports(settings)
    checks += _disk(settings)
    return checks


def _ok(subject: str, text: str) -> Check:
    return Check(subject=subject, verdict=Verdict.OK, text=text)


def _warning(subject: str, text: str) -> Check:
    return Check(subject=subject, verdict=Verdict.WARNING, text=text)


def _error(subject: str, error: object) -> Check:
    return Check(subject=subject, verdict=Verdict.ERROR, text=str(error))


def _network(network: Network) -> Iterator[Check]:
    """Whether its names are those of each other."""
    for broker, investor in network.rules:
        if unknown := [lei for lei in (broker, investor) if lei not in network.by_lei]:
            yield _error("network", f"a relationship names {', '.join(unknown)}: no such institution")
    names = {member.sp for member in network.members}
    for institution in network.institutions:
        if unknown := sorted({d.sp for d in institution.delegations} - names):
            yield _error("network", f"{institution.name} delegates to {', '.join(unknown)}: no such member")
    if network.replicas > len(network.members):
        yield _error(
            "network", f"{network.replicas} replicas need as many members, not {len(network.members)}"
        )


def _register(settings: NodeSettings, network: Network) -> Register:
    """The network as the node's store knows it, or as it was founded where there is no store yet."""
    path = settings.data_folder / STORE_FILE
    if not path.exists():
        return Register(network)
    with closing(read_store(path)) as connection:
        return stored_register(connection, network)


def _keys(settings: NodeSettings, register: Register) -> Iterator[Check]:
    try:
        wrapping = protection(settings)
        keys = load_keys(settings.keys_folder, wrapping)
        following = next_key(settings.keys_folder, wrapping)
        check_member(settings, register.genesis, keys)
    except (KeyFileError, SecretFileError, SettingsError) as error:
        yield _error("keys", error)
        return
    owned = [keys.signing, *([following] if following else [])]
    faults = membership_faults(settings, register, keys, BlockKey(settings.sp, register, owned))
    for about, fault in faults.items():
        yield _warning(about, fault) if about == "member" else _error("member", fault)
    encrypted = "in clear, readable by this user alone"
    if settings.passphrase_file or settings.token:
        encrypted = "encrypted"
    yield _ok("keys", f"those of {settings.sp} and of {len(keys.institutions)} institutions, {encrypted}")


async def _ledger(settings: NodeSettings, network: Network) -> list[Check]:
    chosen = settings.ledger
    if not isinstance(chosen, EmbeddedLedger):
        return [_warning("ledger", f"external at {', '.join(chosen.servers)}: checked when the node starts")]
    if not chosen.cluster_secret_file.exists():
        text = f"there is no {chosen.cluster_secret_file}: all members need the same; copy it from another"
        return [_error("ledger", text)]
    checks = []
    if chosen.cluster_secret_file.stat().st_mode & 0o077:
        checks.append(_error("ledger", f"{chosen.cluster_secret_file} is open to others: chmod 600"))
    if (others := network.replicas - 1) > len(chosen.routes):
        text = f"{network.replicas} replicas need routes to {others} other members, not {len(chosen.routes)}"
        checks.append(_error("ledger", text))
    try:
        binary = await usable_binary(server_settings(settings, chosen, network))
        checks.append(_ok("ledger", f"embedded, {binary}, {network.replicas} replicas"))
    except (SecretFileError, ServerError) as error:
        checks.append(_error("ledger", error))
    return checks


def _clients(settings: NodeSettings, register: Register) -> Iterator[Check]:
    for client in settings.clients:
        yield from _client(client, register.now, settings.provider_bic)
        if isinstance(client.link, FolderLinkSettings):
            yield from _folders(client.name, client.link)
        if isinstance(client.link, HttpLinkSettings) and not client.link.token_sha256:
            text = "it has no token, so nobody gets in: make one with `yakujo keys api`"
            yield _warning(f"client {client.name}", text)
    try:
        links_of(settings, _never_called, _never_called_either)
        http_settings(settings)
    except SettingsError as error:
        yield _error("links", error)
    if not settings.clients:
        yield _warning("clients", "there are none: add their files to clients/")
    served = register.served_by(settings.sp)
    for lei in sorted(served - {client.institution for client in settings.clients}):
        name = register.now.by_lei[lei].name
        yield _warning("clients", f"{name} ({lei}) delegates to {settings.sp}, but no client speaks for it")


def _client(settings: ClientSettings, network: Network, provider_bic: str | None) -> Iterator[Check]:
    subject = f"client {settings.name}"
    if settings.institution not in network.by_lei:
        text = "is not in this network, as far as this node knows"
        yield _error(subject, f"institution {settings.institution} {text}")
        return
    try:
        client = client_of(settings, network, provider_bic)
    except (MappingError, SettingsError) as error:
        yield _error(subject, error)
    else:
        reads = ", ".join(settings.reads)
        yield _ok(subject, f"{client.institution.name}, {settings.format}, reads {reads}")


def _folders(name: str, link: FolderLinkSettings) -> Iterator[Check]:
    for folder in (link.in_folder, link.out_folder, link.error_folder, link.archive_folder):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not existing.is_dir() or not os.access(existing, os.R_OK | os.W_OK | os.X_OK):
            yield _error(
                f"client {name}", f"{existing} cannot be written by this user: change its owner or mode"
            )


def _ports(settings: NodeSettings) -> Iterator[Check]:
    """Whether each port is free; those of a running node are its own."""
    wanted: dict[tuple[str, int], list[str]] = {}
    if isinstance(settings.ledger, EmbeddedLedger):
        ledger = settings.ledger
        for what, port in (("client", ledger.client_port), ("monitoring", ledger.monitor_port)):
            wanted.setdefault(("127.0.0.1", port), []).append(f"nats-server's {what} port")
        if ledger.routes:
            wanted.setdefault((ledger.host, ledger.cluster_port), []).append("nats-server's cluster port")
    for client in settings.clients:
        if isinstance(client.link, FixLinkSettings) and client.link.role == "acceptor":
            wanted.setdefault((client.link.host, client.link.port), []).append("FIX acceptors")
    if settings.api is not None:
        wanted.setdefault((settings.api.host, settings.api.port), []).append("the API")
    running = is_running(settings.data_folder)
    for (host, port), uses in wanted.items():
        if len(set(uses)) > 1:
            yield _error("ports", f"{host}:{port} is set for {' and '.join(sorted(set(uses)))}: change one")
        elif not running and (reason := _taken(host, port)):
            yield _error("ports", f"{host}:{port}, for {uses[0]}: {reason}")


def _taken(host: str, port: int) -> str:
    """Why nobody can listen there; empty where one can."""
    with suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"{error.strerror}: choose another port, or end what uses it"
    return ""


def _disk(settings: NodeSettings) -> Iterator[Check]:
    folder = settings.data_folder
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield _error("data", f"{existing} cannot be written by this user: change its owner or mode")
        return
    free = shutil.disk_usage(existing).free
    shown = f"{folder}, {free / 1024**3:.1f} GiB free"
    yield _ok("data", shown) if free >= FREE_BYTES_MIN else _warning("data", f"{shown}: make room")


async def _never_called(_: str, __: bytes, ___: bytes) -> None:
    """Links are made to be checked, not run."""


async def _never_called_either(_: Oversized) -> None:
    """Likewise."""
