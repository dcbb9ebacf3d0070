"""What arrives is stored first, answered once, and never held up by what others send."""

from collections import Counter
from pathlib import Path

import pytest
from forging import entries
from founding import INVESTOR, RIVAL, client
from messages import block, file, fix, report
from scene import Node, Scene, in_folder, running, until

from adapters.folder_link import Oversized
from node import reading
from node.entry import KeyEntry, SealedEntry
from node.memory_ledger import MemoryLedger
from node.reading import Reader


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One node alone that serves all of them."""
    made = in_folder(tmp_path, MemoryLedger(), {"sp2": ["investor", "rival", "iso", "fix"]})
    del made.nodes["sp1"], made.nodes["sp3"]
    return made


UNKNOWN_FUND = file(block("A-1", fund="F9"))


def refusals(node: Node, name: str) -> list[str]:
    return [d.raw.decode("cp932") for d in node.link.to(name) if d.kind == "refusal"]


async def test_an_arrival_is_on_disk_before_it_is_acknowledged(scene: Scene):
    """The transport may forget a message as soon as the node has taken it."""
    async with running(scene):
        await scene.sp2.arrives("investor", b"anything at all", "name of it")
        (row,) = scene.sp2.rows("SELECT client, origin, bytes, length(digest) FROM raw")
        assert row == ("investor", "name of it", b"anything at all", 64)


async def test_what_the_transport_repeats_is_taken_once(scene: Scene):
    """A transport that did not hear the acknowledgement sends again: one message, one answer."""
    async with running(scene):
        for _ in range(3):
            await scene.sp2.arrives("investor", UNKNOWN_FUND, "a.csv:1")
            await scene.sp2.arrives("rival", UNKNOWN_FUND, "a.csv:1")
        await scene.settled()
        assert scene.sp2.rows("SELECT client FROM raw ORDER BY id") == [("investor",), ("rival",)]
        assert len(refusals(scene.sp2, "investor")) == len(refusals(scene.sp2, "rival")) == 1


async def test_what_the_client_sends_again_is_answered_again(scene: Scene):
    """A client that mended nothing hears each time, under another id."""
    async with running(scene):
        for _ in range(3):
            await scene.sp2.arrives("investor", UNKNOWN_FUND)
        await scene.settled()
        assert len(refusals(scene.sp2, "investor")) == 3
        bad = file(block("A-1", fund="F9"), block("A-2", fund="F8"), block("A-3", security="9984"))
        await scene.sp2.arrives("investor", bad)
        await scene.settled()
        told = refusals(scene.sp2, "investor")[3:]
        assert ["F9" in told[0], "F8" in told[1], "9984" in told[2]] == [True] * 3


async def test_a_refusal_names_all_that_is_wrong(scene: Scene):
    """Place, value and rule of each problem at once, in the client's own columns."""
    async with running(scene):
        raw = file(
            block("A-1", fund="F9", broker="77777", security="9984").replace("2026/11/25", "2026/11/99")
        )
        await scene.sp2.arrives("investor", raw)
        await scene.settled()
        (told,) = refusals(scene.sp2, "investor")
        assert ",受渡日,2026/11/99," in told
        raw = file(block("A-2", fund="F9", broker="77777", security="9984"))
        await scene.sp2.arrives("investor", raw)
        await scene.settled()
        told = refusals(scene.sp2, "investor")[1]
        for place in (",証券会社コード,77777,", ",銘柄コード,9984,"):
            assert place in told


async def test_a_bad_block_spoils_itself_alone(scene: Scene):
    """The other blocks of the file are ordered, in their order."""
    async with running(scene):
        good = [block(f"A-{number}") for number in (1, 3, 5)]
        bad = [block(f"A-{number}", fund="F9") for number in (2, 4)]
        await scene.sp2.arrives("investor", file(good[0], bad[0], good[1], bad[1], good[2]))
        await scene.settled()
        names = scene.sp2.rows(
            "SELECT DISTINCT reference FROM reference WHERE reference LIKE 'A-%' ORDER BY position"
        )
        assert names == [("A-1",), ("A-3",), ("A-5",)]
        assert len(refusals(scene.sp2, "investor")) == 2


HOPELESS = {
    "empty": b"",
    "zeros": bytes(100),
    "no text": bytes(range(256)) * 4,
    "half of a message": report("B-1")[:200],
    "a type that is not agreed": fix(("35", "D"), ("49", "A"), ("56", "B"), ("34", "7"), ("11", "O-1")),
    "another client's format": file(block("A-1")),
    "xml": b"<?xml version='1.0'?><Document/>",
}


@pytest.mark.parametrize("name", ["investor", "fix", "iso"])
async def test_what_cannot_be_read_is_refused_and_kept(scene: Scene, name: str):
    """Whatever comes: one refusal in the client's own format, the raw bytes kept, and the node goes on."""
    sent = [raw for kind, raw in HOPELESS.items() if (name, kind) != ("investor", "another client's format")]
    async with running(scene):
        for raw in sent:
            await scene.sp2.arrives(name, raw)
        await scene.settled()
        assert [d.kind for d in scene.sp2.link.to(name)] == ["refusal"] * len(sent)
        kept = scene.sp2.rows("SELECT bytes, state FROM raw ORDER BY id")
        assert kept == [(raw, "answered") for raw in sent]
        assert not any(isinstance(one.entry, KeyEntry | SealedEntry) for one in entries(scene.sp2))


async def test_a_message_larger_than_an_entry_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """It could never be ordered: its sender is told to split it."""
    monkeypatch.setattr(reading, "PLAINTEXT_BYTES_MAX", 1500)
    async with running(scene):
        await scene.sp2.arrives("investor", file(block("A-1")))
        await scene.settled()
        (told,) = refusals(scene.sp2, "investor")
        assert "上限超過" in told
        assert "split" in told


async def test_a_file_too_large_to_be_read_is_refused_once(scene: Scene):
    """The link may ask again after a crash; another client's file of the same name is another one."""
    async with running(scene):
        assert scene.sp2.link.refuse_unread is not None
        for name in ("investor", "rival", "investor"):
            await scene.sp2.link.refuse_unread(
                Oversized(name, "big.csv:50000000:1", "big.csv", 50_000_000, 20_000_000, "big.1.csv")
            )
        await scene.settled()
        for name in ("investor", "rival"):
            (told,) = refusals(scene.sp2, name)
            assert "big.csv has 50000000 bytes" in told
        assert len(set(scene.sp2.rows("SELECT raw FROM submission"))) == 2


async def test_what_the_fix_engine_refused_is_on_record(scene: Scene):
    """The engine has answered it already: kept with its answer, and not answered again."""
    async with running(scene):
        assert scene.sp2.link.refuse_engine is not None
        await scene.sp2.link.refuse_engine("fix", b"bad", b"35=3")
        await scene.settled()
        assert scene.sp2.rows("SELECT client, bytes, state FROM raw") == [("fix", b"bad", "answered")]
        assert scene.sp2.rows("SELECT kind, bytes, delivered IS NOT NULL FROM delivery") == [
            ("refusal", b"35=3", 1)
        ]
        assert scene.sp2.link.sent == []


async def test_messages_of_a_client_that_is_not_served_wait(scene: Scene):
    """Taken out of the configuration and put back: nothing of it is lost, and others are not held up."""
    node = scene.sp2
    node.clients = (client("investor"),)
    async with running(scene):
        await node.arrives("rival", UNKNOWN_FUND)
        await node.arrives("investor", UNKNOWN_FUND)
        await until(lambda: refusals(node, "investor"))
        assert node.rows("SELECT client, state FROM raw") == [("rival", "stored"), ("investor", "answered")]
        await node.stop()
        node.clients = (client("investor"), client("rival"))
        await node.start()
        await scene.settled()
        assert len(refusals(node, "rival")) == 1
        assert len(refusals(node, "investor")) == 1


async def test_a_fault_in_reading_one_message_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """The client hears whose fault it is, the log says where without quoting, and the bytes are kept."""
    true = Reader.items

    def faulty(self: Reader, *values: object) -> object:
        found = true(self, *values)
        if b"A-BAD" in values[2]:
            raise KeyError("quotes 56910000")
        return found

    monkeypatch.setattr(Reader, "items", faulty)
    async with running(scene):
        await scene.sp2.arrives("investor", file(block("A-BAD")))
        await scene.sp2.arrives("investor", file(block("A-2")))
        await scene.settled()
        (told,) = refusals(scene.sp2, "investor")
        assert "fault of the service provider" in told
        states = scene.sp2.rows("SELECT state FROM raw ORDER BY id")
        assert states == [("answered",), ("ordered",)]
        log = "".join(capfd.readouterr())
        assert "KeyError" in log
        assert "56910000" not in log


async def test_a_backlog_is_worked_off_in_order(scene: Scene):
    """What came while the node was busy, or before it was killed, goes to the ledger as it came."""
    async with running(scene):
        for number in range(60):
            await scene.sp2.arrives("investor" if number % 3 else "rival", file(block(f"A-{number:03}")))
        await scene.sp2.stop()
        await scene.sp2.start()
        await scene.settled()
        for one in (INVESTOR, RIVAL):
            query = "SELECT DISTINCT reference FROM reference WHERE sender = ? ORDER BY position"
            said = [name for (name,) in scene.sp2.rows(query, one) if name.startswith("A-")]
            assert said == [f"A-{number:03}" for number in range(60) if (number % 3 > 0) == (one == INVESTOR)]
        kinds = Counter(scene.sp2.rows("SELECT kind FROM outcome WHERE kind IN ('receipt', 'rejection')"))
        assert sum(kinds.values()) == 60
