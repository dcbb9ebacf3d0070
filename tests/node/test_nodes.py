"""Promises about a whole network: what one side says comes to both sides alike, and to nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from messages import block, file, fix, report
from scene import Node, Scene, digest, first_answers, in_folder, outcomes, running

from node.memory_ledger import MemoryLedger

# What an outsider must not see, long enough not to come up in ciphertext by chance.
SECRETS = (
    "BROKERS-REF-0001",
    "INVESTORS-REF-1",
    "JP3633400001",
    "TESTBROKER",
    "TESTINVESTOR",
    "56972601",
    "秘密",
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


async def agreed_trade(scene: Scene) -> None:
    await scene.sp1.arrives("broker", report("BROKERS-REF-0001", remark="秘密"))
    await scene.settled()
    await scene.sp2.arrives(
        "investor", file(block("INVESTORS-REF-1", order="BROKERS-REF-0001", remark="秘密"))
    )
    await scene.settled()


def texts(node: Node, name: str) -> list[str]:
    return [delivery.raw.decode("cp932") for delivery in node.link.to(name)]


async def test_both_sides_come_to_the_same_outcomes(scene: Scene):
    """What both sides report alike is agreed at both SPs under the same ids, and both clients hear."""
    async with running(scene):
        raw, answer = report("B-1"), file(block("A-1", order="B-1"))
        await scene.sp1.arrives("broker", raw)
        await scene.settled()
        await scene.sp2.arrives("investor", answer)
        await scene.settled()
        assert outcomes(scene.sp1) == outcomes(scene.sp2) != []
        assert first_answers(scene.sp1) == {digest(raw): 1, digest(answer): 1}
        assert [row[4] for row in outcomes(scene.sp1)][-1] == "MAGR"
        assert any("\x0187=0\x01" in text for text in texts(scene.sp1, "broker"))
        assert any(",一致," in text for text in texts(scene.sp2, "investor"))


async def test_a_difference_is_told_to_both_sides(scene: Scene):
    """Each client hears in its own words which field differs, with both values."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1", commission="56900")))
        await scene.settled()
        (result,) = [json.loads(row[5]) for row in outcomes(scene.sp2) if row[4] == "MISM"]
        told = {d["field"]: (d["broker"], d["investor"]) for f in result["funds"] for d in f["differences"]}
        assert told["commission"] == ("56910", "56900")
        for node, name in ((scene.sp1, "broker"), (scene.sp2, "investor")):
            assert any("56910" in text and "56900" in text for text in texts(node, name)[-1:])


async def test_an_sp_that_is_party_to_nothing_learns_nothing(scene: Scene, capfd: pytest.CaptureFixture[str]):
    """It keeps the whole ledger, checked, and neither its files nor anyone's log hold a word of the trade."""
    async with running(scene):
        await agreed_trade(scene)
        outsider, party = scene.sp3.bytes_on_disk(), scene.sp2.bytes_on_disk()
        log = "".join(capfd.readouterr())
        assert scene.sp3.head() == scene.sp1.head()
        count = "SELECT COUNT(*) FROM archive WHERE fault IS NULL"
        assert scene.sp3.rows(count) == scene.sp1.rows(count)
        for table in ("said", "reference", "outcome", "state", "day_key", "delivery", "raw"):
            assert scene.sp3.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names of the test's own
        assert "node runs" in log
        for word in SECRETS:
            assert word.encode() not in outsider
            assert word not in log
            assert word.encode() in party or word.encode("cp932") in party


async def test_nobody_hears_of_another_institution_that_sent_the_same_bytes(scene: Scene):
    """One vendor drops one file for two of its managers: each hears about its own trade alone."""
    async with running(scene):
        same = file(block("A-1", order="B-1"))
        await scene.sp2.arrives("investor", same)
        await scene.sp2.arrives("rival", same)
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-1", investor="RIVLJPJT"))
        await scene.settled()
        assert [",一致," in text for text in texts(scene.sp2, "rival")][-1]
        assert not any(",一致," in text for text in texts(scene.sp2, "investor"))
        assert len([t for t in texts(scene.sp2, "investor") if ",受付," in t]) == 1
        assert len([t for t in texts(scene.sp2, "rival") if ",受付," in t]) == 1


async def test_a_node_that_was_away_catches_up(scene: Scene):
    """What was ordered in the meantime is applied when it is back, and its client hears."""
    async with running(scene):
        await scene.sp2.stop()
        for number in range(3):
            await scene.sp1.arrives("broker", report(f"B-{number}"))
        await scene.sp2.start()
        await scene.settled()
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        copies = [text for text in texts(scene.sp2, "investor") if "合計数量" in text]
        assert ["B-0" in copies[0], "B-1" in copies[1], "B-2" in copies[2]] == [True] * 3


async def test_only_the_owner_can_read_what_a_node_writes(scene: Scene):
    """Whoever else has an account on the host sees nothing, also while the node runs."""
    async with running(scene):
        await agreed_trade(scene)
        for node in scene.nodes.values():
            paths = [node.folder, *node.folder.rglob("*")]
            assert {path.name: path.stat().st_mode & 0o077 for path in paths if path.exists()} == {
                path.name: 0 for path in paths
            }


NASTY = ("€ 🎌 Ω", "a\\b\"c'd<e>&f", "x" * 2000, "=1+1", "1\n2", "ｶﾀｶﾅ・〜−", "\\x01|;|")


async def test_remarks_that_a_format_cannot_say_stop_nobody(scene: Scene):
    """A copy in a smaller character set loses a character, not the trade and not the node."""
    async with running(scene):
        for number, remark in enumerate(NASTY):
            await scene.sp1.arrives("broker", report(f"B-{number}", remark=remark))
        await scene.settled()
        assert [row[2] for row in outcomes(scene.sp2)] == ["receipt"] * len(NASTY)
        copies = [text for text in texts(scene.sp2, "investor") if "合計数量" in text]
        assert len(copies) == len(NASTY)
        assert "〓" in copies[0]


async def test_an_affirmation_finds_its_trade_by_the_confirmation(tmp_path: Path):
    """FIX AU names neither broker nor trade: the confirmation's reference is enough; a wrong one is told."""
    scene = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["fix"]})
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        copies = [d.raw for d in scene.sp2.link.to("fix") if b"\x0135=AK\x01" in d.raw]
        names = [raw.partition(b"\x01664=")[2].partition(b"\x01")[0].decode() for raw in copies]
        assert len(names) == 2
        for number, name in enumerate((*names, "B-9", "")):
            await scene.sp2.arrives("fix", affirmation(name, number))
        await scene.settled()
        said = [json.loads(row[0]) for row in scene.sp1.rows("SELECT submission FROM said ORDER BY position")]
        affirmed: list[Any] = [
            m["answers"] for s in said for m in s["messages"] if m["kind"] == "affirmation"
        ]
        assert affirmed == names
        refused = [d.raw for d in scene.sp2.link.to("fix") if d.kind == "refusal"]
        assert [b"\x0135=j\x01" in raw for raw in refused] == [True, True]
        assert b"380=1" in refused[0]


async def test_a_reference_that_two_brokers_have_used_is_not_guessed(tmp_path: Path):
    """An affirmation of one broker's figures must never count as one of another's."""
    scene = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"], "sp2": ["fix"]})
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        other = (
            "SELECT reference, position + 1000, 'ANOTHER BROKER', kind, counterparty, short FROM reference"
        )
        scene.sp2.change(f"INSERT INTO reference {other}")
        await scene.sp2.arrives("fix", affirmation("B-1/1", 1))
        await scene.settled()
        assert [d.kind for d in scene.sp2.link.to("fix")][-1] == "refusal"


def affirmation(confirmation: str, number: int) -> bytes:
    return fix(
        ("35", "AU"), ("49", "FUND"), ("56", "YAKUJO"), ("34", str(number + 1)),
        ("52", "20261120-06:31:00.000"),
        ("664", confirmation), ("75", "20261120"), ("60", "20261120-06:31:00.000"), ("940", "3"),
    )  # fmt: skip
