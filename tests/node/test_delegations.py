"""Who may read changes by acts: from there on other secrets, and whoever comes later is let in by grants."""

from datetime import timedelta
from pathlib import Path

import pytest
from forging import act, delegate, entries, queue, say, stated
from founding import INVESTOR, identity_of, keys_of
from granting import grants, secrets
from line import Line
from messages import block, file, report
from scene import DAY, FROM_ACTS, Node, Scene, digest, first_answers, in_folder, outcomes, running, until

from node.act import RemoveMember, Revoke
from node.entry import ActEntry, EntryKind, SealedEntry
from node.memory_ledger import MemoryLedger


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The investor may be served by sp3 as well, once it says so."""
    made = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["investor"], "sp3": ["investor"]})
    made.sp3.keys = keys_of("sp3", (INVESTOR,))
    return made


def revoke(sp: str, number: int) -> ActEntry:
    return stated(Revoke(institution=INVESTOR, number=number, sp=sp), identity_of(INVESTOR))


def sealed_with(node: Node) -> list[bytes]:
    """The key id of each submission, in order."""
    found = [one.entry for one in entries(node) if isinstance(one.entry, SealedEntry)]
    return [entry.key_id for entry in found if entry.kind is EntryKind.SEALED]


def can_read(node: Node) -> list[bytes]:
    """The key ids of the secrets that a node's keys open, among those in use."""
    held = {key_id for (key_id,) in node.rows("SELECT key_id FROM day_key")}
    return [key_id for key_id in dict.fromkeys(sealed_with(node)) if key_id in held]


async def traded(scene: Scene, number: int, through: Node) -> None:
    """One trade, said by both sides."""
    await scene.sp1.arrives("broker", report(f"B-{number}"))
    await scene.settled()
    await through.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


async def restarted(scene: Scene) -> None:
    for node in scene.nodes.values():
        if node.task is not None:
            await node.stop()
            await node.start()
    await scene.settled()


async def test_an_sp_reads_what_is_said_while_it_acts_for_an_institution(scene: Scene):
    """Nothing of before its delegation, nothing of after; each time with a secret that is new."""
    async with running(scene):
        await traded(scene, 0, scene.sp2)
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1))
        await restarted(scene)
        await traded(scene, 1, scene.sp2)
        await say(scene, scene.sp2, revoke("sp3", 2))
        await restarted(scene)
        await traded(scene, 2, scene.sp2)
        before, during, after = dict.fromkeys(sealed_with(scene.sp1))
        assert can_read(scene.sp3) == [during]
        assert can_read(scene.sp1) == can_read(scene.sp2) == [before, during, after]
        assert [secret.previous for secret in secrets(scene.sp1)][1:] == [before, during]
        assert outcomes(scene.sp1) == outcomes(scene.sp2)


async def test_a_member_that_is_removed_reads_no_more(scene: Scene):
    """Also where it came to act for an institution only after the founding."""
    async with running(scene):
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1))
        await traded(scene, 0, scene.sp2)
        await scene.sp3.stop()
        for node in (scene.sp1, scene.sp2):
            await say(scene, node, act(RemoveMember(sp="sp3")))
        await traded(scene, 1, scene.sp2)
        assert len(set(sealed_with(scene.sp1))) == 2


@pytest.mark.parametrize("revoked", [True, False])
async def test_a_secret_made_before_an_act_was_known_is_not_used_after_it(scene: Scene, *, revoked: bool):
    """It is on its way while who may read changes: it names the readers of before."""
    line = scene.sp1.ledger = Line(scene.ledger)
    async with running(scene):
        if revoked:
            await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1))
        await scene.settled()
        line.is_cut = True
        await scene.sp1.arrives("broker", report("B-0"))
        await until(lambda: scene.sp1.rows("SELECT seq FROM flight"))
        queue(scene.sp2, revoke("sp3", 2) if revoked else delegate(INVESTOR, "sp3", 1))
        await until(lambda: scene.sp1.rows(f"SELECT COUNT(*) {FROM_ACTS}") == [(1 + revoked,)])
        line.is_cut = False
        await scene.settled()
        _, fresh = secrets(scene.sp1)
        assert sealed_with(scene.sp1) == [fresh.key_id]
        assert can_read(scene.sp3) == ([] if revoked else [fresh.key_id])
        assert sum(first_answers(scene.sp1).values()) == 1


async def test_a_late_reader_comes_to_the_same_from_the_archive(scene: Scene):
    """Secrets of two days, granted in any order, with restarts in between; from then on it attests too."""
    async with running(scene):
        await traded(scene, 0, scene.sp2)
        for node in scene.nodes.values():
            node.today = DAY + timedelta(days=1)
        await traded(scene, 1, scene.sp2)
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1))
        await traded(scene, 2, scene.sp2)
        assert scene.sp3.rows("SELECT * FROM said") == []
        for grant in reversed(grants(scene.sp1)):
            assert outcomes(scene.sp3) == []
            await say(scene, scene.sp2, grant)
            await restarted(scene)
        assert outcomes(scene.sp3) == outcomes(scene.sp1) != []
        assert scene.sp3.rows("SELECT * FROM state ORDER BY key") == scene.sp1.rows(
            "SELECT * FROM state ORDER BY key"
        )
        await traded(scene, 3, scene.sp2)
        decided = "SELECT position, digest, finality FROM decided ORDER BY position"
        assert scene.sp3.rows(decided) == scene.sp1.rows(decided)
        assert {finality for *_, finality in scene.sp3.rows(decided)} == {"final"}
        ((last,),) = scene.sp1.rows("SELECT MAX(position) FROM decided")
        assert ("sp3",) in scene.sp1.rows("SELECT sp FROM attested WHERE position = ?", last)


async def test_a_late_reader_whose_secret_is_missing_says_nothing(scene: Scene):
    """It cannot know what it would come to: it applies nothing rather than something else."""
    async with running(scene):
        await traded(scene, 0, scene.sp2)
        scene.sp1.today = scene.sp2.today = DAY + timedelta(days=1)
        await traded(scene, 1, scene.sp2)
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1))
        await traded(scene, 2, scene.sp2)
        await say(scene, scene.sp2, *grants(scene.sp1)[1:])
        await traded(scene, 3, scene.sp2)
        assert scene.sp3.rows("SELECT * FROM said") == []
        assert scene.sp1.rows("SELECT * FROM attested WHERE sp = 'sp3'") == []
        assert {f for (f,) in scene.sp1.rows("SELECT finality FROM decided")} == {"final"}


async def test_an_institution_moves_from_one_sp_to_another(scene: Scene):
    """What it says through the new one before that can read everything is answered, and final, in the end."""
    line = scene.sp1.ledger = Line(scene.ledger)
    async with running(scene):
        await traded(scene, 0, scene.sp2)
        await say(scene, scene.sp2, delegate(INVESTOR, "sp3", 1), revoke("sp2", 2))
        await traded(scene, 1, scene.sp3)
        assert [row[0] for row in scene.sp1.rows("SELECT sp FROM said ORDER BY position")][-1] == "sp3"
        assert scene.sp3.link.sent == []
        line.is_cut = True
        await scene.sp1.arrives("broker", report("B-9"))  # just before the grants
        await until(lambda: scene.sp1.rows("SELECT seq FROM flight"))
        line.is_cut = False
        await say(scene, scene.sp1, *grants(scene.sp1))
        assert outcomes(scene.sp3) == outcomes(scene.sp1)
        assert {f for (f,) in scene.sp1.rows("SELECT finality FROM decided")} == {"final"}
        told = [delivery.raw.decode("cp932") for delivery in scene.sp3.link.to("investor")]
        assert [",受付," in told[0], ",一致," in told[-1]] == [True, True]
        assert sum("A-0" in text for text in told) == 0
        await traded(scene, 2, scene.sp3)
        assert outcomes(scene.sp3) == outcomes(scene.sp1)
        assert first_answers(scene.sp3)[digest(file(block("A-1", order="B-1")))] == 1
