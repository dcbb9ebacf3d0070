"""Each node signs what it has come to, all alike, and is silent then; who parts from the others is named."""

from dataclasses import replace
from pathlib import Path

import pytest
from forging import act, applied, entries, forged, public_state, queue
from founding import network
from messages import block, file, report
from releases import Clock, kinds
from scene import PACE, Node, Scene, in_folder, running, until

from node import checkpoints
from node.act import RemoveMember
from node.checkpoint import cosigner, member_cosigned_at, merge_checkpoints, parse_checkpoint
from node.entry import CheckpointEntry
from node.memory_ledger import MemoryLedger
from node.restoring import restore_store

NEVER = replace(PACE, look=3600.0)  # a node that signs nothing by the clock


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def signed(node: Node) -> list[tuple[int, str, bool]]:
    """What has been signed, as a node knows it: the size, by whom, and whether it comes to the same."""
    rows = node.rows("SELECT size, sp, agrees FROM checkpoint ORDER BY position")
    return [(size, sp, bool(agrees)) for size, sp, agrees in rows]


def last_sizes(node: Node) -> dict[str, int]:
    return dict(node.rows("SELECT sp, MAX(size) FROM checkpoint GROUP BY sp"))


async def restarted(pace: object, *nodes: Node) -> None:
    for node in nodes:
        await node.stop()
        node.pace = pace  # type: ignore[assignment]  # a Pace
        await node.start()


async def traded(scene: Scene, number: int) -> None:
    await scene.sp1.arrives("broker", report(f"B-{number}"))
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))


async def test_all_nodes_sign_all_that_was_said(scene: Scene):
    """Whoever wants to prove an entry finds every member's signature over it, also over the last one."""
    async with running(scene):
        for number in range(3):
            await traded(scene, number)
            await scene.settled()
        said = [one.position for one in entries(scene.sp3) if not isinstance(one.entry, CheckpointEntry)]
        for node in scene.nodes.values():
            assert signed(node) == signed(scene.sp1)
            assert all(agrees for *_, agrees in signed(node))
            assert all(size > max(said) for size in last_sizes(node).values())
            assert set(last_sizes(node)) == {"sp1", "sp2", "sp3"}
            assert node.alarms() == {}


async def test_nodes_sign_the_size_that_another_has_signed(scene: Scene):
    """One text gathers the signatures of all members: one note proves what all of them stand behind."""
    others = (scene.sp2, scene.sp3)
    async with running(scene):
        await scene.settled()
        await restarted(NEVER, *others)
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: scene.sp1.is_at_rest() and scene.sp1.rows("SELECT 1 FROM outcome"))
        await restarted(PACE, *others)
        await scene.settled()
        (size,) = set(last_sizes(scene.sp1).values())
        notes = [one.entry.note for one in entries(scene.sp1) if isinstance(one.entry, CheckpointEntry)]
        merged = merge_checkpoints(note for note in notes if parse_checkpoint(note)[0].size == size)
        checkpoint, signatures = parse_checkpoint(merged)
        keys = dict(network().signing_keys)
        for signature in signatures:
            sp = cosigner(checkpoint, signature)
            assert member_cosigned_at(checkpoint, signature, sp, keys.pop(sp)) > 0
        assert keys == {}


async def test_nobody_answers_a_checkpoint_with_a_checkpoint(scene: Scene):
    """A network in which nobody says anything falls silent, also after restarts."""
    clocks = {sp: Clock() for sp in scene.nodes}
    for sp, node in scene.nodes.items():
        node.pace = replace(PACE, clock=clocks[sp])
    async with running(scene):
        await traded(scene, 0)
        await scene.settled()
        for node in scene.nodes.values():
            await node.stop()
            await node.start()
        await scene.settled()
        height = await scene.ledger.head()
        for clock in [*clocks.values()] * 3:
            await clock.looked_at()
        assert await scene.ledger.head() == height


async def test_much_traffic_is_signed_before_the_clock_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """However much comes at once, little of it is unsigned at any time."""
    monkeypatch.setattr(checkpoints, "ENTRIES_PER_CHECKPOINT", 10)
    for node in scene.nodes.values():
        node.pace = NEVER
    async with running(scene):
        await until(lambda: scene.sp3.rows("SELECT COUNT(DISTINCT sp) FROM announced") == [(2,)])
        assert signed(scene.sp3) == []
        for number in range(10):
            await scene.sp1.arrives("broker", report(f"B-{number}"))
        await until(lambda: set(last_sizes(scene.sp3)) == {"sp1", "sp2", "sp3"})


async def corrupted(node: Node, position: int) -> None:
    """Alter what a node keeps of one entry in its tree, as a rotten disk or a patient thief would."""
    ((hashes,),) = node.rows("SELECT hashes FROM tile WHERE level = 0 AND number = 0")
    begin = 32 * position
    altered = hashes[:begin] + bytes(32) + hashes[begin + 32 :]
    node.change("UPDATE tile SET hashes = ? WHERE level = 0 AND number = 0", altered)


async def test_a_node_with_another_ledger_is_named_at_both_sides(scene: Scene):
    """And the first position at which it differs; until that is settled no client hears of results."""
    async with running(scene):
        await traded(scene, 0)
        await scene.settled()
        await corrupted(scene.sp3, 2)
        await traded(scene, 1)
        where = "the first differing position is 2"
        for node, others in ((scene.sp1, ["sp3"]), (scene.sp2, ["sp3"]), (scene.sp3, ["sp1", "sp2"])):
            names = [f"diverged/{sp}" for sp in others]
            await until(lambda node=node, names=names: set(names) <= set(node.alarms()))
            await until(lambda node=node, names=names: all(where in node.alarms()[name] for name in names))
            assert sorted(node.alarms()) == names
        assert scene.sp3.head().root != scene.sp1.head().root


async def test_nothing_is_released_until_a_difference_is_settled(scene: Scene):
    """Copies and refusals go on: what they say does not rest on what the nodes have come to."""
    async with running(scene):
        await traded(scene, 0)
        await scene.settled()
        await corrupted(scene.sp3, 2)
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: "diverged/sp3" in scene.sp1.alarms() and "diverged/sp3" in scene.sp2.alarms())
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        final = "SELECT COUNT(*) FROM decided WHERE finality = 'final'"
        await until(lambda: scene.sp1.rows(final) == scene.sp2.rows(final) == [(4,)])
        assert kinds(scene.sp2, "investor") == ["receipt", "agreed"]
        await scene.sp3.stop()
        del scene.nodes["sp3"]
        for node in (scene.sp1, scene.sp2):
            queue(node, act(RemoveMember(sp="sp3")))
        await until(lambda: scene.sp1.alarms() == scene.sp2.alarms() == {})
        await scene.settled()
        assert kinds(scene.sp1, "broker") == kinds(scene.sp2, "investor") == ["receipt", "agreed"] * 2


async def test_a_node_that_is_restored_is_trusted_again(scene: Scene):
    """It reads the ledger anew and signs what the others have: then all that was held back goes out."""
    async with running(scene):
        await traded(scene, 0)
        await scene.settled()
        await corrupted(scene.sp3, 2)
        await traded(scene, 1)
        await until(lambda: "diverged/sp3" in scene.sp1.alarms() and "diverged/sp3" in scene.sp2.alarms())
        await scene.sp3.stop()
        restore_store(scene.sp3.folder)
        await scene.sp3.start()
        await scene.sp1.arrives("broker", report("B-2"))
        await until(lambda: scene.sp1.alarms() == scene.sp2.alarms() == scene.sp3.alarms() == {})
        await scene.settled()
        assert kinds(scene.sp1, "broker") == ["receipt", "agreed"] * 2 + ["receipt"]
        assert public_state(scene.sp3) == public_state(scene.sp1)


async def test_a_block_passed_over_is_part_of_what_is_signed(scene: Scene):
    """Nodes agree on what does not count as well: the state after it is the same, and the roots."""
    del scene.nodes["sp2"]
    async with running(scene):
        await applied(scene, b"no block at all", forged("sp2", 9, b"x"))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert public_state(scene.sp1) == public_state(scene.sp3)
        assert signed(scene.sp1) == signed(scene.sp3)
        assert all(agrees for *_, agrees in signed(scene.sp1))
