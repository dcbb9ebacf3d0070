"""The report as tables."""

from rich.console import Console
from rich.table import Table

from node.bench.report import STEPS, BenchReport, Figures, Limits, Ratios

ROUND_FROM = 100  # decimals of larger figures say nothing


def print_report(report: BenchReport, console: Console) -> None:
    """Print what was measured, the steps, the limits and the ratios."""
    console.print(f"Measured: {report.measured}.\nNot measured: {report.not_measured}.\n", soft_wrap=True)
    for table in (_end_to_end(report), _steps(report), _limits(report), _ratios(report)):
        console.print(table)
    console.print(f"{report.seconds:.0f} seconds in all", soft_wrap=True)


def _end_to_end(report: BenchReport) -> Table:
    runs = f"{report.runs} runs of {report.messages_per_run} messages with {report.funds_per_message} funds"
    table = _table(f"End to end: {runs}", "", "figure")
    slowest, fastest = (
        report.end_to_end_slowest_messages_per_second,
        report.end_to_end_fastest_messages_per_second,
    )
    table.add_row("messages per second, median", _figure(report.end_to_end_messages_per_second))
    table.add_row("slowest and fastest run", f"{_figure(slowest)} to {_figure(fastest)}")
    table.add_row("spread", f"{report.end_to_end_spread_percent:.0f} %")
    table.add_row("processor time of a message, µs", _figure(report.end_to_end_processor_microseconds))
    table.add_row("entries in a block, mean", _figure(report.end_to_end_entries_per_block))
    return table


def _steps(report: BenchReport) -> Table:
    table = _table("Processor time by step, in a run of its own with timing", "step", "share", "µs")
    for step, text in STEPS.items():
        share = getattr(report, f"share_of_{step}_percent")
        took = share / 100 * report.timed_processor_microseconds
        table.add_row(text, f"{share:.1f} %", _figure(took))
    took = report.publish_and_read_back_milliseconds
    waiting = f"a block is under way, {took:.0f} ms each; other work goes on meanwhile"
    table.add_row(waiting, f"{report.publish_and_read_back_of_time_percent:.0f} % of the time", "")
    return table


def _limits(report: BenchReport) -> Table:
    return _all(report, Limits, "Limits, measured in the same run")


def _ratios(report: BenchReport) -> Table:
    return _all(report, Ratios, "Ratios")


def _all(report: BenchReport, part: type[Figures], title: str) -> Table:
    table = _table(title, "", "figure")
    for name in part.model_fields:
        table.add_row(name.replace("_", " "), _figure(getattr(report, name)))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _figure(value: float) -> str:
    """Three digits that count, or more before the point; thousands set apart."""
    return f"{value:.3g}" if abs(value) < ROUND_FROM else f"{value:,.0f}"
