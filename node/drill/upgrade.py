"""A network goes over from one contract to the next under load; one node has the next one only later."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from node.act import ActivateContract
from node.act_submission import submit_act
from node.act_words import short_contract
from node.commands.told import sentence
from node.contract_identity import contract_id
from node.deferral import MISSING
from node.demo.market import PROVIDERS
from node.demo.programme import programme
from node.demo.providers import DemoError, Provider, prepare
from node.drill.account import Account, Asked
from node.drill.contracts import altered
from node.drill.holding import alarms, rows
from node.drill.stage import PATIENCE_SECONDS, Stage
from node.settings import load_settings
from node.setup import NODE_FILE

BLOCKS: Final = 90
FROM: Final = "matching/1"
TO: Final = "matching/2"
BEHIND: Final = "sp3"
PAUSE_SECONDS_MAX: Final = 2.0
WITHOUT_THE_NEXT: Final = f"""
for _register in (CONTRACTS, FORGET, HALVES_OF):
    del _register["{TO}"]
"""
"""What makes a release that does not have the next contract yet."""


async def upgrade(asked: Asked, account: Account) -> None:
    """Trading for asked.seconds; a quarter into it the members vote, later the last one follows."""

    def prepared(folder: Path) -> tuple[Provider, ...]:
        providers = prepare(folder)
        behind = next(provider for provider in providers if provider.sp == BEHIND)
        behind.environment = altered(folder / "altered", WITHOUT_THE_NEXT)
        return providers

    async with Stage(asked, account, programme(BLOCKS, asked.seed), prepared) as stage:
        await stage.until_true(lambda: _have_said_what_they_have(stage), "all have said what they have")
        account.tell(f"{BEHIND} runs a release without {TO}")
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(asked.seconds), name="load")
            await asyncio.sleep(asked.seconds / 4)
            since = await _vote(stage)
            await stage.until_true(lambda: MISSING in alarms(stage.providers[BEHIND]), f"{BEHIND} halts")
            account.must("the node that lacks it says which one it needs", await _unsaid(stage))
            await asyncio.sleep(asked.seconds / 4)
            account.must("it decides nothing from there on, and keeps all", _decided(stage, since))
            ended = time.time()  # its server ends with it: whichever leads then is no matter of contracts
            await stage.end(BEHIND)
            stage.providers[BEHIND].environment = {}
            await stage.start(BEHIND)
        await stage.settle()
        await stage.attested(*PROVIDERS)
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()
        providers = tuple(stage.providers.values())
        account.must("each result is of the contract of its position, at all nodes", _mixed(providers, since))
        others = [provider for provider in providers if provider.sp != BEHIND]
        account.must(
            f"at the others nobody has waited longer than {PAUSE_SECONDS_MAX:g} s for a first answer",
            _pauses(others, ended, account),
        )


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
    findings = json.loads(out)["findings"]
    said = next((one for one in findings if needed in one), None)
    stage.account.tell(f"yakujo status at {BEHIND}, exit code {code}: {said}")
    return [] if said and code == 1 else [f"exit code {code}, findings {findings}"]


def _decided(stage: Stage, since: int) -> Iterator[str]:
    provider = stage.providers[BEHIND]
    [(decided,)] = rows(provider, "SELECT COUNT(*) FROM decided WHERE position >= ?", since)
    [(waiting,)] = rows(provider, "SELECT COUNT(*) FROM deferred")
    stage.account.tell(f"{waiting} submissions wait at {BEHIND} for {TO}")
    if decided or not waiting:
        yield f"{BEHIND} has decided {decided} from position {since} on, and {waiting} wait"


def _mixed(providers: tuple[Provider, ...], since: int) -> Iterator[str]:
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
        seen = {short_contract(decided) for _, decided, _ in found}
        if len(seen) != len((FROM, TO)):
            yield f"{provider.sp} has decided by {', '.join(sorted(seen))} alone"


def _pauses(providers: list[Provider], until: float, account: Account) -> Iterator[str]:
    """How long clients waited for first answers to what they sent up to a moment, in seconds since 1970."""
    query = (
        "SELECT (MIN(delivery.queued) - raw.received) / 1e6 FROM raw"
        " JOIN submission ON submission.raw = raw.id JOIN delivery USING (source, client)"
        " WHERE delivery.kind <> 'copy' AND raw.received < ? GROUP BY raw.id"
    )
    for provider in providers:
        waits = sorted(seconds for (seconds,) in rows(provider, query, round(until * 1e6)))
        if not waits:
            yield f"{provider.sp} has answered nobody"
            continue
        account.tell(
            f"{provider.sp}: first answers after {waits[len(waits) // 2]:.2f} s (median),"
            f" {waits[-1]:.2f} s (the longest) of {len(waits)}"
        )
        if waits[-1] > PAUSE_SECONDS_MAX:
            yield f"a client of {provider.sp} waited {waits[-1]:.2f} s for its first answer"
