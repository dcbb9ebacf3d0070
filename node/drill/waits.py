"""The other side's node is away: what the rules of the relationship allow meanwhile."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from node.block import archived_block
from node.demo.answers import MATCHED, fix_fields
from node.demo.market import BROKER, MANAGER_B, plan
from node.demo.providers import Part, prepare
from node.demo.scenario import Block
from node.drill.account import Account, Asked
from node.drill.holding import rows
from node.drill.stage import Stage
from node.drill.trades import matched, trades

TRADES: Final = 5
ADVISORY: Final = ("3", "2")
"""How FIX says that a result is provisional: neither accepted nor rejected (87), advisory (573)."""


async def waits(asked: Asked, account: Account) -> None:
    """The rules have a result wait for asked.seconds, which here are whole."""
    wait = max(1, round(asked.seconds))
    scenario = trades(matched(MANAGER_B, TRADES), asked.seed)
    async with Stage(asked, account, scenario, partial(prepare, planned=_plan(wait))) as stage:
        for block in scenario.blocks:
            await _say(stage, block, by_broker=False)
        await stage.until_true(lambda: _accepted(stage) == TRADES, f"{BROKER.sp} has read the investor")
        await stage.kill(MANAGER_B.sp, Part.DAEMON, Part.LEDGER)
        account.tell(f"kill -9: daemon and nats-server of {MANAGER_B.sp}, the investor's provider")
        for block in scenario.blocks:
            await _say(stage, block, by_broker=True)
        account.tell(f"the broker has reported {TRADES} trades that match; the rules have it wait {wait} s")
        await stage.until_true(lambda: len(_provisional(stage)) >= TRADES, "provisional results are told")
        account.tell("the broker has heard all results, as provisional")
        account.must("no result is told as final while the other side's node is away", _final(stage))
        account.must("no provisional result is released before the wait is over", _early(stage, wait))
        await stage.start(MANAGER_B.sp)
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}; every result is confirmed")
        await stage.hold()
        stage.hold_quiet()


def _plan(wait: int) -> Mapping[str, Any]:
    planned = plan()
    rules = {"provisional_after_seconds": wait}
    return planned | {"relationships": [one | {"rules": rules} for one in planned["relationships"]]}


async def _say(stage: Stage, block: Block, *, by_broker: bool) -> None:
    """Have one side of a trade speak."""
    for sending in block.sendings:
        if (sending.client == BROKER.client) == by_broker:
            await stage.clients[sending.client].send(sending)
            stage.sent += 1


def _accepted(stage: Stage) -> int:
    [(count,)] = rows(stage.providers[BROKER.sp], "SELECT COUNT(*) FROM outcome WHERE kind = 'receipt'")
    return int(count)


def _provisional(stage: Stage) -> set[str]:
    """The references of which the broker has heard a provisional result."""
    heard = [fix_fields(native.raw)[1] for native in stage.clients[BROKER.client].heard()]
    return {fields["755"] for fields in heard if (fields.get("87"), fields.get("573")) == ADVISORY}


def _final(stage: Stage) -> Iterator[str]:
    stage.listen()
    for (client, reference), answers in stage.verdict.heard.items():
        if any(answer.status == MATCHED for answer in answers):
            yield f"{client} has been told a final result about {reference}"


def _early(stage: Stage, wait: int) -> Iterator[str]:
    """A provisional result that was queued sooner after its block was made than the rules allow."""
    query = (
        "SELECT delivery.id, delivery.queued, archive.block FROM delivery JOIN outcome"
        " ON outcome.id = delivery.outcome JOIN archive ON archive.first <= outcome.position"
        " AND archive.first + archive.entries > outcome.position WHERE delivery.status LIKE 'provisional%'"
    )
    for name, queued, raw in rows(stage.providers[BROKER.sp], query):
        waited = (queued - archived_block(raw).time) / 1_000_000
        if waited < wait:
            yield f"{name} was released after {waited:.1f} seconds, due are {wait}"
