"""History is judged as it was judged: by restored nodes, later readers and audits."""

import shutil
from pathlib import Path

import pytest
from audits import own
from forging import act, delegate, say
from founding import INVESTOR, keys_of, network
from granting import grants
from scene import Scene, in_folder, running
from versions import FIRST, ONLY_FIRST, activate, contracts, names, read, restarted, traded, vote

from node.act import StopContract
from node.auditing import audit
from node.compose import application_parts
from node.memory_ledger import MemoryLedger
from node.restoring import restore_store
from node.store import STORE_FILE


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


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
