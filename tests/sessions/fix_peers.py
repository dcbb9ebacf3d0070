"""Counterparts for tests of FIX sessions: a link that runs, an inbox, a client on bare bytes."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from adapters.fix_link import EngineReject, FixLink
from adapters.fix_sessions import FixSession
from adapters.link import Arrival, ClientAwayError, Delivery

PATIENCE_SECONDS = 50.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fix_text(*fields: tuple[int, str | bytes], begin: str = "FIX.4.4") -> bytes:
    """A message with right length and checksum."""
    octets = [(tag, value if isinstance(value, bytes) else value.encode()) for tag, value in fields]
    body = b"".join(b"%d=%b\x01" % pair for pair in octets)
    head = b"8=%b\x019=%d\x01" % (begin.encode(), len(body))
    return head + body + b"10=%03d\x01" % (sum(head + body) % 256)


def report(reference: str, *more: tuple[int, str | bytes]) -> bytes:
    """An allocation report as our format would write it: the session's fields are the engine's to set."""
    allocations: list[tuple[int, str | bytes]] = [
        (78, "2"),
        (79, "FUND1"),
        (80, "600"),
        (79, "FUND2"),
        (80, "400"),
    ]
    return fix_text(
        (35, "AS"), (755, reference), (71, "0"), (794, "4"), (87, "3"), (857, "0"), (54, "1"), (55, "7203"),
        (53, "1000"), (6, "2500.5"), (75, "20261120"), *allocations, *more,
    )  # fmt: skip


def value(raw: bytes, tag: int) -> str:
    """The first value of a tag, decoded as UTF-8."""
    found = raw.partition(b"\x01%d=" % tag)[2]
    return found.partition(b"\x01")[0].decode("utf-8", "surrogateescape")


def session(client: str, role: Literal["acceptor", "initiator"], port: int, **more: object) -> FixSession:
    """One side of the session between SP and `client`."""
    ours, theirs = ("SP", client) if role == "acceptor" else (client, "SP")
    words = {"sender_comp_id": ours, "target_comp_id": theirs, "reconnect_seconds": 1, **more}
    return FixSession.model_validate({"client": client, "role": role, "port": port, **words})


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; fail where it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for is another process's doing
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs that is no zombie."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def kill_child(link: FixLink) -> int:
    """kill -9 of this link's own child."""
    assert link.child_pid is not None
    pid = link.child_pid
    os.kill(pid, signal.SIGKILL)
    return pid


@dataclass
class Inbox:
    """Stores what arrives, as a daemon would."""

    arrivals: list[Arrival] = field(default_factory=list)
    rejects: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    async def receive(self, arrival: Arrival) -> None:
        """A link hands over a message."""
        self.arrivals.append(arrival)

    async def rejected(self, client: str, raw: bytes, reject: bytes) -> None:
        """A link hands over what the engine rejected."""
        self.rejects.append((client, raw, reject))

    def references(self) -> list[str]:
        """Tag 755 of all that arrived, in order."""
        return [value(arrival.raw, 755) for arrival in self.arrivals]


@asynccontextmanager
async def running(
    sessions: list[FixSession], state: Path, inbox: Inbox, reject: EngineReject | None = None, **more: int
) -> AsyncIterator[FixLink]:
    """A link that runs for the length of the block."""
    link = FixLink(sessions, state, on_engine_reject=reject or inbox.rejected, **more)
    task = asyncio.create_task(link.run(inbox.receive))
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


async def deliver(link: FixLink, client: str, name: str, raw: bytes) -> None:
    """Send as a delivery queue does: again, under the same id, until it is taken."""
    while True:
        try:
            return await link.send(Delivery(name, client, "result", raw))
        except ClientAwayError:
            await asyncio.sleep(0.02)


class BareClient:
    """A FIX engine that does as it is told: no checks, no sequence but its own, any bytes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0
        self.heard: list[bytes] = []
        self.closed = False

    async def connect(self, port: int, *logon: tuple[int, str]) -> None:
        """Connect and log on."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with suppress(ConnectionRefusedError):
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                await asyncio.sleep(0.02)
        self._listening = asyncio.create_task(self._listen())
        self.write(self.framed("A", (98, "0"), (108, "30"), *logon))
        await until(lambda: self.closed or any(value(raw, 35) == "A" for raw in self.heard))

    def framed(self, kind: str, *fields: tuple[int, str | bytes], number: int | None = None) -> bytes:
        """The next message of the session."""
        if number is None:
            self._number = number = self._number + 1
        now = datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
        return fix_text((35, kind), (49, self._name), (56, "SP"), (34, str(number)), (52, now), *fields)

    def write(self, raw: bytes) -> None:
        """Any bytes."""
        self._writer.write(raw)

    async def close(self) -> None:
        """Hang up."""
        self._listening.cancel()
        self._writer.close()
        await asyncio.gather(self._listening, return_exceptions=True)

    def rejects(self) -> list[bytes]:
        """What the engine rejected."""
        return [raw for raw in self.heard if value(raw, 35) == "3"]

    async def _listen(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                raw = await self._reader.readuntil(b"\x0110=")
                self.heard.append(raw + await self._reader.readuntil(b"\x01"))
        self.closed = True
