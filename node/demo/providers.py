"""The three service providers: three daemons with a nats-server each, on free ports of this machine.

    providers = prepare(folder)        keys, network, settings and clients on disk
    provider.start() ... provider.kill(Part.LEDGER) ... provider.end()

Each daemon is the process that an operator would run. Only processes that were started here are ended, each
by its number.
"""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import psutil

from node.demo.market import (
    BROKER,
    FIRMS,
    MANAGER_A,
    MANAGER_B,
    MANAGER_C,
    PROVIDER_BICS,
    PROVIDERS,
    Firm,
    plan,
)
from node.identity import create_identity
from node.key_files import load_keys
from node.network import Network
from node.orphan import end_orphan
from node.settings import (
    ClientSettings,
    EmbeddedLedger,
    FixLinkSettings,
    FolderLinkSettings,
    NodeSettings,
)
from node.setup import NODE_FILE, found_alone, make_member, write_node

END_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.2
PORTS_PER_PROVIDER: Final = 4


class Part(StrEnum):
    """What of a provider can be killed."""

    DAEMON = "daemon"
    LEDGER = "nats-server"
    FIX = "FIX child"


class DemoError(Exception):
    """The demo cannot go on; the message says why and where to look."""


class Provider:
    """One service provider. folder: all that is its own. fix_port: where its FIX clients connect.

    environment: what its daemon is given beside the variables of this process.
    """

    def __init__(self, sp: str, folder: Path, fix_port: int) -> None:
        self.sp = sp
        self.folder = folder
        self.fix_port = fix_port
        self.environment: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def data(self) -> Path:
        """What the node keeps; nothing in it but what the node wrote."""
        return self.folder / "data"

    @property
    def store(self) -> Path:
        """The node's database."""
        return self.data / "yakujo.db"

    @property
    def log(self) -> Path:
        """What the daemon says."""
        return self.folder / "yakujo.log"

    def client_folder(self, client: str, box: str) -> Path:
        """A folder of a client that exchanges files: its "in", "out", "error" or "archive"."""
        return self.folder / client / box

    async def start(self) -> None:
        """Start the daemon; in a session of its own, so that a Ctrl-C is the demo's alone to handle."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "node", "run", str(self.folder)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """The exit code of a daemon that has ended by itself; None where it runs or was not started."""
        return self._process.returncode if self._process is not None else None

    def check(self) -> None:
        """Raise DemoError where the daemon has ended by itself."""
        if (code := self.code) is not None:
            last = self.log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise DemoError(f"the daemon of {self.sp} ended with code {code}: {last[:500]} (see {self.log})")

    async def kill(self, part: Part) -> None:
        """kill -9 one process of this provider; a daemon stays dead until `start`."""
        self.signal(part, signal.SIGKILL)
        if part is Part.DAEMON and self._process is not None:
            await self._process.wait()
            self._process = None

    def signal(self, part: Part, number: signal.Signals) -> None:
        """Send a signal to one process of this provider. Raises DemoError where there is none."""
        with suppress(ProcessLookupError):
            os.kill(self._pid_of(part), number)

    async def end(self) -> None:
        """End the daemon and with it its children; also a nats-server whose daemon was killed."""
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._process = None
        await end_orphan(self.data / "nats" / "nats.pid", str(self.data / "nats" / "nats.conf"), END_SECONDS)

    def has(self, part: Part) -> bool:
        """Whether there is such a process of this provider at present."""
        return self._found(part) is not None

    def _pid_of(self, part: Part) -> int:
        if (pid := self._found(part)) is None:
            raise DemoError(f"{self.sp} has no {part} at present")
        return pid

    def _found(self, part: Part) -> int | None:
        """Found by its command line: a number in a file may by now be another process's."""
        daemon = self._process.pid if self._process is not None else None
        if part is Part.DAEMON and daemon is not None:
            return daemon
        configuration = str(self.data / "nats" / "nats.conf")
        for process in psutil.process_iter(["ppid", "cmdline"]):
            command, parent = " ".join(process.info["cmdline"] or ()), process.info["ppid"]
            is_server = part is Part.LEDGER and configuration in command
            is_engine = part is Part.FIX and parent == daemon and "adapters.fix_engine" in command
            if is_server or is_engine:
                return process.pid
        return None


def prepare(
    folder: Path, planned: Mapping[str, Any] | None = None, also: tuple[Firm, ...] = ()
) -> tuple[Provider, ...]:
    """Everything that three providers need before their first start, in folders of their own.

    planned: the network as its founders plan it, the market's if not given. also: firms as they come to
    another provider than their own when that is down.
    """
    served = {sp: [firm for firm in (*FIRMS, *also) if firm.sp == sp] for sp in PROVIDERS}
    cards = [
        make_member(folder / sp, sp, [firm.lei for firm in served[sp]], None, PROVIDER_BICS[sp])
        for sp in PROVIDERS
    ]
    leis = sorted({lei for card in cards for lei in card.delegations})
    identities = [create_identity(folder / "institutions" / lei, lei, None) for lei in leis]
    founders = {sp: load_keys(folder / sp / "keys", None).signing for sp in PROVIDERS}
    network = found_alone(planned or plan(), cards, identities, founders)
    ports: dict[str, list[int]] = dict(zip(PROVIDERS, _free_ports(), strict=True))
    cluster_secret = secrets.token_hex(32)
    providers = tuple(Provider(sp, folder / sp, ports[sp][3]) for sp in PROVIDERS)
    for provider in providers:
        _write(provider, network, ports, served[provider.sp], cluster_secret)
    return providers


def _write(
    provider: Provider,
    network: Network,
    ports: dict[str, list[int]],
    firms: list[Firm],
    cluster_secret: str,
) -> None:
    client_port, cluster_port, monitor_port, _ = ports[provider.sp]
    ledger = EmbeddedLedger(
        kind="embedded",
        client_port=client_port,
        cluster_port=cluster_port,
        monitor_port=monitor_port,
        routes=tuple(f"127.0.0.1:{own[1]}" for sp, own in ports.items() if sp != provider.sp),
        cluster_secret_file=Path("keys/cluster.secret"),
    )
    settings = NodeSettings(
        sp=provider.sp,
        provider_bic=PROVIDER_BICS[provider.sp],
        ledger=ledger,
        clients=tuple(_client(firm, provider) for firm in firms),
    )
    write_node(provider.folder, network, settings, cluster_secret)
    assert (provider.folder / NODE_FILE).is_file()


def _client(firm: Firm, provider: Provider) -> ClientSettings:
    """How a provider serves a firm."""
    words = {
        BROKER: {
            "format": "fix",
            "mappings": "fix44",
            "reads": {name: name for name in ("8", "AE", "AK", "AS")},
        },
        MANAGER_A: {
            "format": "delimited",
            "mappings": "delimited",
            "reads": {"allocations": "allocations"},
            "copies": {"execution_notice": "notice", "confirmation": "confirmation"},
        },
        MANAGER_B: {
            "format": "iso20022",
            "mappings": "iso20022",
            "reads": {"setr.027.001.05": "setr.027"},
        },
        MANAGER_C: {
            "format": "fix",
            "mappings": "fix44",
            "reads": {name: name for name in ("J", "AU")},
            "copies": {"execution_notice": "AS", "confirmation": "AK"},
        },
    }[next(known for known in FIRMS if known.lei == firm.lei)]
    link = (
        _fix_link(firm, provider)
        if words["format"] == "fix"
        else _folder_link(firm, provider, words["format"])
    )
    own = {"name": firm.client, "institution": firm.lei, "backup": firm not in FIRMS}
    return ClientSettings.model_validate({**own, "link": link.model_dump(exclude_none=True), **words})


def _fix_link(firm: Firm, provider: Provider) -> FixLinkSettings:
    return FixLinkSettings(
        kind="fix",
        sender_comp_id=provider.sp.upper(),
        target_comp_id=comp_id(firm),
        port=provider.fix_port,
    )


def comp_id(firm: Firm) -> str:
    """What a firm calls itself in FIX sessions."""
    return firm.client.upper().replace("-", "_")


def _folder_link(firm: Firm, provider: Provider, form: object) -> FolderLinkSettings:
    extension = "csv" if form == "delimited" else "xml"
    return FolderLinkSettings(
        kind="folder",
        in_folder=provider.client_folder(firm.client, "in"),
        out_folder=provider.client_folder(firm.client, "out"),
        error_folder=provider.client_folder(firm.client, "error"),
        archive_folder=provider.client_folder(firm.client, "archive"),
        pattern=f"*.{extension}",
        extension=extension,
        poll_seconds=POLL_SECONDS,
    )


def _free_ports() -> list[list[int]]:
    """Ports that nobody uses now, for each provider, all different: each is held until all are found."""
    with ExitStack() as stack:
        found = []
        for _ in range(len(PROVIDERS) * PORTS_PER_PROVIDER):
            holder = stack.enter_context(socket.socket())
            holder.bind(("127.0.0.1", 0))
            found.append(int(holder.getsockname()[1]))
    return [found[at : at + PORTS_PER_PROVIDER] for at in range(0, len(found), PORTS_PER_PROVIDER)]
