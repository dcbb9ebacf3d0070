"""What a node checks and opens before it runs: its folder, its keys, its network, its ledger."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canonical.contracts import CONTRACTS
from node.act_records import stored_register
from node.contract_rules import contract_findings
from node.generation import Generation, generation_in
from node.guard import GuardSettings, ServerGuard
from node.guard_disk import DiskMarks
from node.guard_external import ExternalGuard
from node.jetstream import JetStreamLedger, LedgerSettings
from node.key_wrapping import Protection
from node.keys import NodeKeys, signing_text
from node.ledger import Ledger
from node.nats_config import ServerSettings
from node.network import Network
from node.pkcs11_wrapping import TokenPlace, TokenWrapping
from node.refilling import may_make_stream, take_up
from node.register import Register
from node.replica import head
from node.secret_files import passphrase_in, secret_text_in
from node.settings import (
    EmbeddedLedger,
    NodeSettings,
    SettingsError,
)
from node.store import STORE_FILE, keep_setting, read_store, setting

STREAM = "LEDGER"  # of the first generation
LOCK_FILE = "lock"


class Gate:
    """Whether there is room for what clients send; the guard opens and closes it."""

    def __init__(self) -> None:
        self.is_open = True

    def set(self, is_open: bool) -> None:  # noqa: FBT001 - the form of the guard's callback
        """Take what arrives, or refuse it."""
        self.is_open = is_open


@dataclass(frozen=True, slots=True)
class Attached:
    """The ledger, and the guard of the server that serves it to this node."""

    ledger: Ledger
    guard: ServerGuard | ExternalGuard
    gate: Gate


@asynccontextmanager
async def attached(settings: NodeSettings, network: Network, *, create: bool) -> AsyncIterator[Attached]:
    """The ledger, checked; with the node's own nats-server where the settings ask for one.

    create: the node has read nothing yet, and may make the stream of the first generation.
    """
    path = settings.data_folder / STORE_FILE
    generation = generation_in(settings.network_file, network)
    may_make = may_make_stream(path, generation, is_new=create)
    gate, is_there = Gate(), asyncio.Event()
    async with AsyncExitStack() as stack:
        archive = stack.enter_context(closing(read_store(path)))

        def archived() -> int:
            return head(archive).sequence if is_there.is_set() or not may_make else 0

        guarded = _guarded(settings, network, stored_register(archive, network), generation)
        guard, access = await _guard(settings, network, guarded, archived, gate, stack)
        ledger = JetStreamLedger(
            LedgerSettings(
                servers=access.servers,
                user=access.user,
                password=access.password,
                stream=guarded.stream,
                sp=settings.sp,
                replicas=network.replicas,
                monitoring=access.monitoring,
                create=may_make,
            )
        )
        await stack.enter_async_context(ledger)
        await take_up(ledger, path, generation)
        is_there.set()
        yield Attached(ledger, guard, gate)


@dataclass(frozen=True, slots=True)
class _Access:
    """How the server is reached."""

    servers: tuple[str, ...]
    user: str
    password: str
    monitoring: str | None


async def _guard(
    settings: NodeSettings,
    network: Network,
    guarded: GuardSettings,
    archived: Callable[[], int],
    gate: Gate,
    stack: AsyncExitStack,
) -> tuple[ServerGuard | ExternalGuard, _Access]:
    """The guard, and the server that it lets this node use."""
    chosen = settings.ledger
    if isinstance(chosen, EmbeddedLedger):
        own = server_settings(settings, chosen, network)
        embedded = ServerGuard(own, guarded, archived=archived, accepting=gate.set)
        server = await stack.enter_async_context(embedded.server)
        return embedded, _Access((server.url,), server.user, server.password, server.monitoring)
    external = ExternalGuard(
        chosen.monitoring, guarded, fence_command=chosen.fence_command, accepting=gate.set
    )
    await external.check()
    password = secret_text_in(chosen.password_file)
    return external, _Access(chosen.servers, chosen.user, password, chosen.monitoring)


def _guarded(
    settings: NodeSettings, network: Network, register: Register, generation: Generation | None
) -> GuardSettings:
    return GuardSettings(
        stream=in_generation(STREAM, generation),
        replicas=network.replicas,
        members=tuple(member.sp for member in register.now.members),
        folder=settings.data_folder,
        disk=DiskMarks(
            full_percent=settings.disk.full_percent,
            low_bytes=settings.disk.low_bytes,
            resume_bytes=settings.disk.low_bytes // 4,
        ),
    )


def in_generation(name: str, generation: Generation | None) -> str:
    """What a stream or a cluster is called in a generation."""
    return name if generation is None else f"{name}-{generation.statement.generation}"


def server_settings(settings: NodeSettings, chosen: EmbeddedLedger, network: Network) -> ServerSettings:
    """How the node's own nats-server is to run. Servers of different generations never form one cluster."""
    generation = generation_in(settings.network_file, network)
    return ServerSettings(
        name=settings.sp,
        directory=server_folder(settings),
        client_port=chosen.client_port,
        cluster_port=chosen.cluster_port,
        monitor_port=chosen.monitor_port,
        cluster=in_generation(f"yakujo-{network.id.hex()[:16]}", generation),
        cluster_secret=secret_text_in(chosen.cluster_secret_file),
        routes=chosen.routes,
        cluster_host=chosen.host,
    )


def server_folder(settings: NodeSettings) -> Path:
    """Where the node's own nats-server keeps all that it has."""
    return settings.data_folder / "nats"


def protection(settings: NodeSettings) -> Protection:
    """What the private keys are wrapped with: a token, a passphrase, or nothing. Raises SecretFileError."""
    token = settings.token
    if token is None:
        return passphrase_in(settings.passphrase_file)
    return TokenWrapping(
        TokenPlace(module=token.module, token=token.token, key=token.key, pin=secret_text_in(token.pin_file))
    )


def check_contracts() -> None:
    """Raise SettingsError where a contract of this release could compute otherwise than at other nodes."""
    found = [str(finding) for finding in contract_findings(*CONTRACTS)]
    if found:
        raise SettingsError(
            f"the contracts here are not as they were released: {'; '.join(found[:3])}. Install them again"
        )


def check_member(settings: NodeSettings, network: Network, keys: NodeKeys) -> None:
    """Raise SettingsError where this can never be the node of the SP that its settings say.

    Members, their keys and delegations may have changed since the network file was made: once the node has
    caught up, node.own_membership checks it against them.
    """
    own = signing_text(keys.signing.public_key())
    for member in network.members:
        if member.signing_key == own and member.sp != settings.sp:
            raise SettingsError(
                f"the signing key in {settings.keys_folder} is that of {member.sp}, not of {settings.sp}: "
                "correct sp, or keys_folder"
            )


def check_network(connection: sqlite3.Connection, network: Network) -> None:
    """Note to which network a new store belongs, and raise SettingsError where one belongs to another."""
    known = setting(connection, "network")
    if known is None:
        keep_setting(connection, "network", network.id.hex())
    elif known != network.id.hex():
        raise SettingsError(
            "the store belongs to another network: its network file was different; restore that file"
        )


@contextmanager
def alone(folder: Path) -> Iterator[IO[bytes]]:
    """Hold the folder's lock: two nodes on one store would destroy it. A node that dies frees it."""
    with (folder / LOCK_FILE).open("wb") as lock:
        os.fchmod(lock.fileno(), 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"a node is running already on {folder}") from None
        yield lock
