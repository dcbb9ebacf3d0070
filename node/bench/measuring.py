"""The order of a measurement: the node as it is, the limits, then the node once more with its steps timed.

The limits stand in the middle, so that a load that comes and goes meets both.
"""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import mean, median
from typing import Any

from node.bench import limits, plain_quickfix, pure
from node.bench.pipeline import BenchLink, pass_through, running
from node.bench.plain_nats import plain_stream
from node.bench.report import STEPS, BenchOptions
from node.bench.scene import FUNDS, SP, Messages, Scene, clients_of, make_scene
from node.bench.servers import ledger_and_store, servers
from node.bench.steps import Steps, timed
from node.block import archived_block
from node.entry import EntryKind, SealedEntry, decode_entry
from node.nats_server import EmbeddedServer
from node.store import Store, each

QUICK_MESSAGES = 20
WARM_UP_MESSAGES = 100
SAMPLE_MESSAGES = 300
RUNS_SECONDS_MAX = 20.0  # on a slow machine fewer runs are made

Progress = Callable[[str], None]
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. seconds: on the clock. processor: of this process."""

    messages: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds


async def measured(folder: Path, options: BenchOptions, progress: Progress) -> Found:
    """All figures of the report by name."""
    scene, messages = make_scene(folder, options.members), Messages()
    count = QUICK_MESSAGES if options.quick else options.messages
    runs = 1 if options.quick else options.runs
    progress("starting nats-server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(servers(folder, options.members))
        opened = ledger_and_store(folder, server, options.members)
        ledger, store = await stack.enter_async_context(opened)
        async with running(scene, folder, store, ledger) as link:
            warm_up = QUICK_MESSAGES if options.quick else WARM_UP_MESSAGES
            await _run(link, store, messages, warm_up)
            done: list[Run] = []
            while len(done) < runs and sum(run.seconds for run in done) < RUNS_SECONDS_MAX:
                progress(f"run {len(done) + 1} of {runs}: {count} messages")
                done.append(await _run(link, store, messages, count))
        found = _end_to_end(done)
        progress("limits")
        found |= await _limits(folder, options, scene, server, store, messages)
        progress("steps")
        steps = Steps()
        async with running(scene, folder, store, ledger) as link:
            with timed(steps):
                run = await _run(link, store, messages, count)
        found |= _shares(run, steps)
    return found | _ratios(found) | _described(options, count, len(done))


async def _run(link: BenchLink, store: Store, messages: Messages, count: int) -> Run:
    pairs = list(messages.pairs(count // 2))
    processor, clock = time.process_time(), time.perf_counter()
    await pass_through(link, store, pairs)
    return Run(2 * len(pairs), time.perf_counter() - clock, time.process_time() - processor)


def _end_to_end(runs: list[Run]) -> Found:
    rates = [run.rate for run in runs]
    middle = median(rates)
    return {
        "end_to_end_messages_per_second": middle,
        "end_to_end_slowest_messages_per_second": min(rates),
        "end_to_end_fastest_messages_per_second": max(rates),
        "end_to_end_spread_percent": 100 * (max(rates) - min(rates)) / middle,
        "end_to_end_processor_microseconds": 1e6 * median(run.processor / run.messages for run in runs),
    }


async def _limits(
    folder: Path,
    options: BenchOptions,
    scene: Scene,
    server: EmbeddedServer,
    store: Store,
    messages: Messages,
) -> Found:
    sample = list(
        chain.from_iterable(messages.pairs((QUICK_MESSAGES if options.quick else SAMPLE_MESSAGES) // 2))
    )
    blocks = await store.write(lambda c: [row[0] for row in each(c, "SELECT block FROM archive")])
    entries = [archived_block(raw).entries for raw in blocks]
    sealed = [entry for entry in chain.from_iterable(entries) if _is_submission(entry)]
    per_block = len(sealed) / len(blocks)
    single, rows = sealed[: len(sample)], [arrival.raw for arrival in sample]
    clients, path = clients_of(scene), folder / SP / "plain.db"
    plain, ours = plain_quickfix.quickfix_seconds(sample), pure.reading_seconds(clients, sample)
    parts = pure.part_seconds(pure.sealing(scene, sample[: pure.BATCH]), pure.SEAL_TO_OPEN)
    async with plain_stream(server, options.members) as stream:
        in_blocks = await stream.publish(blocks, 1)
        one_by_one = await stream.publish(single, 1)
    in_groups = limits.sqlite_rows_per_second(path, rows, max(1, round(per_block)))
    return {
        "end_to_end_messages_per_block": per_block,
        "end_to_end_entries_per_block": mean(map(len, entries)),
        "bytes_per_message": round(mean(map(len, rows))),
        "bytes_per_entry": round(mean(map(len, single))),
        "plain_quickfix_parse_messages_per_second": 1 / plain,
        "plain_quickfix_parse_microseconds": 1e6 * plain,
        "fix_to_canonical_microseconds": 1e6 * ours,
        "seal_sign_verify_open_microseconds": 1e6 * sum(parts.values()),
        "plain_nats_one_by_one_messages_per_second": one_by_one,
        "plain_nats_in_blocks_messages_per_second": in_blocks * per_block,
        "plain_sqlite_one_by_one_messages_per_second": limits.sqlite_rows_per_second(path, rows, 1),
        "plain_sqlite_in_groups_messages_per_second": in_groups,
    }


def _is_submission(raw: bytes) -> bool:
    entry = decode_entry(raw)
    return isinstance(entry, SealedEntry) and entry.kind is EntryKind.SEALED


def _shares(run: Run, steps: Steps) -> Found:
    totals = steps.totals()
    totals["other"] = max(0.0, run.processor - sum(totals.values()))
    whole = sum(totals.values())
    shares = {f"share_of_{step}_percent": 100 * totals.get(step, 0.0) / whole for step in STEPS}
    waits = steps.waits
    return {
        **shares,
        "timed_processor_microseconds": 1e6 * run.processor / run.messages,
        "publish_and_read_back_milliseconds": 1e3 * mean(waits),
        "publish_and_read_back_of_time_percent": 100 * sum(waits) / run.seconds,
    }


def _ratios(found: Found) -> Found:
    rate = found["end_to_end_messages_per_second"]
    per_second = "messages_per_second"
    ratios = {
        f"end_to_end_to_{name}_ratio": rate / found[f"{name}_{per_second}"]
        for name in (
            "plain_nats_one_by_one",
            "plain_nats_in_blocks",
            "plain_sqlite_one_by_one",
            "plain_sqlite_in_groups",
        )
    }
    plain = found["plain_quickfix_parse_microseconds"]
    return ratios | {
        "end_to_end_to_plain_quickfix_ratio": rate / found[f"plain_quickfix_parse_{per_second}"],
        "fix_to_canonical_to_plain_quickfix_ratio": found["fix_to_canonical_microseconds"] / plain,
    }


def _described(options: BenchOptions, count: int, runs: int) -> Found:
    where = "one member" if options.members == 1 else f"{options.members} members on this one machine"
    return {
        "measured": f"one node, which acts for both sides, in a network of {where}, from raw FIX to native"
        " result: each message stored with an fsync, read, sealed, ordered by a real nats-server that syncs"
        " always, read back, verified, opened, matched, the result attested in a block of its own, read back,"
        " released, and all answers marked as delivered",
        "not_measured": "the clients' transports: messages are handed over, and answers taken, in"
        " this process",
        "members": options.members,
        "runs": runs,
        "messages_per_run": count,
        "funds_per_message": FUNDS,
    }
