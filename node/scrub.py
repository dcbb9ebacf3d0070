"""The whole archive read again: whether every block is still what was ordered, and opens as it did.

    scrub(connection, open_block) -> ScrubReport
    opener(network)                                 open_block, for the members that the network file names

Beside a running node it reads in short pieces, each in a transaction of its own, up to the block that was the
last when it began. It writes nothing.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from node.block import Block, BlockInvalidError, open_block
from node.network import Network
from node.replica import Head, head
from node.scrub_report import FINDINGS_MAX, ScrubFinding, ScrubReport
from node.store import each
from node.store_check import MESSAGES, structure, unlike_digest

_CHUNK_BLOCKS = 32  # of at most 900 KiB
_EVERYTHING = 2**63
_COLUMNS = "sequence, block, digest, sp, seq, first, entries, fault"

OpenBlock = Callable[[bytes], Block]
"""The block in these bytes, or BlockInvalidError. Asked in the ledger's order: it may know past members."""
Follow = Callable[[int, int, Block], Iterable[str]]
"""Told of each block that counts and is as it was: its sequence, the position of its first entry, itself.
Gives sentences about what is wrong with it."""
Rest = Callable[[float], None]
"""Called between two reads with the seconds that the last one took. What it raises ends the scrub."""


def follow_nothing(sequence: int, first: int, block: Block) -> Iterable[str]:  # noqa: ARG001 - as a Follow has them
    """Find nothing wrong with any block."""
    return ()


def opener(network: Network) -> OpenBlock:
    """Opens blocks of the members that the network file names, for a ledger without acts of membership."""
    return partial(open_block, members=network.signing_keys, network=network.id)


def scrub(
    connection: sqlite3.Connection,
    open_block: OpenBlock,
    *,
    follow: Follow = follow_nothing,
    progress: Callable[[int, int], None] = lambda _, __: None,
    rest: Rest = lambda _: None,
) -> ScrubReport:
    """Read all again. progress: told the sequence reached, and the last one. Raises what `rest` raises."""
    began, start = datetime.now(UTC), time.monotonic()
    run = _Scrub(connection, open_block, follow, rest)
    run.blocks_of_archive(progress)
    run.rest_of_store()
    return ScrubReport(
        began=began,
        seconds=round(time.monotonic() - start, 3),
        blocks=run.blocks,
        entries=run.size,
        bytes=run.volume,
        messages=run.messages,
        findings=tuple(run.findings),
        found=run.found,
    )


@dataclass(slots=True)
class _Scrub:
    """What was read so far. size: entries that count. numbers: the last of each SP's blocks that count."""

    connection: sqlite3.Connection
    open_block: OpenBlock
    follow: Follow
    rest: Rest
    blocks: int = 0
    size: int = 0
    volume: int = 0
    messages: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    findings: list[ScrubFinding] = field(default_factory=list)
    found: int = 0
    read: float = field(default_factory=time.monotonic)

    def find(self, sequence: int | None, text: str) -> None:
        """Note a finding."""
        self.found += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(ScrubFinding(sequence=sequence, text=text))

    def pause(self) -> None:
        """Let others have the processor and the disk."""
        self.rest(time.monotonic() - self.read)
        self.read = time.monotonic()

    def blocks_of_archive(self, progress: Callable[[int, int], None]) -> None:
        """Read every block, in order."""
        try:
            at, last = _ends(self.connection)
        except (sqlite3.DatabaseError, ValueError) as error:
            self.find(None, f"the head cannot be read: {error}")
            return
        done = 0
        while done < last:
            rows = {row[0]: row for row in self.chunk(done, last)}
            end = min(done + _CHUNK_BLOCKS, last)
            for sequence in range(done + 1, end + 1):
                self.block(sequence, rows.get(sequence))
            done = end
            progress(done, last)
            self.pause()
        if (at.sequence, at.size) != (last, self.size):
            told = f"the node says that it is at sequence {at.sequence} with {at.size} entries"
            self.find(None, f"{told}, and the archive has {last} with {self.size}")

    def chunk(self, after: int, last: int) -> Iterator[Any]:
        """The next blocks; where they cannot be read together, each that can be read by itself."""
        query = f"SELECT {_COLUMNS} FROM archive WHERE sequence"  # noqa: S608 - a constant
        end = min(after + _CHUNK_BLOCKS, last)
        try:
            yield from each(self.connection, f"{query} BETWEEN ? AND ?", after + 1, end)
        except sqlite3.DatabaseError:
            for sequence in range(after + 1, end + 1):
                try:
                    yield from each(self.connection, f"{query} = ?", sequence)
                except sqlite3.DatabaseError as error:
                    self.find(sequence, f"it cannot be read: {error}")

    def block(self, sequence: int, row: Any) -> None:
        """Check one block, and what was noted of it."""
        if row is None:
            self.find(sequence, "it is not there")
            return
        _, raw, digest, sp, seq, first, entries, fault = row
        if not isinstance(raw, bytes) or not isinstance(entries, int):
            self.find(sequence, "it is not a block any more")
            return
        self.blocks += 1
        self.volume += len(raw)
        if hashlib.sha256(raw).digest() != digest:
            self.find(sequence, "it is not what was archived: its digest is another")
        else:
            for text in self.differences(sequence, raw, (sp, seq, first, entries), fault):
                self.find(sequence, text)
        self.size += entries
        if fault is None:
            self.numbers[sp] = seq

    def differences(
        self, sequence: int, raw: bytes, noted: tuple[str | None, int | None, int, int], fault: str | None
    ) -> Iterator[str]:
        """How a block is other than was noted: its SP, number, first position, entries that count, fault."""
        sp, seq, first, entries = noted
        if first != self.size:
            yield f"its first entry is noted at position {first}, and {self.size} come before it"
        try:
            block = self.open_block(raw)
        except BlockInvalidError as error:
            if (sp, seq, entries, fault) != (None, None, 0, error.reason.value):
                yield f"it does not open as it did: {error}"
            return
        counts = fault is None
        if (block.sp, block.seq, len(block.entries) if counts else 0) != (sp, seq, entries):
            yield f"it is number {block.seq} of {block.sp}, {len(block.entries)} entries, and noted otherwise"
        elif counts != (block.seq == (before := self.numbers.get(block.sp, 0)) + 1):
            what = "counted" if counts else f"passed over as {fault}"
            yield f"it was {what} with number {block.seq}, and {block.sp} had come to {before}"
        elif counts:
            yield from self.follow(sequence, self.size, block)

    def rest_of_store(self) -> None:
        """Check what clients sent against its digests, and what SQLite has built around it all."""
        try:
            (self.messages,) = self.connection.execute("SELECT COUNT(*) FROM raw").fetchone()
            tables = each(self.connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
        except sqlite3.DatabaseError as error:
            self.find(None, f"SQLite: {error}")
            return
        for text in unlike_digest(self.connection, MESSAGES, _EVERYTHING, self.pause):
            self.find(None, text)
        for (table,) in tables:
            for text in structure(self.connection, "integrity_check", table):
                self.find(None, text)
            self.pause()


def _ends(connection: sqlite3.Connection) -> tuple[Head, int]:
    """The node's head and the last block that is archived, of one moment."""
    connection.execute("BEGIN")
    try:
        (last,) = connection.execute("SELECT COALESCE(MAX(sequence), 0) FROM archive").fetchone()
        return head(connection), last
    finally:
        connection.execute("COMMIT")
