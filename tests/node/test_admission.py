"""An institution that the members admit while the network runs: it names its SP, and trades."""

from pathlib import Path

from forging import act, say, stated
from founding import BROKER, identity_of, keys_of, lei
from messages import report
from scene import Node, Scene, in_folder, outcomes, running

from canonical.identifiers import FundAccount
from canonical.message import Role
from node.act import AdmitInstitution, Delegate, StateFunds
from node.memory_ledger import MemoryLedger
from node.network import FundEntry, Institution, Relationship
from node.setup import card_of

NEW = lei("TESTNEWFUNDS")


def admission() -> AdmitInstitution:
    newcomer = Institution(
        lei=NEW,
        name="New Funds",
        role=Role.INVESTOR,
        identity_key=identity_of(NEW).public_text,
        bic="NEWFJPJT",
    )
    return AdmitInstitution(institution=newcomer, relationships=(Relationship(broker=BROKER, investor=NEW),))


async def enrolled(scene: Scene, sp: Node) -> None:
    """Members vote, the institution names its SP and its funds."""
    for node in (scene.sp1, scene.sp2):
        await say(scene, node, act(admission()))
    asked = card_of(sp.sp, keys_of(sp.sp, (NEW,)), None).delegations[NEW]
    await say(
        scene, scene.sp1, stated(Delegate(institution=NEW, number=1, delegation=asked), identity_of(NEW))
    )
    funds = tuple(FundEntry(investor=NEW, account=FundAccount(code=code)) for code in ("F1", "F2"))
    await say(scene, scene.sp2, stated(StateFunds(institution=NEW, number=2, funds=funds), identity_of(NEW)))


async def test_whoever_is_admitted_trades_from_then_on(tmp_path: Path):
    """What the broker says to it is read by its SP and by nobody else; nobody has to be started again."""
    scene = in_folder(tmp_path, MemoryLedger())
    scene.sp3.keys = keys_of("sp3", (NEW,))
    async with running(scene):
        await scene.settled()
        await enrolled(scene, scene.sp3)
        await scene.sp1.arrives("broker", report("B-1", investor="NEWFJPJT"))
        await scene.settled()
        assert len(outcomes(scene.sp1)) == 1
        assert outcomes(scene.sp3) == outcomes(scene.sp1)
        assert outcomes(scene.sp2) == []
