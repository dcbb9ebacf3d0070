"""A client asks in its own format what the agreed rules make of a trade, and takes it over."""

from pathlib import Path

import pytest
from messages import block, file, report
from scene import Node, Scene, in_folder, running

from node.memory_ledger import MemoryLedger

HEADER = (
    "取引参照番号,処理区分,元参照番号,証券会社コード,売買区分,約定日,受渡日,合計数量,平均単価,"
    "ファンドコード,数量,手数料,消費税,受渡金額\r\n"
)
COMMISSION = {"tariffs": ({"bands": ({"rate": "0.0010"},)},)}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger(), commission=COMMISSION)


def asks(reference: str, kind: str, about: str) -> bytes:
    return f"{HEADER}{reference},{kind},{about},19999,,,,,,,,,,\r\n".encode("cp932")


def rows(node: Node) -> list[list[str]]:
    """The rows of the last file that the investor has had, without the header."""
    ((raw,),) = node.rows("SELECT bytes FROM delivery WHERE client = 'investor' ORDER BY number DESC LIMIT 1")
    return [line.split(",") for line in raw.decode("cp932").splitlines()[1:]]


async def test_who_differs_asks_and_takes_the_calculation_over(scene: Scene):
    """F1's commission is a yen more than the table gives: the investor sees it fund by fund, and agrees."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1", commission="56911")))
        await scene.settled()
        await scene.sp2.arrives("investor", asks("Q-1", "試算", "A-1"))
        await scene.settled()
        whole, first, second = rows(scene.sp2)
        assert "試算" in whole
        assert ("F1" in first, "F2" in second) == (True, True)
        told = "by the rules: gross 56910000, commission 56910, consumption tax 5691, net 56972601"
        assert told in ",".join(first).replace('"', "")
        await scene.sp2.arrives("investor", asks("Q-2", "試算採用", "A-1"))
        await scene.settled()
        assert all("一致" in row for row in rows(scene.sp2))
        last = "SELECT status FROM outcome WHERE kind = 'result' ORDER BY position DESC LIMIT 1"
        assert scene.sp1.rows(last) == scene.sp2.rows(last) == [("MAGR",)]
