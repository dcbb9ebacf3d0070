"""An audit tells what members did that was wrong, and works beside nodes that run."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from audits import audited, confirmed, own
from forging import queue
from founding import keys_of, network
from messages import report
from releases import finality, other_contract, worse
from scene import Scene, in_folder, running, until

from node.audit_report import AuditReport
from node.auditing import audit
from node.checkpoint import Checkpoint, network_origin, sign_checkpoint
from node.entry import CheckpointEntry
from node.memory_ledger import MemoryLedger
from node.settings import SettingsError
from node.store import STORE_FILE


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


async def audit_of(scene: Scene, sp: str) -> AuditReport:
    """The audit of a node's store with its own keys, while nodes go on."""
    return await audit(scene.nodes[sp].folder / STORE_FILE, network(), own(sp))


async def test_a_node_that_runs_can_be_audited(scene: Scene):
    """What comes in meanwhile is part of the audit or is not; neither is a finding, and nobody waits."""
    async with running(scene):
        await confirmed(scene, "1")
        auditing = [asyncio.create_task(audit_of(scene, sp)) for sp in scene.nodes]
        for number in range(2, 5):
            await confirmed(scene, f"{number}")
        for found in await asyncio.gather(*auditing):
            assert (found.findings, found.not_checked) == ((), ())
        found = await audit_of(scene, "sp1")
        assert (found.sequence, found.size, found.root) == (
            scene.sp1.head().sequence,
            scene.sp1.head().size,
            scene.sp1.head().root,
        )
        assert found.checked["submissions"] == 8


async def test_a_wait_that_has_ended_is_no_finding(scene: Scene):
    """Provisional results are released by a node's clock, which no ledger shows."""
    async with running(scene):
        await confirmed(scene, "1")
        await scene.sp2.stop()
        await scene.sp1.arrives("broker", report("B-2"))
        await scene.settled()
    assert finality(scene.sp1) == ["final", "final", "open"]
    scene.sp1.change("UPDATE decided SET finality = 'provisional' WHERE finality = 'open'")
    assert (await audit_of(scene, "sp1")).findings == ()
    scene.sp1.change("UPDATE decided SET finality = 'final' WHERE finality = 'provisional'")
    assert [one.subject for one in (await audit_of(scene, "sp1")).findings] == ["decided"]


@pytest.mark.parametrize("sp", ["sp1", "sp2"])
async def test_a_node_with_another_contract_is_found(scene: Scene, sp: str):
    """In its own store every decision that differs; in the other side's, what it has attested."""
    scene.sp2.make_parts = other_contract(worse)
    async with running(scene):
        await confirmed(scene, "1")
    found = await asyncio.to_thread(audited, scene.nodes[sp].folder / STORE_FILE, own(sp))
    attested = [one for one in found.findings if one.subject == "attested"]
    assert [one.text.partition(", with")[0] for one in attested] == [
        "sp2 has attested another decision than the replay gives"
    ]
    others = {one.subject for one in found.findings} - {"attested"}
    assert others == (set() if sp == "sp1" else {"decided", "outcome"})
    assert {one.position for one in found.findings} == {attested[0].position}


async def test_a_checkpoint_of_another_ledger_is_found(scene: Scene):
    """A member has signed a root that the archive does not have."""
    async with running(scene):
        await confirmed(scene, "1")
        at = scene.sp3.head()
        origin = network_origin(network().name, network().id)
        other = Checkpoint(origin, at.size, bytes(32), bytes(32))
        queue(scene.sp3, CheckpointEntry(sign_checkpoint(other, "sp3", keys_of("sp3").signing, 1)))
        await until(scene.sp1.alarms)
        await scene.settled()
    for sp in scene.nodes:
        found = await asyncio.to_thread(audited, scene.nodes[sp].folder / STORE_FILE, own(sp))
        assert [(one.subject, one.text) for one in found.findings] == [
            ("checkpoint", f"sp3 has signed another ledger than this one at size {at.size}")
        ]
        assert found.findings[0].position is not None


async def test_a_checkpoint_that_its_author_did_not_sign_is_found(scene: Scene):
    """Nodes pass over it; who put it there is told."""
    async with running(scene):
        await confirmed(scene, "1")
        origin = network_origin(network().name, network().id)
        other = Checkpoint(origin, 1, bytes(32), bytes(32))
        queue(scene.sp3, CheckpointEntry(sign_checkpoint(other, "sp3", keys_of("sp1").signing, 1)))
        await scene.settled()
    found = await asyncio.to_thread(audited, scene.sp1.folder / STORE_FILE, own("sp1"))
    assert [(one.subject, one.text) for one in found.findings] == [
        ("checkpoint", "a checkpoint in a block of sp3 that sp3 has not signed, or not in the right form")
    ]


async def test_an_archive_of_another_network_is_refused(scene: Scene, tmp_path: Path):
    async with running(scene):
        await confirmed(scene, "1")
    store = scene.sp1.folder / STORE_FILE
    scene.sp1.change("INSERT OR REPLACE INTO setting VALUES ('network', ?)", bytes(32).hex())
    with pytest.raises(SettingsError, match="another network"):
        await audit(store, network(), own("sp1"))
    with pytest.raises(SettingsError, match="is no file"):
        await audit(tmp_path / "none", network(), own("sp1"))


def test_an_empty_store_is_right(tmp_path: Path):
    """A node that has not been on the ledger yet."""
    scene = in_folder(tmp_path, MemoryLedger())

    async def begun() -> None:
        scene.sp3.pace = replace(scene.sp3.pace, look=3600.0, announce=3600.0)
        await scene.sp3.start()
        await scene.sp3.stop()

    asyncio.run(begun())
    found = audited(scene.sp3.folder / STORE_FILE, own("sp3"))
    assert (found.found, found.sequence, found.size) == (0, 0, 0)
