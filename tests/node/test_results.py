"""A result is released when both sides' nodes have come to the same, and to nobody while they have not."""

from pathlib import Path

import pytest
from founding import BROKER, INVESTOR, RIVAL, keys_of
from line import Line
from messages import block, file, report
from releases import finality, kinds, other_contract, worse
from scene import Scene, in_folder, outcomes, running, until

from node.memory_ledger import MemoryLedger


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


async def test_a_result_waits_for_the_other_sides_node(scene: Scene):
    """Each client hears at once that its message is in order, and nothing more before both have attested."""
    line = scene.sp1.ledger = Line(scene.ledger)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        line.is_cut = True
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        attested = "SELECT sp FROM attested WHERE position = (SELECT MAX(position) FROM decided)"
        await until(lambda: scene.sp1.rows(attested) == scene.sp2.rows(attested) == [("sp2",)])
        await until(lambda: kinds(scene.sp2, "investor") == ["receipt"])
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert finality(scene.sp1) == finality(scene.sp2) == ["final", "open"]
        assert kinds(scene.sp1, "broker") == ["receipt"]
        line.is_cut = False
        await scene.settled()
        assert finality(scene.sp1) == finality(scene.sp2) == ["final", "final"]
        assert kinds(scene.sp1, "broker") == kinds(scene.sp2, "investor") == ["receipt", "agreed"]


CONTRACTS = {
    "that says something else": other_contract(worse),
    "by another name": other_contract(name="matching/1:" + "0" * 64),
}


@pytest.mark.parametrize("name", CONTRACTS)
async def test_what_two_nodes_see_differently_is_released_to_nobody(scene: Scene, name: str):
    """A node runs another contract: both operators hear, no client does, and a restart changes nothing."""
    scene.sp2.make_parts = CONTRACTS[name]
    async with running(scene):
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        for node in (scene.sp1, scene.sp2):
            await node.stop()
            await node.start()
        await scene.settled()
        disputed = ["final", "disputed"] if name == "that says something else" else ["disputed"] * 2
        assert finality(scene.sp1) == finality(scene.sp2) == disputed
        for node, other in ((scene.sp1, "sp2"), (scene.sp2, "sp1")):
            alarms = node.alarms()
            assert len(alarms) == disputed.count("disputed")
            assert all(f"{other} with contract matching/1" in text for text in alarms.values())
        assert kinds(scene.sp1, "broker") == kinds(scene.sp2, "investor") == ["receipt"]
        assert scene.sp3.alarms() == {}


async def test_one_sp_of_both_sides_makes_a_result_final_by_itself(tmp_path: Path):
    """Nobody else can read it."""
    served = {"sp1": (BROKER, INVESTOR, RIVAL), "sp2": ()}
    scene = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker", "investor"]}, served)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp1.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        assert finality(scene.sp1) == ["final", "final"]
        assert kinds(scene.sp1, "broker") == kinds(scene.sp1, "investor") == ["receipt", "agreed"]
        assert scene.sp2.rows("SELECT * FROM attested") == []


@pytest.fixture
def three(tmp_path: Path) -> Scene:
    """The investor uses sp2 and sp3, of which sp3 runs another contract, behind a line of its own."""
    served = {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL), "sp3": (INVESTOR,)}
    scene = in_folder(tmp_path, MemoryLedger(), None, served)
    assert scene.sp3.keys == keys_of("sp3", (INVESTOR,))
    scene.sp3.make_parts = other_contract(worse)
    return scene


async def test_another_sp_of_one_side_disputes_as_well(three: Scene):
    """Any unequal word holds a result back, also where two others agree."""
    line = three.sp1.ledger = Line(three.ledger)
    async with running(three):
        await three.sp1.arrives("broker", report("B-1"))
        await three.settled()
        line.is_cut = True
        await three.sp2.arrives("investor", file(block("A-1", order="B-1")))
        attested = "SELECT sp FROM attested WHERE position = (SELECT MAX(position) FROM decided) ORDER BY sp"
        await until(lambda: three.sp1.rows(attested) == [("sp2",), ("sp3",)])
        line.is_cut = False
        await three.settled()
        for node in three.nodes.values():
            assert finality(node) == ["final", "disputed"]
            assert len(node.alarms()) == 1
        assert kinds(three.sp1, "broker") == kinds(three.sp2, "investor") == ["receipt"]


async def test_a_word_that_comes_after_a_result_was_final_is_told_to_the_operators(three: Scene):
    """What was released cannot be taken back; all operators hear that somebody has seen it differently."""
    line = three.sp3.ledger = Line(three.ledger)
    async with running(three):
        await three.sp1.arrives("broker", report("B-1"))
        await three.settled()
        line.is_cut = True
        await three.sp2.arrives("investor", file(block("A-1", order="B-1")))
        both = ["receipt", "agreed"]
        await until(lambda: kinds(three.sp1, "broker") == kinds(three.sp2, "investor") == both)
        line.is_cut = False
        await three.settled()
        for node, others in ((three.sp1, ["sp3"]), (three.sp2, ["sp3"]), (three.sp3, ["sp1", "sp2"])):
            (text,) = node.alarms().values()
            assert any(f"{sp} with contract" in text for sp in others)
        for node in (three.sp1, three.sp2):
            assert "released as final before" in "".join(node.alarms().values())
        assert kinds(three.sp1, "broker") == kinds(three.sp2, "investor") == both
