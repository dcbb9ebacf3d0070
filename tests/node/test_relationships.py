"""Two institutions that are in the network begin to confirm trades with one another while it runs."""

from pathlib import Path

from acts import DAY, signed
from forging import act, say
from founding import BROKER, RIVAL, network
from messages import block, file, report
from releases import finality, kinds
from scene import in_folder, outcomes, running

from node.act import Relate
from node.memory_ledger import MemoryLedger
from node.network import changed


async def test_a_relationship_that_begins_while_the_network_runs(tmp_path: Path):
    """Before it, the broker's report is refused at once; after both have said so, trades are confirmed."""
    scene = in_folder(tmp_path, MemoryLedger())
    strangers = changed(network(), relationships=network().relationships[:1])
    for node in scene.nodes.values():
        node.network = strangers
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1", investor="RIVLJPJT"))
        await scene.settled()
        assert scene.sp1.rows("SELECT * FROM said") == []
        for lei in (BROKER, RIVAL):
            said = signed(Relate(institution=lei, number=1, broker=BROKER, investor=RIVAL), network=strangers)
            await say(scene, scene.sp3, act(said))
        await scene.sp1.arrives("broker", report("B-2", investor="RIVLJPJT"))
        await scene.settled()
        await scene.sp2.arrives("rival", file(block("A-2", order="B-2")))
        await scene.settled()
        assert kinds(scene.sp1, "broker")[-2:] == ["receipt", "agreed"]
        assert finality(scene.sp1) == finality(scene.sp2) == ["final"] * 2
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
    assert scene.sp1.today == DAY
