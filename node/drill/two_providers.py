"""A broker with two providers: the first is killed, it goes on through the second, the first returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from node.demo.answers import RECEIVED, REFUSED, Heard, heard_in
from node.demo.clients import FixClient
from node.demo.ledger_view import delivery_deviations
from node.demo.market import BROKER
from node.demo.providers import Part, Provider, prepare
from node.demo.scenario import Expected, Sending
from node.demo.words import Way
from node.drill.account import Account, Asked
from node.drill.holding import apart_deviations
from node.drill.stage import Stage
from node.drill.trades import mixed, trades

ROUNDS: Final = 2
UNHEARD_MIN: Final = 8  # messages that the first provider has not answered when it is killed
RUSH_LOOK_SECONDS: Final = 0.01
RECEIVED_BEFORE: Final = "received before"  # and done once, or taken back since
FIRST, SECOND = BROKER.sp, "sp2"
BACKUP: Final = replace(BROKER, sp=SECOND)


async def two_providers(asked: Asked, account: Account) -> None:
    """The day is traded within asked.seconds; the first provider is killed in the midst of it."""
    told = sorted(mixed(ROUNDS), key=lambda trade: trade[1] != "mismatched")  # these have most to be told of
    scenario = trades(told, asked.seed, (Way.RECAP, Way.REPORT, Way.RECAP))
    third = len(scenario.blocks) // 3
    morning, rush, afternoon = (
        scenario.blocks[:third],
        scenario.blocks[third : 2 * third],
        scenario.blocks[2 * third :],
    )

    def prepared(folder: Path) -> tuple[Provider, ...]:
        return prepare(folder, also=(BACKUP,))

    async with Stage(asked, account, scenario, prepared) as stage, _with_two_sessions(stage) as broker:
        await stage.play_over(asked.seconds / 2, morning)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(0, rush), name="rush")
            while broker.unheard() < UNHEARD_MIN:  # noqa: ASYNC110 - what has been heard is looked up, not told
                await asyncio.sleep(RUSH_LOOK_SECONDS)
            await stage.kill(FIRST, Part.DAEMON, Part.LEDGER)
            account.tell(f"kill -9: daemon and nats-server of {FIRST}, in the midst of a rush")
            repeated = await broker.turn()
        account.tell(f"the broker repeats {repeated} messages, which nobody has answered, through {SECOND}")
        await stage.play_over(asked.seconds / 2, afternoon)
        await _all_heard_at_the_second(stage, broker)
        await stage.start(FIRST)
        await stage.settle()
        await stage.attested(FIRST, SECOND)
        await _all_told_by_the_first(stage, broker)
        account.tell(f"at rest: {stage.heads()}")
        await _hold(stage, broker)


class Broker(FixClient):
    """The broker's session at its second provider, beside the one at its first: it speaks through one."""

    def __init__(self, first: FixClient, provider: Provider, folder: Path) -> None:
        super().__init__(BACKUP, provider, folder)
        self.first = first
        self.repeated: set[str] = set()
        self._carried: list[Sending] = []
        self._turned = asyncio.Event()
        self._has_repeated = asyncio.Event()

    async def send(self, sending: Sending) -> None:
        """Through the first provider, or through the second from when the first is given up."""
        if self._turned.is_set() or not await self._sent_through_first(sending):
            await self._has_repeated.wait()  # what came before goes first
            await super().send(sending)

    async def _sent_through_first(self, sending: Sending) -> bool:
        sent = asyncio.create_task(self.first.send(sending))
        given_up = asyncio.create_task(self._turned.wait())
        _, left = await asyncio.wait({sent, given_up}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        if self._turned.is_set():
            self.repeated.add(_reference(sending))  # its engine may have it already, and sends it in the end
            return False
        self._carried.append(sending)
        return True

    def unheard(self) -> int:
        """How many messages the first provider was given and has not answered."""
        return len(self._unheard())

    def _unheard(self) -> list[Sending]:
        told = {heard.reference for heard in _said(self.first)}
        return [sending for sending in self._carried if _reference(sending) not in told]

    async def turn(self) -> int:
        """Give the first provider up, and repeat what it has not answered; how many messages that is."""
        unheard = self._unheard()
        self._turned.set()
        self.repeated |= {_reference(sending) for sending in unheard}
        for sending in unheard:
            await super().send(replace(sending, name=f"{sending.name}-again"))
        self._has_repeated.set()
        return len(unheard)


@asynccontextmanager
async def _with_two_sessions(stage: Stage) -> AsyncIterator[Broker]:
    """Put the broker with two sessions in the place of the one with one."""
    first = stage.clients[BROKER.client]
    assert isinstance(first, FixClient), "the demo's broker speaks FIX"
    folder = stage.folder / "clients" / f"{BROKER.client}-{SECOND}"
    broker = stage.clients[BROKER.client] = Broker(first, stage.providers[SECOND], folder)
    running = asyncio.create_task(broker.run(), name="broker's second session")
    try:
        await stage.until_true(broker.is_ready, f"the broker is logged on at {SECOND}")
        yield broker
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _all_heard_at_the_second(stage: Stage, broker: Broker) -> None:
    """Every result reaches the broker at its second provider while the first is dead."""

    def is_told() -> bool:
        stage.listen()
        return stage.verdict.outstanding() == 0

    text = (
        f"all results reach the broker at {SECOND} while {FIRST} is dead, also about what {FIRST} had carried"
    )
    try:
        await stage.until_true(is_told, text)
    finally:
        _allow_repetitions(stage, broker)
        stage.account.must(text, _lines(stage))


async def _all_told_by_the_first(stage: Stage, broker: Broker) -> None:
    """Each delivery of the first provider comes once: what became final last is still on its way now."""

    def deviations() -> list[str]:
        return list(delivery_deviations(stage.providers[FIRST], broker.first))

    text = f"each delivery of {FIRST} came once"
    try:
        await stage.until_true(lambda: not deviations(), text)
    finally:
        stage.account.must(text, deviations())


async def _hold(stage: Stage, broker: Broker) -> None:
    """What must hold once the first provider is back."""
    _allow_repetitions(stage, broker)
    await stage.hold()
    account, providers = stage.account, stage.providers
    account.must(
        f"{FIRST} tells the broker the same in the end", _other_words(broker, stage.verdict.expected)
    )
    apart = apart_deviations(providers[FIRST], providers[SECOND])
    account.must(f"{FIRST} and {SECOND} agree in all outcomes and states", apart)
    stage.hold_quiet()


def _allow_repetitions(stage: Stage, broker: Broker) -> None:
    """What is repeated and stands on the ledger already is refused once, as done before."""
    for key, expected in stage.verdict.expected.items():
        refused = [heard for heard in stage.verdict.heard.get(key, ()) if heard.status == REFUSED]
        if refused and key[0] == BROKER.client and expected.reference in broker.repeated:
            stage.verdict.expected[key] = replace(expected, refusals=((RECEIVED_BEFORE,),))


def _other_words(broker: Broker, expected: dict[tuple[str, str], Expected]) -> Iterator[str]:
    """Where the first provider's last word is not the final one, or it has told one thing twice."""
    said: dict[str, list[str]] = {}
    for heard in _said(broker.first):
        is_repetition = heard.status == REFUSED and heard.reference in broker.repeated
        if not (is_repetition and RECEIVED_BEFORE in "".join(heard.problems)):
            said.setdefault(heard.reference, []).append(heard.status)
    for reference, statuses in said.items():
        due = expected[BROKER.client, reference]
        if (due.final and statuses[-1] != due.final) or statuses.count(RECEIVED) > 1:
            yield f"{reference}: {due.final} is due, {FIRST} has told {', '.join(statuses)}"


def _lines(stage: Stage) -> list[str]:
    """What is missing in what was heard."""
    found = stage.verdict.deviations() if stage.verdict.outstanding() else {}
    return [f"{' '.join(key)}: {text}" for key, texts in found.items() for text in texts]


def _said(client: FixClient) -> list[Heard]:
    return [heard_in(BROKER.client, native) for native in client.heard()]


def _reference(sending: Sending) -> str:
    """A FIX message's own reference, as the demo names what it sends: "AS-XB-B00001"."""
    return sending.name.partition("-")[2]
