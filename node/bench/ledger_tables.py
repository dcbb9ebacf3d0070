"""The report on the ledger as tables."""

from rich.console import Console
from rich.table import Table

from node.bench.ledger_report import (
    HELD_AT,
    SEAL_AND_OPEN_MICROSECONDS_MAX,
    TO_PLAIN_RATIO_MIN,
    BlockFigures,
    LedgerReport,
)
from node.bench.pure import PARTS
from node.bench.tables import figure, table

_NAMES = {
    **PARTS,
    "seal_and_open": "seal and open together",
    "seal_sign_verify_open": "seal, sign, verify and open together",
    "attest_and_check": "attestation made and checked together",
}
_LIMITS = {"seal_and_open": SEAL_AND_OPEN_MICROSECONDS_MAX}


def print_ledger_report(report: LedgerReport, console: Console) -> None:
    """Print what was measured, the sizes and the parts."""
    console.print(f"Measured: {report.measured}.\nNot measured: {report.not_measured}.\n", soft_wrap=True)
    console.print(_sizes(report))
    console.print(_parts(report))
    before, after = report.load_average
    load = f"load of the machine {before} before and {after} after, {report.processors} processors"
    console.print(f"{report.seconds:.0f} seconds in all; {load}", soft_wrap=True)


def _sizes(report: LedgerReport) -> Table:
    columns = ("bytes each", "blocks", "entries/s", "p50, ms", "p99, ms", "plain nats, entries/s", "ratio")
    title = f"Blocks, beside plain nats: {report.rounds} rounds"
    found = table(title, "entries in a block", *columns, "lowest, highest", "to hold")
    for size in report.sizes:
        lowest, highest = size.lowest_ledger_to_plain_nats_ratio, size.highest_ledger_to_plain_nats_ratio
        found.add_row(
            f"{size.entries_per_block:,}",
            f"{size.bytes_per_entry:,}",
            str(size.blocks),
            figure(size.ledger_entries_per_second),
            figure(size.block_p50_milliseconds),
            figure(size.block_p99_milliseconds),
            figure(size.plain_nats_entries_per_second),
            _percent(size.ledger_to_plain_nats_ratio),
            f"{_percent(lowest)}, {_percent(highest)}",
            _held(size),
        )
    return found


def _held(size: BlockFigures) -> str:
    return f"at least {_percent(TO_PLAIN_RATIO_MIN)}" if size.entries_per_block == HELD_AT else ""


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %"


def _parts(report: LedgerReport) -> Table:
    title = f"Processor time of an entry, in batches of {report.batch}"
    found = table(title, "", "median, µs", "lowest, highest", "to hold")
    for name, part in report.parts.items():
        spread = f"{figure(part.lowest_microseconds)}, {figure(part.highest_microseconds)}"
        limit = f"at most {figure(_LIMITS[name])}" if name in _LIMITS else ""
        found.add_row(_NAMES[name], figure(part.median_microseconds), spread, limit)
    return found
