"""Promises about the ledger in memory: it orders as the real one does, and misbehaves on demand."""

import asyncio
import contextlib
from random import Random

import pytest

from node import memory_ledger
from node.ledger import Ledger, LedgerGapError, LedgerUnavailableError
from node.memory_ledger import Faults, MemoryLedger


async def _read(ledger: Ledger, count: int, after: int = 0) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    async with asyncio.timeout(10), contextlib.aclosing(ledger.read(after)) as blocks:
        async for item in blocks:
            found.append(item)
            if len(found) == count:
                break
    return found


async def test_all_readers_see_one_order() -> None:
    """Every node that shares the object sees the same blocks, also those that come later."""
    ledger = MemoryLedger()
    readers = [asyncio.create_task(_read(ledger, 3)) for _ in range(2)]
    assert [await ledger.append(b"%d" % number, str(number)) for number in range(3)] == [1, 2, 3]
    assert await ledger.append(b"1", "1") == 2
    assert await asyncio.gather(*readers) == [[(1, b"0"), (2, b"1"), (3, b"2")]] * 2
    assert await _read(ledger, 1, after=2) == [(3, b"2")]
    assert (await ledger.head(), await ledger.check()) == (3, ())


async def test_faults_happen_and_repeat() -> None:
    """A failing run can be run again from its seed."""

    async def run(seed: int) -> tuple[list[bool], list[tuple[int, bytes]]]:
        ledger = MemoryLedger(
            Faults(lost=0.2, unacknowledged=0.2, duplicated=0.3, delay=0.0001), Random(seed)
        )
        heard = []
        for number in range(50):
            try:
                await ledger.append(b"%d" % number, str(number))
                heard.append(True)
            except LedgerUnavailableError:
                heard.append(False)
        return heard, await _read(ledger, await ledger.head())

    heard, blocks = await run(7)
    assert (heard, blocks) == await run(7)
    assert heard != (await run(8))[0]
    assert {True, False} == set(heard)
    ordered = {block for _, block in blocks}
    assert all(b"%d" % number in ordered for number, said in enumerate(heard) if said)
    assert any(b"%d" % number in ordered for number, said in enumerate(heard) if not said)
    assert len(ordered) < len(blocks)


async def test_a_forgotten_block_is_a_gap() -> None:
    """Nodes under test meet the same error as on a rotten disk."""
    ledger = MemoryLedger()
    for number in range(3):
        await ledger.append(b"%d" % number, str(number))
    ledger.forget(2)
    with pytest.raises(LedgerGapError, match="expected sequence 2, saw 3"):
        await _read(ledger, 3)
    with pytest.raises(LedgerGapError, match="expected sequence 10, saw 3"):
        await _read(ledger, 1, after=9)


async def test_a_ledger_that_is_away_says_so() -> None:
    """Switched off, it neither orders nor answers."""
    ledger = MemoryLedger()
    ledger.available = False
    with pytest.raises(LedgerUnavailableError):
        await ledger.append(b"x", "1")
    with pytest.raises(LedgerUnavailableError):
        await ledger.head()


async def test_members_may_ask_one_another() -> None:
    """What is asked is answered by whoever is there, and by nobody once he is gone."""
    ledger = MemoryLedger()

    async def backwards(question: bytes) -> bytes:
        return question[::-1]

    with pytest.raises(LedgerUnavailableError, match="sp1 does not answer"):
        await ledger.ask("sp1", b"abc")
    answering = asyncio.create_task(ledger.answer("sp1", backwards))
    await asyncio.sleep(0)
    assert await ledger.ask("sp1", b"abc") == b"cba"
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    with pytest.raises(LedgerUnavailableError):
        await ledger.ask("sp1", b"abc")


async def test_a_block_may_arrive_after_its_author_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network delivers what a process said that has died since."""
    monkeypatch.setattr(memory_ledger, "LATE_SECONDS", 0.01)
    ledger = MemoryLedger(Faults(late=1.0))
    with pytest.raises(LedgerUnavailableError):
        await ledger.append(b"x", "1")
    assert await ledger.head() == 0
    assert await _read(ledger, 1) == [(1, b"x")]
