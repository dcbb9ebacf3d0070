"""The order of a measurement of the ledger: in each round all sizes, ours and plain nats in turn.

Which of the two comes first changes with each round, so that a load that comes and goes meets both.
"""

import math
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from pathlib import Path
from statistics import mean, median
from typing import Any

from node.bench import pure
from node.bench.blocks import Prepared, archiving
from node.bench.ledger_report import BlockFigures, LedgerOptions, PartFigures
from node.bench.plain_nats import PlainStream, plain_stream
from node.bench.scene import FUNDS, Messages, make_scene
from node.bench.servers import ledger_and_store, servers
from node.entry import ENTRY_ID_BYTES, SealedEntry, encode_entry
from node.envelope import SUITE

BLOCKS = {1: 60, 10: 30, 100: 20, 1_000: 6}  # of each size in a round
SHORT_FROM = 1_000  # entries in a block: real ones would not fit any more
SHORT_BOX_BYTES = 840

Progress = Callable[[str], None]
Found = dict[str, Any]


@dataclass(slots=True)
class Size:
    """What was measured of blocks of one size. Rates: entries per second, by round."""

    entries: int
    pool: Sequence[bytes]
    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    async def ours(self, blocks: Prepared, count: int) -> None:
        """Have `count` blocks archived."""
        entries = cycle(self.pool)
        made = [tuple(islice(entries, self.entries)) for _ in range(count)]
        took = await blocks.archived(made)
        self.seconds += took
        self.rates.append(self.entries * count / sum(took))

    async def plainly(self, stream: PlainStream, count: int) -> None:
        """Publish the same bytes as messages."""
        bodies = list(islice(cycle(self.pool), self.entries * count))
        self.plain.append(await stream.publish(bodies, self.entries))

    def figures(self) -> BlockFigures:
        """All rounds together."""
        ratios = [ours / plain for ours, plain in zip(self.rates, self.plain, strict=True)]
        times = sorted(self.seconds)
        return BlockFigures(
            entries_per_block=self.entries,
            bytes_per_entry=round(mean(map(len, self.pool))),
            blocks=len(times),
            ledger_entries_per_second=median(self.rates),
            block_p50_milliseconds=1e3 * median(times),
            block_p99_milliseconds=1e3 * times[math.ceil(0.99 * len(times)) - 1],
            plain_nats_entries_per_second=median(self.plain),
            ledger_to_plain_nats_ratio=median(ratios),
            lowest_ledger_to_plain_nats_ratio=min(ratios),
            highest_ledger_to_plain_nats_ratio=max(ratios),
        )


async def measured_ledger(folder: Path, options: LedgerOptions, progress: Progress) -> Found:
    """All figures of the report by name."""
    load, rounds = os.getloadavg()[0], 1 if options.quick else options.rounds
    scene = make_scene(folder, options.members)
    of = pure.sealing(scene, list(chain.from_iterable(Messages().pairs(pure.BATCH // 2))))
    sizes, parts = _sizes(of), defaultdict[str, list[float]](list)
    progress("starting nats-server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(servers(folder, options.members))
        opened = ledger_and_store(folder, server, options.members)
        ledger, store = await stack.enter_async_context(opened)
        blocks = await stack.enter_async_context(archiving(scene, folder, store, ledger))
        stream = await stack.enter_async_context(plain_stream(server, options.members))
        for size in _sizes(of):  # to warm up; not counted
            await _both(size, blocks, stream, quick=True, ours_first=True)
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for size in sizes:
                await _both(size, blocks, stream, quick=options.quick, ours_first=number % 2 == 0)
            for part, seconds in pure.part_seconds(of).items():
                parts[part].append(seconds)
    return {
        "rounds": rounds,
        "load_average": (round(load, 2), round(os.getloadavg()[0], 2)),
        "sizes": [size.figures() for size in sizes],
        "parts": _parts(parts),
    } | _described(options)


def _sizes(of: pure.Sealing) -> list[Size]:
    """The sizes, each with its entries."""
    entries = of.entries()
    id_, box = secrets.token_bytes(ENTRY_ID_BYTES), secrets.token_bytes(SHORT_BOX_BYTES)
    short = [encode_entry(SealedEntry(SUITE, of.secret.key_id, id_, box))]
    return [Size(count, short if count >= SHORT_FROM else entries) for count in BLOCKS]


async def _both(size: Size, blocks: Prepared, stream: PlainStream, *, quick: bool, ours_first: bool) -> None:
    count = 1 if quick else BLOCKS[size.entries]
    if ours_first:
        await size.ours(blocks, count)
    await size.plainly(stream, count)
    if not ours_first:
        await size.ours(blocks, count)


def _parts(seconds: dict[str, list[float]]) -> dict[str, PartFigures]:
    """Each part, and what several take together."""
    for name, summed in pure.SUMS.items():
        seconds[name] = [sum(of_round) for of_round in zip(*(seconds[part] for part in summed), strict=True)]
    return {
        name: PartFigures(
            median_microseconds=1e6 * median(found),
            lowest_microseconds=1e6 * min(found),
            highest_microseconds=1e6 * max(found),
        )
        for name, found in seconds.items()
    }


def _described(options: LedgerOptions) -> Found:
    where = "one nats-server" if options.members == 1 else f"a cluster of {options.members} nats-servers"
    return {
        "measured": f"blocks on {where} that sync always, all on this machine: each filled, signed, kept on"
        " disk, published, acknowledged, read back, verified, put into the tree and archived with an fsync,"
        " which also keeps the next one, before that is published. Entries are sealed messages with"
        f" {FUNDS} funds; where so many do not fit into a block, shorter ones of random bytes. Beside it,"
        " plain nats: the same bytes on the same servers, one message for each entry, as many in flight as"
        " the block has entries, nothing kept or read back",
        "not_measured": "sealing and opening are not in the rates: see the processor time of an entry",
        "members": options.members,
        "processors": os.cpu_count() or 1,
        "batch": pure.BATCH,
    }
