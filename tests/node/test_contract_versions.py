"""Which contract judges an entry is decided on the ledger: alike at all nodes, and nothing is left behind."""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from audits import own
from forging import act, delegate, entries, public_state, say, stated
from founding import BROKER, INVESTOR, identity_of, keys_of, network
from granting import grants
from messages import block, file, report
from releases import finality, kinds, with_contracts
from scene import Node, Scene, in_folder, running, until

from node.act import ActivateContract, Installed, Shred, StopContract
from node.auditing import audit
from node.compose import application_parts
from node.contract_versions import Contract, installed_contracts
from node.entry import ActEntry
from node.memory_ledger import MemoryLedger
from node.restoring import restore_store
from node.store import STORE_FILE

BY_NAME: Mapping[str, Contract] = {one.name: one for one in installed_contracts().values()}
FIRST, SECOND = BY_NAME["matching/1"], BY_NAME["matching/2"]
ONLY_FIRST = with_contracts(FIRST)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def activate(contract: Contract = SECOND, **when: int) -> ActEntry:
    return act(ActivateContract(contract=contract.id, **when))


async def vote(scene: Scene, said: ActEntry, *sps: str) -> None:
    for sp in sps:
        await say(scene, scene.nodes[sp], said)


async def traded(scene: Scene, number: int) -> None:
    """Both sides tell of one trade; answered or not."""
    await scene.sp1.arrives("broker", report(f"B-{number}"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


def contracts(node: Node) -> list[tuple[int, str]]:
    """What each decision was made with, by position."""
    return node.rows("SELECT position, contract FROM decided ORDER BY position")


def names(node: Node) -> list[str]:
    return [contract.partition(":")[0] for _, contract in contracts(node)]


def read(node: Node) -> dict[str, list[tuple[Any, ...]]]:
    """All that a node has made of what it can read."""
    tables = {"decided": "position, digest, finality, contract", "outcome": "id, position, outcome"}
    tables |= {"said": "position, source, fault", "state": "key, value", "attested": "*", "spoke": "*"}
    return {name: sorted(node.rows(f"SELECT {what} FROM {name}")) for name, what in tables.items()}  # noqa: S608 - the names above


def waiting(node: Node) -> list[int]:
    return [position for (position,) in node.rows("SELECT position FROM deferred ORDER BY position")]


def faults(node: Node) -> list[str]:
    return [fault for (fault,) in node.rows("SELECT fault FROM act WHERE fault IS NOT NULL")]


def said_by(node: Node, sp: str) -> list[ActEntry]:
    """The acts in blocks of an SP."""
    return [one.entry for one in entries(node) if isinstance(one.entry, ActEntry) and one.sp == sp]


async def restarted(node: Node, **changes: Any) -> None:
    await node.stop()
    for name, value in changes.items():
        setattr(node, name, value)
    await node.start()


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


async def history(scene: Scene) -> None:
    """Trades under one contract, another, the first again, and what a stop has left to the second."""
    await traded(scene, 1)
    await vote(scene, activate(), "sp1", "sp2")
    await traded(scene, 2)
    await vote(scene, activate(FIRST), "sp2", "sp3")
    await traded(scene, 3)
    await vote(scene, act(StopContract()), "sp3")
    await traded(scene, 4)
    await vote(scene, activate(), "sp2", "sp3")
    await scene.settled()
    assert names(scene.sp1) == [f"matching/{n}" for n in (1, 1, 2, 2, 1, 1, 2, 2)]


async def test_a_restored_node_judges_history_as_it_was_judged(scene: Scene):
    """Each entry by the contract of its position."""
    async with running(scene):
        await history(scene)
        before = read(scene.sp1)
        await scene.sp1.stop()
        shutil.rmtree(scene.sp1.folder)
        restore_store(scene.sp1.folder)
        await scene.sp1.start()
        await scene.settled()
        after = read(scene.sp1)
        assert all(after[name] == before[name] for name in ("decided", "outcome", "said", "state"))


async def test_a_later_reader_judges_history_as_it_was_judged(tmp_path: Path):
    """With the last secret that it is granted, it judges all at once, each entry by its own contract."""
    clients = {"sp1": ["broker"], "sp2": ["investor"], "sp3": ["investor"]}
    scene = in_folder(tmp_path, MemoryLedger(), clients)
    scene.sp3.keys = keys_of("sp3", (INVESTOR,))
    async with running(scene):
        await scene.settled()
        await history(scene)
        await say(scene, scene.sp1, delegate(INVESTOR, "sp3", 1))
        await say(scene, scene.sp2, *grants(scene.sp1))
        await traded(scene, 5)  # whose secret follows on those that were granted
        assert read(scene.sp3)["decided"] == read(scene.sp1)["decided"]
        assert read(scene.sp3)["state"] == read(scene.sp1)["state"]


async def test_a_later_reader_that_lacks_a_contract_waits_for_it(tmp_path: Path):
    """It judges what it can, in order, and the rest once it has the contract."""
    clients = {"sp1": ["broker"], "sp2": ["investor"], "sp3": ["investor"]}
    scene = in_folder(tmp_path, MemoryLedger(), clients)
    scene.sp3.keys, scene.sp3.make_parts = keys_of("sp3", (INVESTOR,)), ONLY_FIRST
    async with running(scene):
        await scene.settled()
        await history(scene)
        await say(scene, scene.sp1, delegate(INVESTOR, "sp3", 1))
        await say(scene, scene.sp2, *grants(scene.sp1))
        await traded(scene, 5)  # whose secret follows on those that were granted
        assert [one[0] for one in read(scene.sp3)["decided"]] == [one[0] for one in contracts(scene.sp1)[:2]]
        await restarted(scene.sp3, make_parts=application_parts)
        await scene.settled()
        assert read(scene.sp3)["decided"] == read(scene.sp1)["decided"]
        assert read(scene.sp3)["state"] == read(scene.sp1)["state"]


async def test_an_audit_judges_history_as_it_was_judged(scene: Scene):
    """Also that of a node that is halted: what it has not decided is no finding."""
    scene.sp2.make_parts = ONLY_FIRST
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, activate(), "sp1", "sp3")
        await traded(scene, 2)
    whole = await audit(scene.sp1.folder / STORE_FILE, network(), own("sp1"))
    assert (whole.findings, whole.checked["decisions"]) == ((), 4)
    halted = await audit(scene.sp2.folder / STORE_FILE, network(), own("sp2"))
    assert (halted.findings, halted.checked["decisions"]) == ((), 2)
    assert "lacked the contract" in halted.relationships[0].reason


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
