"""At a node's start: the stream goes on where the archives end, or the node does not run.

    await take_up(stream, store, generation)

In every generation the stream must still have this node's last block, the same bytes at the same sequence: a
stream that was made anew or put back is never gone on with.

In a later generation the stream begins empty. Every node whose archive holds all that the members have signed
fills it from there, in order, passed over blocks too. Each block is appended behind the one that it must
follow or not at all, so that several nodes may fill at the same time. All others wait: nobody publishes
before the stream holds all of it. Whoever has not been beyond it yet then compares every block with what was
signed, before it reads or publishes anything.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Protocol

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from node.generation import Generation, Statement
from node.ledger import Finding, LedgerGapError, LedgerRefusedError, LedgerUnavailableError
from node.own_blocks import RESTORING
from node.replica import Head, head
from node.store import each, read_store, setting
from node.tree_tiles import root

WINDOW_BLOCKS = 64
WINDOW_BYTES = 4 * 1024 * 1024
STALL_SECONDS = 120.0  # without a single new block
REWIND_SECONDS = 15.0  # how long a new leader may take to know of its last block
LOOK_SECONDS = 0.5
ASK_AGAIN_SECONDS = 30.0
TELL_SECONDS = 5.0

log = structlog.get_logger(__name__)


class LedgerRewoundError(LedgerGapError):
    """The stream ends before this node's archive does: blocks that were acknowledged are gone from it."""

    def __init__(self, archived: int, last: int) -> None:
        super().__init__(archived, last)
        self.args = (
            f"the servers' stream ends at sequence {last}, and this node has archived {archived}: it has "
            "lost blocks that were acknowledged, and this node does not go on. Where most of the servers "
            "have lost their data for good, see `yakujo rebuild`",
        )


class Stream(Protocol):
    """What is asked of the engine here (node.jetstream)."""

    async def append_after(self, sequence: int, block: bytes) -> None:
        """Append if `sequence` is the last one, else LedgerUnavailableError."""
        ...

    def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """See node.ledger.Ledger."""
        ...

    async def head(self) -> int:
        """See node.ledger.Ledger."""
        ...


def may_make_stream(store: Path, generation: Generation | None, *, is_new: bool) -> bool:
    """Whether a node may make the stream of its generation, where there is none: what it lacks nobody has.

    is_new: the node has read nothing yet. One that was restored has read much, and only has to read it again;
    in a later generation the stream is filled before anybody uses it.
    """
    with closing(read_store(store)) as archive:
        if generation is None:
            return is_new and setting(archive, RESTORING) is None
        return head(archive).sequence <= generation.statement.sequence


async def take_up(stream: Stream, store: Path, generation: Generation | None) -> None:
    """Return when the stream has all that it must have, and this node may read and publish.

    generation: None for the first. Raises LedgerRewoundError, LedgerRefusedError where the stream or this
    archive is not what was signed, and LedgerUnavailableError where the fill does not go on.
    """
    with closing(read_store(store)) as archive:
        at = head(archive)
        if generation is not None:
            await _carry_over(stream, archive, at, generation.statement)
        if at.sequence > 0:
            # A server that has just been given its stream may be slow to answer: to ask again costs nothing.
            attempts = AsyncRetrying(
                stop=stop_after_delay(ASK_AGAIN_SECONDS),
                wait=wait_fixed(LOOK_SECONDS),
                retry=retry_if_exception_type(LedgerUnavailableError),
                reraise=True,
            )
            await attempts(_check_end, stream, archive, at)


def blocks_digest(archive: sqlite3.Connection, sequence: int) -> str:
    """What Statement.blocks is of this archive, up to `sequence`, read whole."""
    whole = hashlib.sha256()
    for (block,) in archive.execute(
        "SELECT block FROM archive WHERE sequence <= ? ORDER BY sequence", (sequence,)
    ):
        whole.update(hashlib.sha256(block).digest())
    return whole.hexdigest()


async def _carry_over(stream: Stream, archive: sqlite3.Connection, at: Head, statement: Statement) -> None:
    """See to it that the stream begins with what was signed."""
    is_whole = at.sequence >= statement.sequence
    if is_whole and root(archive, statement.size).hex() != statement.root:
        raise _refused(
            f"this node's archive has another root at size {statement.size} than the members have signed for "
            f"generation {statement.generation}: run `yakujo scrub`, and `yakujo restore` where it is damaged"
        )
    if at.sequence > statement.sequence:
        return  # it has gone on in this generation already: all this was done then
    if is_whole:
        await _check_archive(archive, statement)
    await _until_filled(stream, archive if is_whole else None, statement)
    await _check_blocks(stream, archive, statement)
    log.info("the stream of a new generation is whole", generation=statement.generation)


async def _check_archive(archive: sqlite3.Connection, statement: Statement) -> None:
    if await asyncio.to_thread(blocks_digest, archive, statement.sequence) != statement.blocks:
        raise _refused(
            f"the blocks in this node's archive are not those that the members have signed for generation "
            f"{statement.generation}: run `yakujo scrub`, and `yakujo restore` where it is damaged"
        )


async def _until_filled(stream: Stream, archive: sqlite3.Connection | None, statement: Statement) -> None:
    """Fill the stream from `archive`, or wait for others to do so where there is none."""
    watch = _Watch(stream, statement)
    while (reached := await watch.head()) < statement.sequence:
        if archive is None or not await _appended(stream, _window(archive, reached, statement.sequence)):
            await asyncio.sleep(LOOK_SECONDS)


def _window(archive: sqlite3.Connection, after: int, last: int) -> Iterator[tuple[int, bytes]]:
    """The next blocks to append, with their sequences: at least one."""
    query = (
        "SELECT sequence, block FROM archive WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
    )
    size = 0
    for sequence, block in each(archive, query, after, last, WINDOW_BLOCKS):
        if size and size + len(block) > WINDOW_BYTES:
            return
        size += len(block)
        yield sequence, block


async def _appended(stream: Stream, window: Iterator[tuple[int, bytes]]) -> bool:
    """Append blocks, all under way at once; whether any was. Another node may have been quicker."""
    results = await asyncio.gather(
        *(stream.append_after(sequence - 1, block) for sequence, block in window), return_exceptions=True
    )
    for result in results:
        if result is not None and not isinstance(result, LedgerUnavailableError):
            raise result
    return None in results


async def _check_blocks(stream: Stream, archive: sqlite3.Connection, statement: Statement) -> None:
    """Raise LedgerRefusedError where the stream does not begin with the blocks that were signed."""
    whole = hashlib.sha256()
    own = archive.execute("SELECT digest FROM archive ORDER BY sequence")
    async with aclosing(stream.read(0)) as blocks:
        async for sequence, block in blocks:
            digest = hashlib.sha256(block).digest()
            if (kept := own.fetchone()) is not None and kept[0] != digest:
                raise _refused(
                    f"the stream has another block at sequence {sequence} than this node's archive: the "
                    f"statement of generation {statement.generation} was made of another ledger. {_STOP_ALL}"
                )
            whole.update(digest)
            if sequence == statement.sequence:
                break
    if whole.hexdigest() != statement.blocks:
        raise _refused(
            f"the stream does not begin with the blocks that the members have signed for generation "
            f"{statement.generation}: somebody has put others there. {_STOP_ALL}"
        )


async def _check_end(stream: Stream, archive: sqlite3.Connection, at: Head) -> None:
    """Raise where the stream does not have this node's last block where this node has it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + REWIND_SECONDS
    while (last := await stream.head()) < at.sequence:
        if loop.time() >= deadline:
            raise LedgerRewoundError(at.sequence, last)
        await asyncio.sleep(LOOK_SECONDS)
    [(digest,)] = each(archive, "SELECT digest FROM archive WHERE sequence = ?", at.sequence)
    async with aclosing(stream.read(at.sequence - 1)) as blocks:
        async for _, block in blocks:
            if hashlib.sha256(block).digest() == digest:
                return
            raise _refused(
                f"the stream has another block at sequence {at.sequence} than this node's archive: it was "
                f"made anew or put back by hand, and has gone on otherwise. {_STOP_ALL}"
            )


_STOP_ALL = "Stop all nodes, compare what `yakujo rebuild FOLDER` says at each, and see its help"


def _refused(text: str) -> LedgerRefusedError:
    return LedgerRefusedError([Finding(text)])


class _Watch:
    """Looks how far the stream has been filled, tells it, and gives up where it is filled no further."""

    def __init__(self, stream: Stream, statement: Statement) -> None:
        self._stream = stream
        self._statement = statement
        self._reached = -1
        self._moved = self._told = asyncio.get_running_loop().time()

    async def head(self) -> int:
        """The last sequence. Raises LedgerUnavailableError where nothing has come for STALL_SECONDS."""
        while True:
            try:
                reached = await self._stream.head()
            except LedgerUnavailableError:
                self._note(self._reached)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                self._note(reached)
                return reached

    def _note(self, reached: int) -> None:
        now, last = asyncio.get_running_loop().time(), self._statement.sequence
        if reached > self._reached:
            self._reached, self._moved = reached, now
        if now - self._moved > STALL_SECONDS:
            raise LedgerUnavailableError(
                f"the stream of generation {self._statement.generation} is filled up to sequence "
                f"{max(0, self._reached)} of {last} and no further: start a node whose archive holds it all"
            )
        if now - self._told > TELL_SECONDS:
            self._told = now
            log.info("the stream of a new generation is being filled", sequence=max(0, reached), of=last)
