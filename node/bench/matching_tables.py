"""The report on the matching as tables."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from node.bench.matching_report import (
    FLAT_RATIO_MAX,
    FUND_MATCHES_PER_SECOND_MIN,
    HELD_AT,
    PARTS,
    MatchFigures,
    MatchingReport,
    RateFigures,
)
from node.bench.tables import figure, table


def print_matching_report(report: MatchingReport, console: Console) -> None:
    """Print what was measured, the states, the rates and the parts."""
    console.print(f"Measured: {report.measured}.\nNot measured: {report.not_measured}.\n", soft_wrap=True)
    for part in (_states(report), _matching(report), _whole_way(report), _parts(report)):
        console.print(part)
    before, after = report.load_average
    load = f"load of the machine {before} before and {after} after, {report.processors} processors"
    console.print(f"{report.seconds:.0f} seconds in all; {load}; {report.python}", soft_wrap=True)


def _states(report: MatchingReport) -> Table:
    found = table("States", "open funds", "open blocks", "records", "store, MB", "made by the contract in, s")
    for state in report.states:
        found.add_row(
            f"{state.open_funds:,}",
            f"{state.open_blocks:,}",
            f"{state.records:,}",
            figure(state.store_bytes / 1e6),
            figure(state.fill_seconds),
        )
    return found


def _matching(report: MatchingReport) -> Table:
    return _rates(f"Matching alone: {PARTS['contract']}", report, lambda size: size.matching)


def _whole_way(report: MatchingReport) -> Table:
    return _rates("The whole way: all parts below", report, lambda size: size.whole_way)


def _rates(what: str, report: MatchingReport, rates_of: Callable[[MatchFigures], RateFigures]) -> Table:
    columns = ("funds in a block", "trades", "fund matches/s", "lowest, highest", "to hold")
    cost = ("cost of a match", "lowest, highest", "to hold")
    title = f"{what}. On one core, {report.rounds} rounds. Cost: to that in the first state"
    found = table(title, "open funds", *columns, *cost)
    fullest = max(size.open_funds for size in report.sizes)
    for size in report.sizes:
        rates = rates_of(size)
        lowest, highest = rates.lowest_fund_matches_per_second, rates.highest_fund_matches_per_second
        found.add_row(
            f"{size.open_funds:,}",
            str(size.funds_per_block),
            str(size.trades),
            figure(rates.fund_matches_per_second),
            f"{figure(lowest)}, {figure(highest)}",
            f"at least {FUND_MATCHES_PER_SECOND_MIN:,}" if size.funds_per_block == HELD_AT else "",
            f"{rates.cost_ratio:.2f}",
            f"{rates.lowest_cost_ratio:.2f}, {rates.highest_cost_ratio:.2f}",
            f"at most {FLAT_RATIO_MAX}" if size.open_funds == fullest else "",
            end_section=size.funds_per_block == max(other.funds_per_block for other in report.sizes),
        )
    return found


def _parts(report: MatchingReport) -> Table:
    title = f"Processor time of a submission with {HELD_AT} funds: median, µs, and share"
    shown = [size for size in report.sizes if size.funds_per_block == HELD_AT]
    found = table(title, "open funds", *(f"{size.open_funds:,}" for size in shown))
    for name, text in PARTS.items():
        found.add_row(text, *(_share(size, name) for size in shown))
    found.add_section()
    plain = "beside it: json.loads of the same bytes, and what all of the above costs to that"
    found.add_row(
        plain, *(f"{figure(s.plain.median_microseconds)} ({s.cost_to_plain_ratio:.0f} times)" for s in shown)
    )
    return found


def _share(size: MatchFigures, name: str) -> str:
    took = size.parts[name].median_microseconds
    whole = sum(part.median_microseconds for part in size.parts.values())
    return f"{figure(took)} ({100 * took / whole:.0f} %)"
