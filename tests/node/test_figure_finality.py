"""Figures tell what is not final: at any position, by what stands on the ledger up to there."""

from contextlib import closing
from pathlib import Path

import pytest
from beside import seen
from founding import network
from messages import block, file, report
from releases import finality, other_contract, worse
from scene import Node, Scene, in_folder, running

from node.commands.options import screen
from node.commands.stats_screen import print_figures
from node.figure_finality import finality_at
from node.figure_report import Asked
from node.figure_report import report as figures_of
from node.figures import FiguresReport
from node.memory_ledger import MemoryLedger
from node.store import STORE_FILE, read_store


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def counted(node: Node, position: int | None = None) -> FiguresReport:
    with closing(read_store(node.folder / STORE_FILE)) as connection:
        return figures_of(connection, network(), Asked(position=position))


def certainties(node: Node) -> list[str]:
    """How far each decision holds by what was attested, in order."""
    positions = [at for (at,) in node.rows("SELECT position FROM decided ORDER BY position")]
    with closing(read_store(node.folder / STORE_FILE)) as connection:
        found = finality_at(connection, node.head().size - 1)
        return [found.of(at).value for at in positions]


async def test_a_match_counts_at_once_and_is_not_final_until_both_sides_have_attested_it(scene: Scene):
    """The other side's node is away: the figures say of how many trades that is so, at a position too."""
    async with running(scene):
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await scene.sp2.stop()
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert certainties(scene.sp1) == finality(scene.sp1) == ["final", "open"]
        total = counted(scene.sp1).total
        assert (total.trades, total.agreed_exactly, total.not_final, total.disputed) == (1, 1, 1, 0)
        before = scene.sp1.head().size - 1
        await scene.sp2.start()
        await scene.settled()
        assert certainties(scene.sp1) == certainties(scene.sp2) == ["final"] * 2
        for node in (scene.sp1, scene.sp2):
            assert counted(node).total == total.model_copy(update={"not_final": 0})
            assert counted(node, before).total == total


async def test_what_is_disputed_is_neither_agreed_nor_open(scene: Scene, capsys: pytest.CaptureFixture[str]):
    """One node found a match, the other none: no figure of either says so, as nobody was told."""
    scene.sp2.make_parts = other_contract(worse)
    async with running(scene):
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert certainties(scene.sp1) == finality(scene.sp1) == ["final", "disputed"]
        for node in (scene.sp1, scene.sp2):
            found = counted(node)
            total = found.total
            assert (total.trades, total.disputed, total.not_final) == (1, 1, 0)
            assert (total.agreed_exactly, total.mismatched, total.on_time, total.late) == (0, 0, 0, 0)
            assert (total.funds, total.funds_matched) == (2, 0)
            assert [(fund.agreed_exactly, fund.open) for fund in found.funds] == [(0, 1), (0, 1)]
        with seen(scene.sp1) as view:
            print_figures(screen(), view, found)
        assert "1 (disputed 1)" in capsys.readouterr().out
