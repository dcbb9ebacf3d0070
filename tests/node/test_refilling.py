"""A node's start: the stream goes on exactly where the archives end, or the node does not run."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from archives import Stopped, begin, founded, traffic

from node import refilling
from node.generation import Generation, generation_in
from node.ledger import LedgerGapError, LedgerRefusedError, LedgerUnavailableError
from node.memory_ledger import MemoryLedger
from node.own_blocks import RESTORING
from node.refilling import LedgerRewoundError, may_make_stream, take_up
from node.store import close_store, keep_setting, open_store


class Stream(MemoryLedger):
    """A new stream, in memory. lost: sequences whose first append is not answered."""

    def __init__(self, *lost: int) -> None:
        super().__init__()
        self.lost = set(lost)

    async def append_after(self, sequence: int, block: bytes) -> None:
        """See JetStreamLedger."""
        await asyncio.sleep(0)
        if await self.head() != sequence or sequence in self.lost:
            self.lost.discard(sequence)
            raise LedgerUnavailableError(f"wrong last sequence: {await self.head()}")
        await self.append(block, f"filled {sequence}")

    async def holds(self) -> list[bytes]:
        """All of it."""
        found = list[bytes]()
        async with aclosing(self.read(0)) as blocks:
            while len(found) < await self.head():
                found.append((await anext(blocks))[1])
        return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here takes time."""
    monkeypatch.setattr(refilling, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(refilling, "REWIND_SECONDS", 0.05)
    monkeypatch.setattr(refilling, "STALL_SECONDS", 5.0)
    monkeypatch.setattr(refilling, "WINDOW_BLOCKS", 7)


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Stopped]:
    """Three members in generation 2: sp3 has read less than the others, and none has read anything since."""
    made = founded(tmp_path, "sp1", "sp2", "sp3")
    blocks = traffic(made.values(), 12)
    for sp, count in (("sp1", 37), ("sp2", 37), ("sp3", 20)):
        made[sp].has(blocks[:count])
    begin(made, tmp_path / "statement.toml")
    return made


def now(member: Stopped) -> Generation | None:
    """The generation that a node is in."""
    return generation_in(member.settings.network_file, member.network)


async def starts(stream: Stream, *members: Stopped) -> None:
    """All of them at the same time."""
    async with asyncio.timeout(20):
        await asyncio.gather(*(take_up(stream, one.store, now(one)) for one in members))


@pytest.mark.parametrize("lost", [(), (0, 1, 9, 36)])
async def test_several_fill_at_the_same_time(members: dict[str, Stopped], lost: tuple[int, ...]):
    """The stream then holds what the archives hold, the very same bytes, whatever was not answered."""
    stream = Stream(*lost)
    await starts(stream, *members.values())
    assert await stream.holds() == members["sp1"].blocks()
    assert len(members["sp1"].blocks()) == 37


async def test_a_fill_that_was_interrupted_is_gone_on_with(members: dict[str, Stopped]):
    stream = Stream()
    for sequence, block in enumerate(members["sp1"].blocks()[:30]):
        await stream.append_after(sequence, block)
    await starts(stream, members["sp2"])
    assert await stream.holds() == members["sp1"].blocks()


async def test_who_has_less_waits_until_it_is_whole(members: dict[str, Stopped]):
    """Nobody publishes into the midst of a fill."""
    stream = Stream()
    waiting = asyncio.create_task(starts(stream, members["sp3"]))
    for sequence, block in enumerate(members["sp1"].blocks()[:36]):
        await stream.append_after(sequence, block)
    assert not waiting.done()
    await starts(stream, members["sp1"])
    await waiting


async def test_a_fill_that_nobody_goes_on_with_ends(
    members: dict[str, Stopped], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refilling, "STALL_SECONDS", 0.05)
    with pytest.raises(LedgerUnavailableError, match="filled up to sequence 0 of 37 and no further: start a"):
        await starts(Stream(), members["sp3"])


@pytest.mark.parametrize("sp", ["sp1", "sp2", "sp3"])
async def test_other_blocks_in_the_stream_are_found(members: dict[str, Stopped], sp: str):
    """Whoever was quicker with something else: no node reads it, or publishes behind it."""
    stream = Stream()
    blocks = members["sp1"].blocks()
    for sequence, block in enumerate([*blocks[:25], b"something else", *blocks[26:]]):
        await stream.append_after(sequence, block)
    expected = "begin with the blocks" if sp == "sp3" else "another block at sequence 26 than this node's"
    with pytest.raises(LedgerRefusedError, match=expected):
        await starts(stream, members[sp])


async def test_a_shorter_archive_of_another_ledger_does_not_go_on(members: dict[str, Stopped]):
    """What could not be compared when the statement was signed is compared now, block by block."""
    other = members["sp3"].block(b"only here")
    members["sp3"].has([other])
    stream = Stream()
    for sequence, block in enumerate(members["sp1"].blocks()):
        await stream.append_after(sequence, block)
    with pytest.raises(LedgerRefusedError, match="another block at sequence 21 than this node's archive"):
        await starts(stream, members["sp3"])


async def test_a_stream_that_is_lost_again_is_not_filled_by_who_went_on(members: dict[str, Stopped]):
    """It lacks what was acknowledged since: that is for the members to decide anew."""
    members["sp1"].has([members["sp1"].block(b"since then")])
    stream = Stream()
    with pytest.raises(LedgerRewoundError, match="ends at sequence 0, and this node has archived 38"):
        await starts(stream, members["sp1"])
    assert await stream.head() == 0
    assert not may_make_stream(members["sp1"].store, now(members["sp1"]), is_new=False)
    assert may_make_stream(members["sp2"].store, now(members["sp2"]), is_new=False)


async def test_in_every_generation_the_end_must_be_the_same(tmp_path: Path):
    """A stream that was made anew, or put back and gone on with, is never gone on with by a node."""
    member = founded(tmp_path, "sp1")["sp1"]
    blocks = traffic([member], 4)
    member.has(blocks)
    stream = Stream()
    for sequence, block in enumerate(blocks[:-1]):
        await stream.append_after(sequence, block)
    with pytest.raises(LedgerGapError, match="`yakujo rebuild`"):
        await take_up(stream, member.store, None)
    await stream.append_after(len(blocks) - 1, b"another")
    with pytest.raises(LedgerRefusedError, match="another block at sequence 5 than this node's archive"):
        await take_up(stream, member.store, None)


async def test_only_a_new_node_makes_the_first_stream(tmp_path: Path):
    """One that was restored has lost its archive, and not the ledger."""
    member = founded(tmp_path, "sp1")["sp1"]
    member.has([])
    await take_up(Stream(), member.store, None)
    assert may_make_stream(member.store, None, is_new=True)
    assert not may_make_stream(member.store, None, is_new=False)
    connection = open_store(member.store)
    keep_setting(connection, RESTORING, "1")
    close_store(connection, member.store)
    assert not may_make_stream(member.store, None, is_new=True)
