"""A reference may be too long for ISO 20022: who hears its short form there can answer by that."""

import re
from pathlib import Path

import pytest
from beside import seen
from messages import report
from native_words import broker_cancellation, cancellation, heard, instruction, response, split, statuses
from scene import Scene, in_folder, running

from canonical.identifiers import short_form
from node.memory_ledger import MemoryLedger
from node.trades import trades_of

UUID = "0d5bd6c5-4f0c-4f4a-9b5e-5d1c2f3a4b6c"  # 36 characters, as many FIX engines call their messages
OTHER = "17d0c1a2-4f0c-4f4a-9b5e-5d1c2f3a4b6c"
COMMISSION = {"tariffs": ({"bands": ({"rate": "0.0010"},)},)}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    clients = {"sp1": ["broker"], "sp2": ["fix", "iso"]}
    return in_folder(tmp_path, MemoryLedger(), clients, commission=COMMISSION)


async def test_who_is_told_a_short_form_consents_by_it(scene: Scene):
    """The status advice tells the broker's cancellation in short; the response names it so."""
    async with running(scene):
        await scene.sp1.arrives("broker", report(UUID, order="B-1"))
        await scene.sp2.arrives("iso", split("block-and-two-funds"))
        await scene.settled()
        assert statuses(scene.sp2)[-1] == "MAGR"
        await scene.sp1.arrives("broker", broker_cancellation(OTHER, UUID))
        await scene.settled()
        told = heard(scene.sp2, "iso")[-1]
        assert "<CxlReqd" in told
        (named,) = set(re.findall("<ExctgPtyTxId>([^<]+)</ExctgPtyTxId>", told))
        assert named == short_form(OTHER)
        await scene.sp2.arrives("iso", response("X-1", "AFFI", ExctgPtyTxId=named))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == statuses(scene.sp2)[-1] == "CANA"


@pytest.mark.parametrize("named", [short_form(UUID), f"{short_form(UUID)[:-1]}g"])
async def test_figures_are_affirmed_by_a_short_form(scene: Scene, named: str):
    """One that stands for nothing names no message."""
    async with running(scene):
        await scene.sp1.arrives("broker", report(UUID, order="B-1"))
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "2")))
        await scene.settled()
        await scene.sp2.arrives("iso", response("X-1", "AFFI", ExctgPtyTxId=named))
        await scene.settled()
        is_known = named == short_form(UUID)
        assert (statuses(scene.sp2)[-1] == "MAGR") is is_known
        with seen(scene.sp2) as view:
            assert bool(trades_of(view, named)) is is_known
        assert ("does not name one message" in heard(scene.sp2, "iso")[-1]) is not is_known


@pytest.mark.parametrize("takes_back", [False, True])
async def test_an_investor_names_what_it_has_said_itself(scene: Scene, *, takes_back: bool):
    """What the institution has said in FIX, it takes over, or back, in ISO 20022."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("fix", instruction(UUID, ("626", "2")))
        await scene.settled()
        named = short_form(UUID)
        said = cancellation("X-1", named) if takes_back else response("X-1", "ADPT", InstgPtyTxId=named)
        await scene.sp2.arrives("iso", said)
        await scene.settled()
        assert statuses(scene.sp1)[-1] == ("CANC" if takes_back else "MAGR")


async def test_a_reference_that_is_the_short_form_of_another_names_neither(scene: Scene):
    """Which of the two is meant is not guessed."""
    async with running(scene):
        await scene.sp1.arrives("broker", report(UUID, order="B-1"))
        await scene.sp1.arrives("broker", report(short_form(UUID), order="B-2"))
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "2")))
        await scene.settled()
        await scene.sp2.arrives("iso", response("X-1", "AFFI", ExctgPtyTxId=short_form(UUID)))
        await scene.settled()
        assert "does not name one message" in heard(scene.sp2, "iso")[-1]
        assert statuses(scene.sp2)[-1] == "PEND"
