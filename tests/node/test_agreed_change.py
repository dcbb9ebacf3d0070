"""After match agreed a client asks for a change in its own format, and the other consents in its own."""

from pathlib import Path

import pytest
from messages import block, file, fix, report
from scene import Node, Scene, in_folder, running

from node.memory_ledger import MemoryLedger

HEADER = (
    "取引参照番号,処理区分,元参照番号,注文番号,証券会社コード,銘柄コード,売買区分,約定日,受渡日,合計数量,平均単価,"
    "ファンドコード,数量,約定代金,手数料,消費税,受渡金額\r\n"
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


async def agreed(scene: Scene) -> None:
    await scene.sp1.arrives("broker", report("B-1"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
    await scene.settled()


def amended(reference: str, replaces: str, tax: int) -> bytes:
    """The investor's trade with another consumption tax of F2."""
    head = f"{reference},訂正,{replaces},B-1,19999,7203,買,2026/11/20,2026/11/25,30000,2845.5,"
    rows = ("F1,20000,56910000,56910,5691,56972601", f"F2,10000,28455000,28455,{tax},{28483455 + tax}")
    return (HEADER + "".join(f"{head}{row}\r\n" for row in rows)).encode("cp932")


def answer(reference: str, code: str) -> bytes:
    """A broker's AllocationInstructionAck (FIX P)."""
    return fix(
        ("35", "P"), ("49", "BROKER"), ("56", "YAKUJO"), ("34", "9"), ("52", "20261120-07:00:00.000"),
        ("70", reference), ("75", "20261120"), ("60", "20261120-07:00:00.000"), ("87", code),
        *((("88", "7"),) if code == "1" else ()),
    )  # fmt: skip


def heard(node: Node, client: str) -> str:
    """The last answer that a client has had, as text."""
    rows = node.rows("SELECT bytes FROM delivery WHERE client = ? ORDER BY number", client)
    return rows[-1][0].decode("cp932" if client == "investor" else "utf-8").replace("\x01", "|")


async def test_an_amendment_holds_with_one_message_of_the_other_side(scene: Scene):
    async with running(scene):
        await agreed(scene)
        await scene.sp2.arrives("investor", amended("A-2", "A-1", 2846))
        await scene.settled()
        assert "訂正申請中" in heard(scene.sp2, "investor")
        asked = heard(scene.sp1, "broker")
        assert "|87=3|" in asked
        assert "the investor asks to amend it by A-2: consent or refuse" in asked
        await scene.sp1.arrives("broker", answer("A-2", "0"))
        await scene.settled()
        assert ",一致," in heard(scene.sp2, "investor")
        assert [s for (s,) in scene.sp1.rows("SELECT status FROM outcome WHERE kind = 'result'")] == [
            "MAGR",
            "CREQ",
            "MAGR",
        ]
        state = "SELECT * FROM state ORDER BY key"
        assert scene.sp1.rows(state) == scene.sp2.rows(state)


async def test_a_refused_amendment_changes_nothing(scene: Scene):
    async with running(scene):
        await agreed(scene)
        await scene.sp2.arrives("investor", amended("A-2", "A-1", 2846))
        await scene.settled()
        await scene.sp1.arrives("broker", answer("A-2", "1"))
        await scene.settled()
        assert "訂正不同意" in heard(scene.sp2, "investor")
        await scene.sp2.arrives("investor", amended("A-3", "A-1", 2847))
        await scene.settled()
        assert "訂正申請中" in heard(scene.sp2, "investor")
