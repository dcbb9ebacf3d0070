"""A network of three members, the first of them guarded, and what can befall its disk."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ledger_scene import (
    PATIENCE_SECONDS,
    STREAM,
    append_until_acknowledged,
    cluster_settings,
    first,
    ledger_on,
)

from node.guard import GuardSettings, ServerGuard
from node.guard_disk import DiskMarks
from node.guard_state import Word
from node.jetstream import JetStreamLedger
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer

BLOCK_BYTES = 64 * 1024
BLOCKS = 300  # more than two block files of 8 MiB hold
MEMBERS = ("sp1", "sp2", "sp3")
NEVER_LOW = DiskMarks(full_percent=101, low_bytes=0, resume_percent=0, resume_bytes=0)


@dataclass
class Network:
    """Three servers on this host. head: what the first node's archive has."""

    settings: list[ServerSettings]
    head: int = 0
    accepting: list[bool] = field(default_factory=list)

    def guard(self, number: int = 1, disk: DiskMarks = NEVER_LOW) -> ServerGuard:
        """A guard of member `number`, not yet entered."""
        server = self.settings[number - 1]
        return ServerGuard(
            server,
            GuardSettings(STREAM, 3, MEMBERS, server.directory.parent, disk),
            archived=lambda: self.head,
            accepting=self.accepting.append,
        )

    def store(self, number: int = 1) -> Path:
        """Where member `number` keeps everything."""
        return self.settings[number - 1].directory / "store" / "jetstream"

    def blocks(self, number: int = 1) -> Path:
        """The folder of its block files."""
        return self.store(number) / "$G" / "streams" / STREAM / "msgs"


class Others:
    """The second and third member, which nothing befalls, and a ledger on the second."""

    def __init__(self, network: Network) -> None:
        self._servers = [EmbeddedServer(settings) for settings in network.settings[1:]]
        self._stack = contextlib.AsyncExitStack()
        self.ledger: JetStreamLedger

    async def __aenter__(self) -> "Others":
        try:
            await asyncio.gather(*(self._stack.enter_async_context(server) for server in self._servers))
            self.ledger = await self._stack.enter_async_context(ledger_on(self._servers[0], "sp2", 3))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


def block(number: int) -> bytes:
    """The content of block `number`, unlike all others."""
    return number.to_bytes(8, "big") * (BLOCK_BYTES // 8)


async def fill(ledger: JetStreamLedger, start: int, stop: int) -> None:
    """Append the blocks from `start` to before `stop`, one after the other in the ledger."""
    for number in range(start, stop):
        assert await append_until_acknowledged(ledger, block(number), f"block {number}") == number


async def fill_network(directory: Path) -> None:
    """Make a network whose servers have all stopped in good order, each with all blocks."""
    network = Network(cluster_settings(directory))
    async with contextlib.AsyncExitStack() as stack:
        made = [stack.enter_async_context(EmbeddedServer(settings)) for settings in network.settings]
        servers = await asyncio.gather(*made)
        ledger = await stack.enter_async_context(ledger_on(servers[0], "sp1", 3))
        await fill(ledger, 1, BLOCKS + 1)
        assert len(await first(ledger, BLOCKS)) == BLOCKS
        await until(lambda: _size(network.blocks(1)) == _size(network.blocks(2)))


def copied_network(filled: Path, directory: Path) -> Network:
    """A network of its own, on other ports, with the files of the one in `filled`."""
    shutil.copytree(filled, directory, dirs_exist_ok=True)
    return Network(cluster_settings(directory), BLOCKS)


def _size(blocks: Path) -> int:
    return sum(path.stat().st_size for path in blocks.glob("*.blk"))


async def all_blocks(guard: ServerGuard, count: int) -> None:
    """The guarded node can read all of the ledger, in order."""
    async with ledger_on(guard.server, "sp1", 3, create=False) as ledger:
        seen = await first(ledger, count)
    assert seen == [(number, block(number)) for number in range(1, count + 1)]


@contextlib.asynccontextmanager
async def watching(guard: ServerGuard) -> AsyncIterator[ServerGuard]:
    """The guard at work, on its server."""
    async with guard.server:
        work = asyncio.create_task(guard.run())
        try:
            yield guard
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; a test alone may do so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - tests alone wait for it
            await asyncio.sleep(0.05)


async def until_word(guard: ServerGuard, word: Word) -> None:
    """Wait until the guard says `word`."""
    try:
        await until(lambda: guard.state.word is word)
    except TimeoutError:
        raise AssertionError(f"{word} was awaited, but: {guard.state}") from None


def flip(path: Path, at: int) -> None:
    """Flip one bit of a file. at: an offset, from the end where negative."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)
