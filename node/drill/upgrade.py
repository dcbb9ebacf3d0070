"""A network goes over from one contract to the next under load; one node has the next one only later."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

from node.act import ActivateContract
from node.act_submission import submit_act
from node.act_words import short_contract
from node.commands.exits import LACKS_CONTRACT
from node.commands.told import sentence
from node.contract_identity import contract_id
from node.deferral import MISSING
from node.demo.ledger_view import entries_applied
from node.demo.market import PROVIDERS
from node.demo.providers import DemoError, Provider, prepare
from node.demo.scenario import Scenario
from node.drill.account import Account, Asked
from node.drill.contracts import altered
from node.drill.engine import engine_of, lead
from node.drill.holding import alarms, rows
from node.drill.phases import (
    Phases,
    Wait,
    first_answers,
    longer_than,
    results_between,
    summary,
    told_by_phase,
    waiting_longer_than,
)
from node.drill.stage import PATIENCE_SECONDS, Stage
from node.drill.trades import mixed, trades
from node.settings import load_settings
from node.setup import NODE_FILE

ROUNDS: Final = 36
BLOCKS_PER_SECOND: Final = 5
FRESH_SECONDS: Final = 1.0
STEADY_SECONDS: Final = 2.0
FROM: Final = "matching/1"
TO: Final = "matching/2"
BEHIND: Final = "sp3"
PAUSE_SECONDS_MAX: Final = 2.0
BEFORE: Final = "before the vote"
VOTE: Final = "vote and activation"
HALTED: Final = f"{BEHIND} lacks the next"
LEADS: Final = f"the lead passes to {BEHIND}"
ENDED: Final = f"{BEHIND} ends"
STARTED: Final = f"{BEHIND} starts"
CATCHES_UP: Final = f"{BEHIND} catches up"
AFTER: Final = "afterwards"
WITHOUT_THE_NEXT: Final = f"""
for _register in (CONTRACTS, FORGET, HALVES_OF):
    del _register["{TO}"]
"""
"""What makes a release that does not have the next contract yet."""


async def upgrade(asked: Asked, account: Account) -> None:
    """Trading without a pause: asked.seconds, in thirds, beside what voting, ending and starting take."""

    def prepared(folder: Path) -> tuple[Provider, ...]:
        providers = prepare(folder)
        behind = next(provider for provider in providers if provider.sp == BEHIND)
        behind.environment = altered(folder / "altered", WITHOUT_THE_NEXT)
        return providers

    async with Stage(asked, account, _scenario(asked.seed), prepared) as stage:
        await stage.until_true(lambda: _have_said_what_they_have(stage), "all have said what they have")
        account.tell(f"{BEHIND} runs a release without {TO}")
        phases, enough = Phases(account), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_until(enough, BLOCKS_PER_SECOND), name="load")
            since = await _play(stage, phases, asked.seconds / 3)
            enough.set()
        await stage.settle()
        await stage.attested(*PROVIDERS)
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()
        providers = tuple(stage.providers.values())
        account.must(
            "each result names one contract, that of its position, at all nodes",
            _mixed(providers, since, account),
        )
        _hold_waits(stage, phases)


def _scenario(seed: int) -> Scenario:
    """Trades that match, that do not, that are taken back and replaced, with clients of all providers."""
    told = mixed(ROUNDS)
    Random(seed).shuffle(told)  # noqa: S311 - for play, and the same each time
    return trades(told, seed)


async def _play(stage: Stage, phases: Phases, seconds: float) -> int:
    """Everything that happens while the firms trade; from which position on the next contract judges."""
    phases.begin(BEFORE)
    await asyncio.sleep(seconds)
    phases.begin(VOTE)
    since = await _vote(stage)
    await stage.until_true(lambda: MISSING in alarms(stage.providers[BEHIND]), f"{BEHIND} halts")
    phases.begin(HALTED)
    stage.account.must("the node that lacks it says which one it needs", await _unsaid(stage))
    await asyncio.sleep(seconds)
    stage.account.must("it decides nothing from there on, and keeps all", _decided(stage, since))
    phases.begin(LEADS)
    await _lead(stage)
    phases.begin(ENDED)
    await stage.end(BEHIND)
    stage.providers[BEHIND].environment = {}
    phases.begin(STARTED)
    size = entries_applied(stage.providers[PROVIDERS[0]])
    await stage.start(BEHIND)
    phases.begin(CATCHES_UP)
    await _caught_up(stage, size)
    phases.begin(AFTER)
    await asyncio.sleep(seconds)
    return since


async def _lead(stage: Stage) -> None:
    """Have the server that is to end lead the ledger: then its end is felt most."""
    async with engine_of(stage.providers[PROVIDERS[0]]) as client:
        if not await lead(client, BEHIND):
            raise DemoError(f"the server of {BEHIND} does not come to lead the ledger")
    stage.account.tell(f"the server of {BEHIND} leads the ledger")


async def _caught_up(stage: Stage, size: int) -> None:
    """Return when the node has decided what waited, and none of its clients has waited long, for a while."""
    behind, since = stage.providers[BEHIND], time.monotonic()

    def is_steady() -> bool:
        nonlocal since
        if not _is_at_rest(stage, behind, size):
            since = time.monotonic()
        return time.monotonic() - since >= STEADY_SECONDS

    await stage.until_true(is_steady, f"{BEHIND} has caught up")


def _is_at_rest(stage: Stage, behind: Provider, size: int) -> bool:
    [(waiting,)] = rows(behind, "SELECT COUNT(*) FROM deferred")
    if waiting or MISSING in alarms(behind) or entries_applied(behind) < size:
        return False
    own = [client for client in stage.clients.values() if client.firm.sp == BEHIND]
    return all(client.is_ready() for client in own) and not waiting_longer_than(FRESH_SECONDS, behind)


def _have_said_what_they_have(stage: Stage) -> bool:
    query = "SELECT COUNT(DISTINCT sp) FROM act WHERE json_extract(act, '$.act') = 'installed'"
    return all(rows(provider, query)[0][0] == len(PROVIDERS) for provider in stage.providers.values())


async def _vote(stage: Stage) -> int:
    """Two of three vote for the next contract; from which position on it judges."""
    act = ActivateContract(contract=contract_id(TO))
    for sp in ("sp1", "sp2"):
        settings = load_settings(stage.providers[sp].folder / NODE_FILE)
        voted = await asyncio.to_thread(submit_act, settings, act, PATIENCE_SECONDS)
        stage.account.tell(f"{sp}: {sentence(voted)}")
    if voted.position is None or not voted.in_effect:
        raise DemoError(f"two of three have voted, and it is not in effect: {sentence(voted)}")
    return voted.position + 1


async def _run(stage: Stage, sp: str, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "node", *arguments, str(stage.providers[sp].folder)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def _unsaid(stage: Stage) -> list[str]:
    """Where `yakujo status` does not say it, or does not end with the code by which monitoring notices."""
    needed = contract_id(TO)
    code, out, _ = await _run(stage, BEHIND, "status", "--json")
    told = json.loads(out)
    findings = told["findings"]
    said = next((one for one in findings if needed in one), None)
    stage.account.tell(f"yakujo status at {BEHIND}, exit code {code}: {said}")
    is_told = said and code == LACKS_CONTRACT and told["waits"]["contract"] == needed
    return [] if is_told else [f"exit code {code}, findings {findings}"]


def _decided(stage: Stage, since: int) -> Iterator[str]:
    provider = stage.providers[BEHIND]
    [(decided,)] = rows(provider, "SELECT COUNT(*) FROM decided WHERE position >= ?", since)
    [(waiting,)] = rows(provider, "SELECT COUNT(*) FROM deferred")
    stage.account.tell(f"{waiting} submissions wait at {BEHIND} for {TO}")
    if decided or not waiting:
        yield f"{BEHIND} has decided {decided} from position {since} on, and {waiting} wait"


def _mixed(providers: tuple[Provider, ...], since: int, account: Account) -> Iterator[str]:
    """Decisions and results of another contract than that of their position."""
    query = (
        "SELECT position, contract, json_extract(outcome, '$.contract') FROM decided"
        " JOIN outcome USING (position)"
    )
    for provider in providers:
        found = rows(provider, query)
        for position, decided, told in found:
            due = contract_id(TO if position >= since else FROM)
            if not decided == told == due:
                yield f"{provider.sp}: position {position} was decided by {decided}, told by {told}"
        counted = Counter(short_contract(decided) for _, decided, _ in found)
        named = ", ".join(f"{count} name {contract}" for contract, count in sorted(counted.items()))
        account.tell(f"{provider.sp}: of {len(found)} receipts, refusals and results {named}")
        if len(counted) != len((FROM, TO)):
            yield f"{provider.sp} has decided by {', '.join(sorted(counted))} alone"


def _hold_waits(stage: Stage, phases: Phases) -> None:
    """Nobody whose node was up has waited long. What waited for the node that was not is told for itself."""
    account, behind = stage.account, stage.providers[BEHIND]
    up = [provider for provider in stage.providers.values() if provider.sp != BEHIND]
    waits = {f"first answers at {provider.sp}": first_answers(provider) for provider in up}
    waits["results of trades between them"] = results_between(*up)
    for whose, found in waits.items():
        told_by_phase(phases, whose, found)
    own, between = first_answers(behind), results_between(up[0], behind)
    told_by_phase(phases, f"first answers at {BEHIND}", own)
    name = f"first answers at {BEHIND} before the vote, and after it has caught up"
    waits[name] = [wait for wait in own if phases.of(wait.began) in (BEFORE, AFTER)]
    awaited = [wait.seconds for wait in between if phases.of(wait.began) not in (BEFORE, AFTER)]
    account.tell(f"results between {up[0].sp} and {BEHIND} of what was said meanwhile: {summary(awaited)}")
    account.must(
        f"nobody whose node was there has waited longer than {PAUSE_SECONDS_MAX:g} s for it, in any phase",
        _too_long(waits, phases),
        is_timed=True,
    )


def _too_long(waits: Mapping[str, list[Wait]], phases: Phases) -> Iterator[str]:
    for whose, found in waits.items():
        if not found:
            yield f"{whose}: none"
        yield from longer_than(PAUSE_SECONDS_MAX, whose, found, phases)
