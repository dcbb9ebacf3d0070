"""A node whose store was lost reads the ledger from its peers, and goes on where the lost one was."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from forging import entries, public_state
from messages import block, file, report
from releases import finality, kinds
from scene import Node, Scene, digest, first_answers, in_folder, outcomes, running, until

from node.entry import KeyEntry
from node.memory_ledger import MemoryLedger
from node.own_blocks import ForeignBlockError
from node.restoring import restore_store
from node.store import STORE_FILE


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def lost(folder: Path) -> None:
    shutil.rmtree(folder)


def damaged(folder: Path) -> None:
    """The archive is gone, and what clients sent can be read."""
    with (folder / STORE_FILE).open("r+b") as store:
        store.write(bytes(100))


LOSSES: dict[str, Callable[[Path], None]] = {"lost": lost, "damaged": damaged}


async def traded(scene: Scene, number: int) -> None:
    await scene.sp1.arrives("broker", report(f"B-{number}"))
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_restored_node_comes_to_the_same(scene: Scene, loss: str):
    """It takes its predecessor's blocks for its own, repeats none of them, and its next one counts."""
    async with running(scene):
        await traded(scene, 0)
        keys = secrets_made(scene.sp3)
        await scene.sp1.stop()
        LOSSES[loss](scene.sp1.folder)
        restore_store(scene.sp1.folder)
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await scene.sp1.start()
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert public_state(scene.sp1) == public_state(scene.sp3)
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 4
        assert [fault for (fault,) in scene.sp3.rows("SELECT fault FROM archive") if fault] == []
        assert kinds(scene.sp1, "broker")[-2:] == ["receipt", "agreed"]
        assert secrets_made(scene.sp1) == keys


def secrets_made(node: Node) -> list[bytes]:
    return [one.entry.key_id for one in entries(node) if isinstance(one.entry, KeyEntry)]


async def test_what_a_damaged_node_had_taken_is_ordered_once(scene: Scene):
    """Messages that the ledger has already are not said again; those that it has not are."""
    async with running(scene):
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-0"))
        await scene.settled()
        scene.ledger.available = False
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: waiting(scene.sp1) == 1)
        await scene.sp1.stop()
        damaged(scene.sp1.folder)
        restore_store(scene.sp1.folder)
        scene.ledger.available = True
        await scene.sp1.start()
        await scene.settled()
        ordered = {digest(report(name)): 1 for name in ("B-0", "B-1")}
        assert first_answers(scene.sp2) == first_answers(scene.sp1) == ordered
        assert public_state(scene.sp1) == public_state(scene.sp3)


def waiting(node: Node) -> int:
    ((count,),) = node.rows("SELECT COUNT(*) FROM outbox WHERE kind = 'submission'")
    return int(count)


async def test_an_empty_store_is_not_taken_for_a_restored_one(scene: Scene):
    """Somebody may have started the node in a wrong folder: it stops before it says anything."""
    async with running(scene):
        await traded(scene, 0)
        await scene.sp1.stop()
        lost(scene.sp1.folder)
        await scene.sp1.start()
        assert [type(error) for error in await scene.sp1.ended()] == [ForeignBlockError]
        assert scene.sp1.head().sequence == 0
