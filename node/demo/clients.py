"""The four firms' own systems: two FIX engines, a folder of CSV files and one of ISO 20022 files.

A client sends what it is given, in order, through whatever happens to its provider, and keeps every native
answer that it gets.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from adapters.fix_link import FixLink
from adapters.fix_sessions import FixSession
from adapters.link import Arrival, ClientAwayError, Delivery
from node.demo.market import Firm
from node.demo.providers import Provider, comp_id
from node.demo.scenario import Sending

AT_ONCE_MAX: Final = 32
AWAY_SECONDS: Final = 0.1
_NO_ANSWER: Final = re.compile(r"\.|\d{5}-")
"""Names of files that are being written, and of a firm's own that came back unread: too large."""


@dataclass(frozen=True, slots=True)
class Native:
    """One native answer. id: as the client can tell it from others: FIX session and number, or file name."""

    id: str
    raw: bytes


class Client(Protocol):
    """One firm's own system. answers: where what it heard can be looked at."""

    firm: Firm
    answers: tuple[Path, ...]

    async def run(self) -> None:
        """Serve until cancelled."""
        ...

    def is_ready(self) -> bool:
        """Whether its provider serves it."""
        ...

    async def send(self, sending: Sending) -> None:
        """Hand over; returns when the message is on its way for good."""
        ...

    def heard(self) -> list[Native]:
        """All native answers so far, in the order in which they came."""
        ...


class FixClient:
    """A firm on its own quickfix engine, an initiator.

    replies: what the firm answers to a message by itself, such as an affirmation to a confirmation.
    """

    def __init__(
        self,
        firm: Firm,
        provider: Provider,
        folder: Path,
        replies: Callable[[bytes], Iterable[bytes]] = lambda _: (),
    ) -> None:
        self.firm = firm
        self.answers: tuple[Path, ...] = (folder / "received.fix",)
        self._replies = replies
        self._heard: dict[str, bytes] = {}
        self._to_reply: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        session = FixSession(
            client=firm.client,
            role="initiator",
            sender_comp_id=comp_id(firm),
            target_comp_id=provider.sp.upper(),
            port=provider.fix_port,
            reconnect_seconds=1,
        )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._link = FixLink([session], folder / "engine")

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.run(self._receive), name=f"{self.firm.client} engine")
            group.create_task(self._reply(), name=f"{self.firm.client} replies")

    @property
    def engine_pid(self) -> int | None:
        """The firm's own quickfix process."""
        return self._link.child_pid

    def is_ready(self) -> bool:
        """Whether the session is logged on."""
        return self._link.connected(self.firm.client)

    async def send(self, sending: Sending) -> None:
        """Give the message to the engine, again and again while the provider is away."""
        delivery = Delivery(sending.name, self.firm.client, "message", sending.raw)
        while True:
            try:
                await self._link.send(delivery)
            except ClientAwayError:
                await asyncio.sleep(AWAY_SECONDS)
            else:
                return

    def heard(self) -> list[Native]:
        """All messages that came, in the order of their numbers."""
        return [Native(origin, raw) for origin, raw in self._heard.items()]

    async def _receive(self, arrival: Arrival) -> None:
        if arrival.origin in self._heard:
            return  # the session had it repeated: our engine was asked twice, the firm sees it once
        self._heard[arrival.origin] = arrival.raw
        with self.answers[0].open("ab") as file:
            file.write(arrival.raw + b"\n")
        for number, reply in enumerate(self._replies(arrival.raw)):
            self._to_reply.put_nowait((f"{arrival.origin}-{number}", reply))

    async def _reply(self) -> None:
        while True:
            name, raw = await self._to_reply.get()
            await self.send(Sending(self.firm.client, name, raw))


class FolderClient:
    """A firm that exchanges files with its provider."""

    def __init__(self, firm: Firm, provider: Provider) -> None:
        self.firm = firm
        self._in = provider.client_folder(firm.client, "in")
        self.answers = tuple(provider.client_folder(firm.client, box) for box in ("out", "error"))
        self._heard: dict[str, tuple[int, bytes]] = {}
        self._sent = 0

    async def run(self) -> None:
        """Nothing runs here: the provider looks at the folder."""

    def is_ready(self) -> bool:
        """Whether the provider has made the folder."""
        return self._in.is_dir()

    async def send(self, sending: Sending) -> None:
        """Write the file beside and rename it in, whole. Its number keeps the order, that of names."""
        self._sent += 1
        file = self._in / f"{self._sent:05}-{sending.name}"
        temporary = file.with_name(f".{file.name}.tmp")
        temporary.write_bytes(sending.raw)
        temporary.replace(file)

    def heard(self) -> list[Native]:
        """All files that came back, in the order of their times.

        A folder read while files come may show one and not yet an earlier one: a second look shows all
        that are as old as what the first has shown.
        """
        self._look()
        latest = max((time for time, _ in self._heard.values()), default=0)
        self._look()
        ordered = sorted((time, name, raw) for name, (time, raw) in self._heard.items() if time <= latest)
        return [Native(name, raw) for _, name, raw in ordered]

    def _look(self) -> None:
        for folder in self.answers:
            for entry in os.scandir(folder) if folder.is_dir() else ():
                if entry.name not in self._heard and not _NO_ANSWER.match(entry.name):
                    self._heard[entry.name] = (entry.stat().st_mtime_ns, Path(entry.path).read_bytes())
