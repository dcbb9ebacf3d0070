"""Trades over the API: as operators see them, but no more than has been released, to their sides alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from founding import BROKER, INVESTOR, RIVAL
from messages import block, file, report
from scene import Node, Scene, in_folder, running

from adapters.http_call import RefusedError
from canonical.result import TradeStatus
from node.api.questions import Questions
from node.api.trades import TradesAsked, listed_trade, page_of_trades, trade_shown
from node.inspection import View
from node.memory_ledger import MemoryLedger
from node.store import STORE_FILE, each, read_store
from node.trades import list_trades


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """T1 is agreed, T2 differs, T3 has one side."""
    async with running(in_folder(tmp_path, MemoryLedger())) as found:
        await found.sp1.arrives("broker", report("B1", order="T1"))
        await found.sp2.arrives("investor", file(block("A1", order="T1")))
        await found.sp1.arrives("broker", report("B2", order="T2"))
        await found.sp2.arrives("investor", file(block("A2", order="T2", commission="50000")))
        await found.sp1.arrives("broker", report("B3", order="T3"))
        await found.settled()
        yield found


@contextmanager
def viewed(node: Node) -> Iterator[View]:
    with closing(read_store(node.folder / STORE_FILE)) as connection:
        yield View(node.settings, node.network, connection)


def statuses(view: View, institution: str = BROKER, **asked: Any) -> dict[str, str]:
    """By the broker's reference."""
    page = page_of_trades(view, institution, TradesAsked(**asked))
    return {trade.broker_references[0]: trade.status for trade in page.trades}


async def test_what_is_released_is_what_operators_see(scene: Scene):
    """Where nothing waits for the other side's node, the two lists are the same."""
    for node in (scene.sp1, scene.sp2):
        with viewed(node) as view:
            for row in list_trades(view):
                listed = listed_trade(view, row.trade)
                assert listed is not None
                assert row.model_dump().items() <= listed.model_dump().items()
                assert (listed.finality, listed.awaited) == ("final", False)


async def test_only_of_ones_own(scene: Scene):
    with viewed(scene.sp2) as view:
        assert statuses(view, INVESTOR) == {"B3": "NMAT", "B2": "MISM", "B1": "MAGR"}
        assert statuses(view, RIVAL) == {}
        assert trade_shown(view, INVESTOR, "B1") is not None
        assert trade_shown(view, RIVAL, "B1") is None


async def test_filters(scene: Scene):
    with viewed(scene.sp1) as view:
        assert statuses(view, status=TradeStatus.MISMATCHED) == {"B2": "MISM"}
        assert statuses(view, status=TradeStatus.UNMATCHED) == {"B3": "NMAT"}
        assert statuses(view, counterparty=RIVAL) == {}
        assert len(statuses(view, counterparty=INVESTOR, trade_date="2026-11-20")) == 3
        assert statuses(view, trade_date="2026-11-21") == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_hold_each_trade_once(scene: Scene, limit: int):
    with viewed(scene.sp1) as view:
        found, before = [], None
        while True:
            page = page_of_trades(view, BROKER, TradesAsked(limit=limit, before=before))
            found += [trade.broker_references[0] for trade in page.trades]
            if (before := page.next) is None:
                break
        assert found == ["B3", "B2", "B1"]


@pytest.mark.parametrize("finality", ["open", "disputed"])
async def test_what_is_not_released_is_not_told(scene: Scene, finality: str):
    """A result that the other side has not confirmed, or has contradicted: nobody hears of it here either."""
    with viewed(scene.sp1) as view:
        [(last,)] = each(view.connection, "SELECT MAX(position) FROM outcome WHERE status = 'MAGR'")
    await scene.sp1.stop()
    scene.sp1.change("UPDATE decided SET finality = ? WHERE position = ?", finality, last)
    with viewed(scene.sp1) as view:
        assert statuses(view)["B1"] == "NMAT"
        assert "B1" in statuses(view, status=TradeStatus.UNMATCHED)
        assert statuses(view, status=TradeStatus.MATCH_AGREED) == {}
        shown = trade_shown(view, BROKER, "B1")
        assert shown is not None
        assert (shown.trade.status, shown.trade.awaited, shown.funds) == ("NMAT", True, ())
        assert shown.investor_said, "what the other side has said is no result"


async def test_what_is_provisional_is_marked(scene: Scene):
    with viewed(scene.sp1) as view:
        [(last,)] = each(view.connection, "SELECT MAX(position) FROM outcome WHERE status = 'MAGR'")
    await scene.sp1.stop()
    scene.sp1.change("UPDATE decided SET finality = 'provisional' WHERE position = ?", last)
    with viewed(scene.sp1) as view:
        shown = trade_shown(view, BROKER, "B1")
        assert shown is not None
        assert (shown.trade.status, shown.trade.finality) == ("MAGR", "provisional")


async def test_questions_end_in_time_and_with_the_node(scene: Scene):
    """One that takes too long is refused; one that is under way when the node ends holds nothing up."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"

    def question(view: View) -> object:
        return view.connection.execute(endless).fetchone()

    with Questions(scene.sp1.settings, scene.sp1.network, 1, 0.2) as questions:
        with pytest.raises(RefusedError) as caught:
            await questions.ask(question)
        assert caught.value.reply.status == 503
        assert await questions.ask(lambda view: len(list_trades(view))) == 3
    with Questions(scene.sp1.settings, scene.sp1.network, 1, 600) as questions:
        asked = asyncio.create_task(_asked(questions, question))
        await asyncio.sleep(0.1)
    assert await asked == 503


async def test_not_too_many_questions_wait(scene: Scene):
    """More than so many are refused at once, instead of piling up."""
    blocked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def question(_: View) -> None:
        asyncio.run_coroutine_threadsafe(blocked.wait(), loop).result()

    with Questions(scene.sp1.settings, scene.sp1.network, 1, 600) as questions:
        waiting = [asyncio.create_task(_asked(questions, question)) for _ in range(40)]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert {task.result() for task in done} == {503}
        assert len(done) == 8
        blocked.set()
        await asyncio.gather(*waiting)


async def _asked(questions: Questions, question: Callable[[View], object]) -> int:
    """The status that a question comes to."""
    try:
        await questions.ask(question)
    except RefusedError as error:
        return error.reply.status
    return 200
