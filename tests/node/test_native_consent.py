"""After match agreed a client consents to what the other side asks for, or not, with one native message."""

import re
from pathlib import Path

import pytest
from messages import fix, report
from native_words import (
    broker_cancellation,
    cancellation,
    heard,
    instruction,
    response,
    split,
    statuses,
    taken,
)
from scene import Scene, in_folder, running

from node.memory_ledger import MemoryLedger


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["fix", "iso"]})


async def agreed(scene: Scene) -> None:
    """A trade that an investor on ISO 20022 and the broker agree on."""
    await scene.sp1.arrives("broker", report("B-1"))
    await scene.settled()
    await scene.sp2.arrives("iso", split("block-and-two-funds"))
    await scene.settled()
    assert statuses(scene.sp2)[-1] == "MAGR"


def amended(reference: str, replaces: str) -> bytes:
    """The broker's report with another commission of F1 (AS with 71=1)."""
    new = report(reference, order="B-1", commission="56912").replace(b"\x0171=0\x01", b"\x0171=1\x01")
    fields = [part.split("=", 1) for part in new.decode().split("\x01")[2:-2]]
    more = [("795", replaces), ("796", "99"), ("72", "NONE")]
    return fix(*((tag, value) for tag, value in (*fields[:6], *more, *fields[6:])))


def asking(scene: Scene) -> str:
    """The reference that an investor on ISO 20022 has to answer, from the status advice that tells it."""
    found = re.findall("<ExctgPtyTxId>([^<]+)</ExctgPtyTxId>", heard(scene.sp2, "iso")[-1])
    assert len(set(found)) == 1
    return found[0]


@pytest.mark.parametrize(("word", "status"), [("AFFI", "CANA"), ("NAFI", "MAGR")])
async def test_iso20022_consents_to_a_cancellation_or_refuses(scene: Scene, word: str, status: str):
    async with running(scene):
        await agreed(scene)
        await scene.sp1.arrives("broker", broker_cancellation("B-2", "B-1"))
        await scene.settled()
        assert "<CxlReqd" in heard(scene.sp2, "iso")[-1]
        assert asking(scene) == "B-2"
        await scene.sp2.arrives("iso", response("X-1", word, ExctgPtyTxId=asking(scene)))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == statuses(scene.sp2)[-1] == status
        assert ("|87=1|" in heard(scene.sp1, "broker")[-1]) is (word == "NAFI")


@pytest.mark.parametrize("word", ["AFFI", "NAFI"])
async def test_iso20022_consents_to_an_amendment_or_refuses(scene: Scene, word: str):
    async with running(scene):
        await agreed(scene)
        await scene.sp1.arrives("broker", amended("B-2", "B-1"))
        await scene.settled()
        assert "<ModReqd" in heard(scene.sp2, "iso")[-1]
        await scene.sp2.arrives("iso", response("X-1", word, ExctgPtyTxId=asking(scene)))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == "MAGR"
        net = [raw for (raw,) in scene.sp1.rows("SELECT value FROM state WHERE key LIKE 'half/%'")]
        assert any("56912" in str(record) for record in net) is (word == "AFFI")


async def test_iso20022_asks_to_cancel_with_a_message_of_its_own(scene: Scene):
    async with running(scene):
        await agreed(scene)
        await scene.sp2.arrives("iso", cancellation("X-1", "K1-0"))
        await scene.settled()
        assert "WCAN" in heard(scene.sp2, "iso")[-1]
        assert "the investor asks to cancel it by X-1" in heard(scene.sp1, "broker")[-1]


async def test_iso20022_takes_back_what_stands_before_in_the_same_file(scene: Scene):
    """What is named is not on the ledger yet; who the other side is follows from what waits."""
    async with running(scene):
        both = split("block-and-two-funds").decode().replace("</Messages>", "")
        cancels = cancellation("X-1", "K1-0").decode()
        await scene.sp2.arrives("iso", f"{both}{cancels}</Messages>".encode())
        await scene.settled()
        assert "<CxlCmpltd" in heard(scene.sp2, "iso")[-1]


async def test_iso20022_affirms(scene: Scene):
    """The broker's figures are taken by the reference that the status advice of the fund gives."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("fix", instruction("A-1", ("626", "2")))
        await scene.settled()
        assert statuses(scene.sp2)[-1] == "PEND"
        await scene.sp2.arrives("iso", response("X-1", "AFFI", ExctgPtyTxId="B-1"))
        await scene.settled()
        assert statuses(scene.sp2)[-1] == "MAGR"


async def test_a_response_to_nothing_is_refused(scene: Scene):
    async with running(scene):
        await scene.sp2.arrives("iso", response("X-1", "AFFI", ExctgPtyTxId="B-9"))
        await scene.sp2.arrives("iso", cancellation("X-2", "K-9"))
        await scene.settled()
        first, second = heard(scene.sp2, "iso")
        assert "does not name one message that was sent to you" in first
        assert "does not name one message that you have sent" in second


@pytest.mark.parametrize(("code", "status"), [("0", "CANA"), ("1", "MAGR")])
async def test_fix_answers_a_report_that_asks_with_its_acknowledgement(scene: Scene, code: str, status: str):
    """An AT to the broker's AS, beside an AU to an AK: an engine answers each message with its own kind."""
    async with running(scene):
        await agreed(scene)
        await scene.sp1.arrives("broker", broker_cancellation("B-2", "B-1"))
        await scene.settled()
        await scene.sp2.arrives("fix", taken("B-2", code))
        await scene.settled()
        assert statuses(scene.sp1)[-1] == status
