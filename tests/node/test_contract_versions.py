"""Which contract judges an entry is decided on the ledger: alike at all nodes, and nothing is left behind."""

from datetime import date
from pathlib import Path

import pytest
from forging import act, public_state, say, stated
from founding import BROKER, INVESTOR, identity_of
from messages import report
from releases import finality, kinds
from scene import Scene, in_folder, running, until
from versions import (
    FIRST,
    ONLY_FIRST,
    SECOND,
    activate,
    contracts,
    faults,
    names,
    read,
    restarted,
    said_by,
    traded,
    vote,
    waiting,
)

from node.act import Installed, Shred, StopContract
from node.compose import application_parts
from node.contract_versions import installed_contracts
from node.memory_ledger import MemoryLedger


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


async def test_another_contract_judges_from_where_the_vote_was_complete(scene: Scene):
    """All nodes change at the same entry; what came before stays as it was judged."""
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, activate(), "sp1", "sp2")
        await traded(scene, 2)
        assert names(scene.sp1) == ["matching/1", "matching/1", "matching/2", "matching/2"]
        assert contracts(scene.sp1) == contracts(scene.sp2)
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 4
        assert kinds(scene.sp1, "broker") == ["receipt", "agreed"] * 2
        told = scene.sp1.rows(
            "SELECT DISTINCT json_extract(outcome, '$.contract'), contract FROM outcome o"
            " JOIN decided USING (position)"
        )
        assert all(said == chosen for said, chosen in told)


async def test_a_contract_begins_at_the_position_that_the_vote_names(scene: Scene):
    async with running(scene):
        await scene.settled()
        since = scene.sp1.head().size + 40
        await vote(scene, activate(since=since), "sp1", "sp2")
        number = 0
        while scene.sp1.head().size < since or "matching/2" not in names(scene.sp1):
            await traded(scene, number := number + 1)
        assert {name for _, name in contracts(scene.sp1)} == {FIRST.id, SECOND.id}
        assert all((name == SECOND.id) == (position >= since) for position, name in contracts(scene.sp1))
        assert contracts(scene.sp1) == contracts(scene.sp2)


async def test_nobody_activates_what_others_lack(scene: Scene):
    """The refusal says who has not installed it."""
    scene.sp2.make_parts = scene.sp3.make_parts = ONLY_FIRST
    async with running(scene):
        await scene.settled()
        await vote(scene, activate(), "sp1")
        [fault] = faults(scene.sp1)
        assert fault.endswith("and 1 have announced it: not yet sp2, sp3")
        await restarted(scene.sp3, make_parts=application_parts)
        await until(lambda: len(said_by(scene.sp1, "sp3")) > 1)
        await scene.settled()
        await vote(scene, activate(), "sp1", "sp3")
        assert len(faults(scene.sp1)) == 1
        await traded(scene, 1)
        assert names(scene.sp1) == ["matching/2"] * 2


async def test_a_node_that_lacks_the_contract_halts_and_takes_up_by_itself(scene: Scene):
    """It archives, orders and signs meanwhile; then it comes to what the others came to, and answers."""
    scene.sp2.make_parts = ONLY_FIRST
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, activate(), "sp1", "sp3")
        await traded(scene, 2)
        await traded(scene, 3)
        assert names(scene.sp1) == ["matching/1"] * 2 + ["matching/2"] * 4
        assert names(scene.sp2) == ["matching/1"] * 2
        assert waiting(scene.sp2) == [position for position, _ in contracts(scene.sp1)[2:]]
        assert public_state(scene.sp2) == public_state(scene.sp1)
        assert SECOND.id in scene.sp2.alarms()["contract/missing"]
        assert scene.sp1.alarms() == scene.sp3.alarms() == {}
        assert kinds(scene.sp2, "investor") == ["receipt", "agreed"]
        assert finality(scene.sp1) == ["final"] * 2 + ["open"] * 4
        await restarted(scene.sp2)
        await scene.settled()
        assert len(waiting(scene.sp2)) == 4
        await restarted(scene.sp2, make_parts=application_parts)
        await scene.settled()
        assert waiting(scene.sp2) == []
        assert scene.sp2.alarms() == {}
        assert read(scene.sp2) == read(scene.sp1)
        assert finality(scene.sp2) == ["final"] * 6
        for heard in (kinds(scene.sp1, "broker"), kinds(scene.sp2, "investor")):
            assert sorted(heard) == ["agreed"] * 3 + ["receipt"] * 3


async def test_what_was_decided_before_is_released_while_a_node_is_halted(scene: Scene):
    """It takes notice of what others attest, also of what it cannot judge itself."""
    scene.sp2.make_parts = ONLY_FIRST
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await vote(scene, activate(notice=1), "sp1", "sp3")
        await traded(scene, 2)
        assert len(scene.sp2.rows("SELECT * FROM attested WHERE position >= ?", waiting(scene.sp2)[0])) == 2
        assert finality(scene.sp2) == ["final"]


async def test_a_day_is_destroyed_only_after_what_waits_of_it(scene: Scene):
    """A node that is halted still has to judge it as the others have: then it forgets it as they did."""
    old = date(2020, 1, 6)
    for node in scene.nodes.values():
        node.today = old
    scene.sp2.make_parts = ONLY_FIRST
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, activate(), "sp1", "sp3")
        await traded(scene, 2)
        for lei in (BROKER, INVESTOR):
            await say(scene, scene.sp3, stated(Shred(institution=lei, number=1, day=old), identity_of(lei)))
        assert scene.sp2.keys is not None
        assert len(waiting(scene.sp2)) == 4  # what was said, and what is to be forgotten
        await restarted(scene.sp2, make_parts=application_parts)
        await scene.settled()
        assert waiting(scene.sp2) == []
        assert scene.sp2.rows("SELECT * FROM said") == scene.sp1.rows("SELECT * FROM said") == []
        assert scene.sp2.rows("SELECT * FROM state") == scene.sp1.rows("SELECT * FROM state") == []
        assert read(scene.sp2) == read(scene.sp1)


async def test_a_stop_holds_everything_until_a_contract_is_activated(scene: Scene):
    """One member of three is enough; what came meanwhile is judged by what is activated then."""
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, act(StopContract(reason="wrong nets")), "sp3")
        await traded(scene, 2)
        await restarted(scene.sp1)
        for node in (scene.sp1, scene.sp2):
            assert names(node) == ["matching/1"] * 2
            assert len(waiting(node)) == 2
            assert "stopped contracts" in node.alarms()["contract/stopped"]
        assert kinds(scene.sp1, "broker") == ["receipt", "agreed"]
        await vote(scene, activate(since=1_000), "sp1")
        assert "name no position" in faults(scene.sp1)[0]
        await vote(scene, activate(), "sp1", "sp2")
        await traded(scene, 3)
        for node in (scene.sp1, scene.sp2):
            assert names(node) == ["matching/1"] * 2 + ["matching/2"] * 4
            assert node.alarms() == {}
            assert finality(node) == ["final"] * 6
        assert read(scene.sp1) == read(scene.sp2)
        for heard in (kinds(scene.sp1, "broker"), kinds(scene.sp2, "investor")):
            assert sorted(heard) == ["agreed"] * 3 + ["receipt"] * 3


async def test_each_node_says_once_what_it_has(scene: Scene):
    """Again only when that has changed."""
    async with running(scene):
        await scene.settled()
        for _ in range(2):
            await restarted(scene.sp1)
            await scene.settled()
        await restarted(scene.sp1, make_parts=ONLY_FIRST)
        due = [act(Installed(contracts=ids)) for ids in (tuple(installed_contracts()), (FIRST.id,))]
        await until(lambda: len(said_by(scene.sp3, "sp1")) >= len(due))
        await scene.settled()
        assert said_by(scene.sp3, "sp1") == due
