"""The demo's stage for drills: a pace, daemons that are started again as systemd would, and what must hold.

async with Stage(asked, account, scenario) as stage:
    await stage.play_over(20)          beside it: stage.providers["sp1"].kill(...), stage.until(...)
    await stage.settle()
    await stage.hold()
"""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from node.commands.exits import FOUND, TRY_AGAIN
from node.demo.ledger_view import head_of, outcome_deviations
from node.demo.market import BROKER
from node.demo.providers import DemoError, Part, Provider, prepare
from node.demo.scenario import Block, Scenario
from node.demo.stage import LOOK_SECONDS, Demo
from node.demo.verdict import Verdict
from node.drill.account import Account, Asked
from node.drill.holding import (
    alarm_deviations,
    archive_deviations,
    counted_deviations,
    fault_deviations,
    unattested,
)
from node.pulse import read_pulse
from node.store import StoreError

PATIENCE_SECONDS: Final = 90.0
RESTART_SECONDS: Final = 1.0


class Stage(Demo):
    """Three providers and four firms under a drill, for use with `async with`.

    prepared: makes the providers in a folder; a drill may change them before they start.
    """

    def __init__(
        self,
        asked: Asked,
        account: Account,
        scenario: Scenario,
        prepared: Callable[[Path], tuple[Provider, ...]] = prepare,
    ) -> None:
        super().__init__(scenario, asked.folder, prepared)
        self.account = account
        self._keeper: asyncio.Task[None] | None = None
        self._refusing: set[str] = set()

    async def __aenter__(self) -> Self:
        """Bring everything up, and keep it up."""
        self.account.tell("three providers with a nats-server each, and four firms, are being started")
        await super().__aenter__()
        self._keeper = asyncio.create_task(self._keep(), name="as systemd does")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await super().__aexit__(kind, error, trace)

    async def play_over(self, seconds: float, blocks: Sequence[Block] | None = None) -> None:
        """Have the firms trade these blocks, all of the scenario if not given, spread over so many seconds.

        Of each block the investor speaks first: nobody affirms a trade before it has said how it is split.
        """
        chosen = self.scenario.blocks if blocks is None else blocks
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for number, block in enumerate(chosen):
                await asyncio.sleep(began + number * seconds / len(chosen) - loop.time())
                group.create_task(self._trade(block), name=f"block {block.number}")

    async def play_until(self, enough: asyncio.Event, blocks_per_second: float) -> None:
        """Have the firms trade at a pace until it is enough: what has not begun by then is due to nobody.

        Raises DemoError where the scenario is over before.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        played: list[Block] = []
        async with asyncio.TaskGroup() as group:
            while not enough.is_set():
                if len(played) == len(self.scenario.blocks):
                    raise DemoError(f"it is not enough yet after {len(played)} blocks: play more slowly")
                block = self.scenario.blocks[len(played)]
                played.append(block)
                group.create_task(self._trade(block), name=f"block {block.number}")
                await asyncio.sleep(began + len(played) / blocks_per_second - loop.time())
        self.scenario = Scenario(tuple(played))
        self.verdict = Verdict(self.scenario.expected)

    async def _trade(self, block: Block) -> None:
        for sending in sorted(block.sendings, key=lambda sending: sending.client == BROKER.client):
            await self.clients[sending.client].send(sending)
            self.sent += 1

    async def until_true(
        self, condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Return when something holds. Raises DemoError, which names it, where it does not in time.

        A store that cannot be read just now is one in which it does not hold yet.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            self._check()
            with suppress(StoreError, sqlite3.Error, OSError):
                if condition():
                    return
            if loop.time() > deadline:
                raise DemoError(f"after {seconds:.0f} seconds it is still not so: {what}")
            await asyncio.sleep(LOOK_SECONDS)

    async def level(self, providers: Iterable[Provider] | None = None) -> None:
        """Return when these nodes, all if not given, have applied the same."""
        chosen = tuple(providers or self.providers.values())
        what = f"{', '.join(provider.sp for provider in chosen)} have applied the same"
        await self.until_true(lambda: len({head_of(provider) for provider in chosen}) == 1, what)

    async def attested(self, *sps: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when these nodes know both sides' word on all that they could read, and all are level."""
        chosen = [self.providers[sp] for sp in sps]
        await self.until_true(lambda: not unattested(chosen), f"{', '.join(sps)} have attested all", seconds)
        await self.level()

    async def kill(self, sp: str, *parts: Part) -> None:
        """kill -9 parts of a provider, as far as they run just now."""
        self.listen()  # firms have heard what was told before, whatever is told again afterwards
        for part in parts:
            with suppress(DemoError):
                await self.providers[sp].kill(part)

    async def start(self, sp: str) -> None:
        """Start a provider's daemon, and wait until it serves its clients."""
        provider, before = self.providers[sp], time.time()
        await provider.start()

        def serves() -> bool:
            pulse = read_pulse(provider.data)
            return pulse is not None and pulse.started > before

        await self.until_true(serves, f"{sp} serves its clients")
        self.account.tell(f"{sp} is started again")

    async def end(self, sp: str) -> None:
        """End a provider's daemon, and with it its server, as systemd does."""
        self.listen()
        await self.providers[sp].end()
        self.account.tell(f"{sp} is ended")

    async def refused(self, sp: str) -> str:
        """Start a daemon that must not run as it is; why it ends. Raises DemoError where it does run."""
        provider, loop = self.providers[sp], asyncio.get_running_loop()
        self._refusing.add(sp)
        deadline = loop.time() + PATIENCE_SECONDS
        try:
            await provider.start()
            while (code := provider.code) is None:
                if loop.time() > deadline:
                    raise DemoError(f"{sp} runs, and should have refused to")
                await asyncio.sleep(LOOK_SECONDS)
            reason = _last_reason(provider)
            self.account.tell(f"{sp} ends at its start with code {code}: {reason}")
            await provider.end()
        finally:
            self._refusing.discard(sp)
        return reason

    async def command(self, name: str, sp: str, *arguments: str) -> int:
        """Run a command of `yakujo` on a provider's folder, and tell what it prints; its exit code."""
        provider = self.providers[sp]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "node", name, str(provider.folder), *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        self.account.tell(f"yakujo {name}, at {sp}:")
        for line in out.decode().splitlines():
            self.account.tell(f"    {line.rstrip()}")
        code = process.returncode
        assert code is not None, "it has ended"
        if code not in (0, FOUND):
            last = err.decode().strip().rpartition("\n")[2]
            raise DemoError(f"yakujo {name} at {sp} ends with code {code}: {last}")
        return code

    async def hold(self, passed_over: Mapping[int, str] | None = None) -> None:
        """What must hold in every drill, once the stage has settled.

        passed_over: blocks that do not count, and why, by sequence; none if not given.
        """
        await self.level()
        providers = tuple(self.providers.values())
        self.account.must("every message has its answer, and each answer came once", self.answer_deviations())
        self.account.must(
            "all nodes that can read a trade have come to the same", outcome_deviations(providers)
        )
        self.account.must(
            "every node has passed over the same blocks, for the same reasons, and no other",
            fault_deviations(providers, passed_over or {}),
        )
        self.account.must(
            "all archives hold the same blocks in the same order, with the same states",
            archive_deviations(providers),
        )
        self.account.must(
            "no message counts twice, and none has overtaken another of its client",
            counted_deviations(providers),
        )

    def hold_quiet(self) -> None:
        """No node has found anything that a person must look at."""
        self.account.must("no node has raised an alarm", alarm_deviations(self.providers.values()))

    def answer_deviations(self) -> Iterator[str]:
        """Answers that are missing, wrong or told twice."""
        self.listen()
        for key, texts in self.verdict.deviations().items():
            yield from (f"{' '.join(key)}: {text}" for text in texts)
        yield from self.verdict.unsound
        yield from self._delivery_deviations()

    def heads(self) -> str:
        """How far all nodes are, for people."""
        found = {head_of(provider) for provider in self.providers.values()}
        told = sorted(f"{head.sequence} blocks, {head.size} entries, root {head.root}" for head in found)
        return "; ".join(told)

    def _check(self) -> None:
        """A daemon that ends to be started again, as systemd does, is no reason to stop."""
        for sp, provider in self.providers.items():
            if provider.code != TRY_AGAIN and sp not in self._refusing:
                provider.check()
        self._check_tasks()

    async def _keep(self) -> None:
        while True:
            for provider in self.providers.values():
                if provider.code == TRY_AGAIN and provider.sp not in self._refusing:
                    self.account.tell(f"{provider.sp} has ended with code {TRY_AGAIN} and is started again")
                    await provider.start()
            await asyncio.sleep(RESTART_SECONDS)


def _last_reason(provider: Provider) -> str:
    """Why a daemon has ended, as the last line of its log says."""
    last = provider.log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    try:
        return str(json.loads(last)["reason"])
    except (ValueError, KeyError, TypeError):
        return last
