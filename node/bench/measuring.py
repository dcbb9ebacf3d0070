"""The order of a measurement: the node as it is, the limits, then the node once more with its steps timed.

The limits stand in the middle, so that a load that comes and goes meets both.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import mean, median
from typing import Any

from node.bench import limits, plain_quickfix, pure
from node.bench.pipeline import (
    Parts,
    ledger_and_store,
    make_parts,
    pass_through,
    running,
    servers,
)
from node.bench.report import STEPS, BenchOptions
from node.bench.scene import FUNDS, SP, Messages, Scene, make_scene
from node.bench.steps import Steps, time_parts
from node.block import open_block
from node.nats_server import EmbeddedServer
from node.store import each

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
    async with (
        servers(folder, options.members) as server,
        ledger_and_store(folder, server, options.members) as (ledger, store),
    ):
        parts = await make_parts(scene, store, ledger)
        async with running(parts):
            await _run(parts, messages, QUICK_MESSAGES if options.quick else WARM_UP_MESSAGES)
            done: list[Run] = []
            while len(done) < runs and sum(run.seconds for run in done) < RUNS_SECONDS_MAX:
                progress(f"run {len(done) + 1} of {runs}: {count} messages")
                done.append(await _run(parts, messages, count))
        found = _end_to_end(done)
        progress("limits")
        found |= await _limits(folder, options, scene, server, parts, messages)
        progress("steps")
        timed = await make_parts(scene, store, ledger)
        steps = Steps()
        time_parts(timed, steps)
        async with running(timed):
            run = await _run(timed, messages, count)
        found |= _shares(run, steps)
    return found | _ratios(found) | _described(options, count, len(done))


async def _run(parts: Parts, messages: Messages, count: int) -> Run:
    pairs = list(messages.pairs(count // 2))
    processor, clock = time.process_time(), time.perf_counter()
    await pass_through(parts, pairs)
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
    parts: Parts,
    messages: Messages,
) -> Found:
    sample = list(
        chain.from_iterable(messages.pairs((QUICK_MESSAGES if options.quick else SAMPLE_MESSAGES) // 2))
    )
    blocks = await parts.store.write(lambda c: [row[0] for row in each(c, "SELECT block FROM archive")])
    entries = [open_block(raw, scene.network.signing_keys, scene.network.id).entries for raw in blocks]
    per_block = max(1, round(mean(map(len, entries))))
    single = list(chain.from_iterable(entries))[: len(sample)]
    rows = [arrival.raw for arrival in sample]
    plain, ours = plain_quickfix.quickfix_seconds(sample), pure.reading_seconds(parts.clients, sample)
    path = folder / SP / "plain.db"
    in_blocks = await limits.nats_bodies_per_second(server, options.members, blocks)
    return {
        "end_to_end_entries_per_block": mean(map(len, entries)),
        "bytes_per_message": round(mean(map(len, rows))),
        "bytes_per_entry": round(mean(map(len, single))),
        "plain_quickfix_parse_messages_per_second": 1 / plain,
        "plain_quickfix_parse_microseconds": 1e6 * plain,
        "fix_to_canonical_microseconds": 1e6 * ours,
        "seal_sign_verify_open_microseconds": 1e6 * pure.sealing_seconds(scene, parts.clients, sample),
        "plain_nats_one_by_one_messages_per_second": await limits.nats_bodies_per_second(
            server, options.members, single
        ),
        "plain_nats_in_blocks_messages_per_second": in_blocks * mean(map(len, entries)),
        "plain_sqlite_one_by_one_messages_per_second": limits.sqlite_rows_per_second(path, rows, 1),
        "plain_sqlite_in_groups_messages_per_second": limits.sqlite_rows_per_second(path, rows, per_block),
    }


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
        "measured": f"one node in a network of {where}, from raw FIX to native result: each message stored"
        " with an fsync, read, sealed, ordered by a real nats-server that syncs always, read back, verified,"
        " opened, matched, answered, and its answers marked as delivered",
        "not_measured": "the clients' transports: messages are handed over, and answers taken, in"
        " this process",
        "members": options.members,
        "runs": runs,
        "messages_per_run": count,
        "funds_per_message": FUNDS,
    }
