"""While the other side's node is away, the rules may let a result go out: marked, and not for good."""

from dataclasses import replace
from pathlib import Path

import pytest
from messages import block, file, report
from releases import Clock, finality, kinds, other_contract, told, worse
from scene import PACE, Scene, in_folder, running

from node.memory_ledger import MemoryLedger

WAIT = 30


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scene(tmp_path: Path, clock: Clock) -> Scene:
    """The rules of its relationships have a result wait for the other side's node, and then no longer."""
    made = in_folder(tmp_path, MemoryLedger(), provisional_after_seconds=WAIT)
    made.sp1.pace = replace(PACE, clock=clock)
    return made


async def said_while_sp2_goes(scene: Scene) -> None:
    """Both sides have said the same, and of the two nodes only the broker's has seen both."""
    await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
    await scene.settled()
    await scene.sp2.stop()
    await scene.sp1.arrives("broker", report("B-1"))
    await scene.settled()


async def test_nothing_but_receipts_while_the_other_sides_node_is_away(tmp_path: Path):
    """Where the rules let no wait end, a result waits; restarts release nothing."""
    scene = in_folder(tmp_path, MemoryLedger())
    async with running(scene):
        await said_while_sp2_goes(scene)
        await scene.sp1.stop()
        await scene.sp1.start()
        await scene.settled()
        assert finality(scene.sp1) == ["final", "open"]
        assert kinds(scene.sp1, "broker") == ["receipt"]
        await scene.sp2.start()
        await scene.settled()
        assert kinds(scene.sp1, "broker") == kinds(scene.sp2, "investor") == ["receipt", "agreed"]


async def test_a_result_goes_out_as_provisional_after_the_agreed_wait(scene: Scene, clock: Clock):
    """Marked as such, and confirmed when the other side's node is back; that side never hears of it."""
    async with running(scene):
        await said_while_sp2_goes(scene)
        await clock.looked_at()
        clock.now += WAIT - 1
        await clock.looked_at()
        await scene.settled()
        assert kinds(scene.sp1, "broker") == ["receipt"]
        clock.now += 1
        await clock.looked_at()
        await scene.settled()
        assert finality(scene.sp1) == ["final", "provisional"]
        assert kinds(scene.sp1, "broker") == ["receipt", "provisional"]
        assert not any("\x0187=0\x01" in text for text in told(scene.sp1, "broker"))
        await scene.sp1.stop()
        await scene.sp1.start()
        await clock.looked_at()
        await scene.sp2.start()
        await scene.settled()
        assert finality(scene.sp1) == finality(scene.sp2) == ["final", "final"]
        assert kinds(scene.sp1, "broker") == ["receipt", "provisional", "agreed"]
        assert kinds(scene.sp2, "investor") == ["receipt", "agreed"]


async def test_a_wait_begins_again_with_the_node(scene: Scene, clock: Clock):
    """Nobody knows how long it was away itself: a restart ends no wait too early."""
    async with running(scene):
        await said_while_sp2_goes(scene)
        await clock.looked_at()
        await scene.sp1.stop()
        clock.now += WAIT
        await scene.sp1.start()
        await clock.looked_at()
        await scene.settled()
        assert kinds(scene.sp1, "broker") == ["receipt"]


async def test_a_provisional_result_that_is_not_confirmed_is_withdrawn(scene: Scene, clock: Clock):
    """The other side's node comes back with something else: both operators hear, and so does its client."""
    async with running(scene):
        await said_while_sp2_goes(scene)
        await clock.looked_at()
        clock.now += WAIT
        await clock.looked_at()
        scene.sp2.make_parts = other_contract(worse)
        await scene.sp2.start()
        await scene.settled()
        assert_disputed(scene, ["final", "disputed"])
        assert kinds(scene.sp1, "broker") == ["receipt", "provisional", "withdrawn"]
        assert kinds(scene.sp2, "investor") == ["receipt"]


def assert_disputed(scene: Scene, expected: list[str]) -> None:
    """Both operators are told, each which other SP came to something else, and with which contract."""
    for node, other in ((scene.sp1, "sp2"), (scene.sp2, "sp1")):
        assert finality(node) == expected
        (position,) = [at for (at,) in node.rows("SELECT position FROM decided WHERE finality = 'disputed'")]
        text = node.alarms()[f"disputed/{position}"]
        assert f"{other} with contract matching/1" in text
        assert f"position {position}" in text
