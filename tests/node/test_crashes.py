"""Whatever dies and whenever: each message is answered once, results go out once per id, in order."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from forging import public_state
from messages import block, file, report
from mortal import Death, Moment, hand_over, kept_alive
from scene import Node, Scene, digest, first_answers, in_folder, outcomes

from node.memory_ledger import Faults, MemoryLedger

TRADES = 4


@dataclass(frozen=True)
class Sent:
    """What a client sends. refused: by its own SP, so that it never comes to the ledger."""

    raw: bytes
    refused: bool = False


def broker_sends() -> list[Sent]:
    """Reports, one sent twice, one that reuses a reference for something else, one of an unknown security."""
    good = [Sent(report(f"B-{number}")) for number in range(TRADES)]
    return [
        *good[:2],
        good[1],
        Sent(report("B-X", isin="JP3496400007"), refused=True),
        Sent(report("B-0", commission="1")),
        *good[2:],
    ]


def investor_sends() -> list[Sent]:
    """The same trades, one with another commission, and one of an unknown fund."""
    said = [
        Sent(file(block(f"A-{number}", order=f"B-{number}", commission=str(56910 + number // 3))))
        for number in range(TRADES)
    ]
    return [*said[:1], Sent(file(block("A-X", fund="F9")), refused=True), *said[1:]]


async def send_all(node: Node, name: str, messages: list[Sent]) -> None:
    """In order; the next when the one before was taken."""
    for number, message in enumerate(messages):
        await hand_over(node, name, message.raw, f"{name}/{number}")


async def run(scene: Scene, deaths: dict[str, list[Death]]) -> None:
    async with kept_alive(scene, deaths) as died:
        await asyncio.gather(
            send_all(scene.sp1, "broker", broker_sends()), send_all(scene.sp2, "investor", investor_sends())
        )
        await scene.settled()
    assert {"sp1", "sp2"} <= set(died)


def assert_nothing_lost(scene: Scene) -> None:
    for node, name, messages in (
        (scene.sp1, "broker", broker_sends()),
        (scene.sp2, "investor", investor_sends()),
    ):
        assert node.rows("SELECT bytes FROM raw ORDER BY id") == [(m.raw,) for m in messages]
        ordered = [digest(m.raw) for m in messages if not m.refused]
        said = node.rows("SELECT source FROM said WHERE fault IS NULL ORDER BY position")
        assert [source for (source,) in said if source in ordered] == ordered
        assert {s: n for s, n in first_answers(node).items() if s in ordered} == Counter(ordered)
        assert_delivered_once(node, name, sum(m.refused for m in messages))
    assert outcomes(scene.sp1) == outcomes(scene.sp2)
    assert {found for (found,) in scene.sp1.rows("SELECT finality FROM decided")} == {"final"}
    for node in scene.nodes.values():
        assert node.head() == scene.sp1.head()
        assert public_state(node) == public_state(scene.sp1)
        assert node.alarms() == {}
    agreed = [json.loads(row[5]) for row in outcomes(scene.sp1) if row[4] == "MAGR"]
    assert len({result["trade"] for result in agreed}) == TRADES - 1


def assert_delivered_once(node: Node, name: str, refused_here: int) -> None:
    """In the order in which it was queued; what was sent again was the same under the same id."""
    queued = node.rows("SELECT id, bytes FROM delivery WHERE client = ? ORDER BY number", name)
    assert [(d.id, d.raw) for d in node.link.to(name)] == queued
    assert {(d.id, d.raw) for d in node.link.sent if d.client == name} == set(queued)
    refusals = [d for d in node.link.to(name) if "-refused-" in d.id]
    assert len(refusals) == refused_here


@pytest.mark.parametrize("seed", range(8))
async def test_nodes_that_die_at_any_step(tmp_path: Path, seed: int):
    """Each SP's daemon is killed three times, and the ledger loses, repeats and forgets to acknowledge."""
    chance = Random(seed)
    ledger = MemoryLedger(Faults(lost=0.2, unacknowledged=0.2, duplicated=0.2, delay=0.002), chance)
    scene = in_folder(tmp_path, ledger)
    deaths = {
        sp: [(chance.randint(1, 25 * number), chance.choice(list(Moment))) for number in (1, 2, 3)]
        for sp in scene.nodes
    }
    await run(scene, deaths)
    assert_nothing_lost(scene)
