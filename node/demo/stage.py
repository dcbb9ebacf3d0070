"""The demo as it runs: providers and clients brought up, the scenario played, everything ended again.

async with Demo(scenario, folder) as demo:
    await demo.play()
    await demo.settle()
    demo.deviations()
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from node.demo import csv_messages, fix_messages
from node.demo.answers import fix_fields
from node.demo.clients import AT_ONCE_MAX, Client, FixClient, FolderClient
from node.demo.ledger_view import (
    delivery_deviations,
    entries_applied,
    head_deviations,
    is_quiet,
    outcome_deviations,
)
from node.demo.market import BROKER, FIRMS, MANAGER_A, MANAGER_C
from node.demo.providers import DemoError, Provider, prepare
from node.demo.scenario import Scenario, Sending
from node.demo.verdict import Verdict

READY_SECONDS_MAX: Final = 120.0
STALL_SECONDS_MAX: Final = 45.0
LOOK_SECONDS: Final = 0.25
BLOCKS_PER_FILE: Final = 5


class Demo:
    """Three providers and four clients, for use with `async with`.

    providers, clients: by name. verdict: what has been heard. sent: how many messages and files so far,
    answers: how many came back. outstanding: references that have not heard all that is due.
    prepared: makes the providers in a folder.
    """

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        prepared: Callable[[Path], tuple[Provider, ...]] = prepare,
    ) -> None:
        self.scenario = scenario
        self.folder = folder
        self._prepared = prepared
        self.verdict = Verdict(scenario.expected)
        self.providers: dict[str, Provider] = {}
        self.clients: dict[str, Client] = {}
        self.sent = 0
        self.answers = 0
        self.outstanding = len(self.verdict.expected)
        self._affirms = {name: said for block in scenario.blocks for name, said in block.affirms.items()}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Bring everything up; DemoError where that does not succeed."""
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def play(self) -> None:
        """Have all clients send all that the scenario says, each in its order, all at the same time."""
        async with asyncio.TaskGroup() as group:
            for client in self.clients.values():
                group.create_task(self._send(client), name=f"{client.firm.client} sends")

    async def settle(self) -> None:
        """Return when all that is due was heard and all nodes rest, or when nothing happens any more."""
        loop = asyncio.get_running_loop()
        before, since = (0, 0), loop.time()
        while not self._is_settled():
            self._check()
            now = (self.answers, self.entries())
            if now != before:
                before, since = now, loop.time()
            elif loop.time() - since > STALL_SECONDS_MAX:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def until(self, share: float) -> None:
        """Return when this share of what is due has been heard; for whoever wants to disturb the play."""
        due = len(self.verdict.expected)
        while self.outstanding > due * (1 - share):
            self._check()
            self._look()
            await asyncio.sleep(LOOK_SECONDS)

    def listen(self) -> int:
        """Take in what the clients have heard; how many answers that is."""
        self.answers = self.verdict.listen(self.clients.values())
        return self.answers

    def entries(self) -> int:
        """The size of the ledger, where it is longest."""
        return max(entries_applied(provider) for provider in self.providers.values())

    def deviations(self) -> list[str]:
        """All that is not as the scenario expects."""
        self.listen()
        providers = tuple(self.providers.values())
        found = [
            f"{' '.join(key)}: {text}" for key, texts in self.verdict.deviations().items() for text in texts
        ]
        found += [*self.verdict.unsound, *head_deviations(providers), *outcome_deviations(providers)]
        return [*found, *self._delivery_deviations()]

    def _delivery_deviations(self) -> Iterator[str]:
        for client in self.clients.values():
            yield from delivery_deviations(self.providers[client.firm.sp], client)

    async def _start(self) -> None:
        self.providers = {p.sp: p for p in await asyncio.to_thread(self._prepared, self.folder)}
        for provider in self.providers.values():
            await provider.start()
        self.clients = {firm.client: self._client(firm.client) for firm in FIRMS}
        self._tasks = [asyncio.create_task(client.run(), name=name) for name, client in self.clients.items()]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_SECONDS_MAX
        while waiting := [name for name, client in self.clients.items() if not client.is_ready()]:
            self._check()
            if loop.time() > deadline:
                raise DemoError(f"not served after {READY_SECONDS_MAX:.0f} seconds: {', '.join(waiting)}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self) -> None:
        """End all that was started, the clients first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(provider.end() for provider in self.providers.values()))

    def _client(self, name: str) -> Client:
        firm = next(firm for firm in FIRMS if firm.client == name)
        provider = self.providers[firm.sp]
        if firm in (BROKER, MANAGER_C):
            replies = self._affirmations if firm is MANAGER_C else lambda _: ()
            return FixClient(firm, provider, self.folder / "clients" / name, replies)
        return FolderClient(firm, provider)

    def _affirmations(self, raw: bytes) -> Iterator[bytes]:
        """What asset manager C answers to a confirmation, where it has not computed its own figures."""
        message, fields = fix_fields(raw)
        if message == fix_messages.CONFIRMATION and fields["664"] in self._affirms:
            affirmed = self._affirms[fields["664"]]
            said = fix_messages.affirmation(fields["664"], affirmed=affirmed)
            yield fix_messages.encoded(fix_messages.AFFIRMATION, said)

    async def _send(self, client: Client) -> None:
        for some in _in_lots(self._sendings(client)):
            async with (
                asyncio.TaskGroup() as group
            ):  # begun in order, which is the order in which they go out
                for sending in some:
                    group.create_task(client.send(sending))
            self.sent += len(some)

    def _sendings(self, client: Client) -> Iterator[Sending]:
        sendings = self.scenario.sendings(client.firm.client)
        return csv_messages.packed(sendings, BLOCKS_PER_FILE) if client.firm is MANAGER_A else sendings

    def _is_settled(self) -> bool:
        self._look()
        is_quiet_everywhere = not self.outstanding and all(map(is_quiet, self.providers.values()))
        return is_quiet_everywhere and self._is_level() and not any(self._delivery_deviations())

    def _look(self) -> None:
        self.listen()
        self.outstanding = self.verdict.outstanding()

    def _is_level(self) -> bool:
        return len({entries_applied(provider) for provider in self.providers.values()}) == 1

    def _check(self) -> None:
        """Raise where a daemon or a client has ended by itself."""
        for provider in self.providers.values():
            provider.check()
        self._check_tasks()

    def _check_tasks(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error


def _in_lots(sendings: Iterable[Sending]) -> Iterator[list[Sending]]:
    lot: list[Sending] = []
    for sending in sendings:
        lot.append(sending)
        if len(lot) == AT_ONCE_MAX:
            yield lot
            lot = []
    if lot:
        yield lot
