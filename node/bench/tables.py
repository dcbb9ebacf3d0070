"""The report as tables."""

from rich.console import Console
from rich.table import Table

from node.bench.report import STEPS, BenchReport, Figures, Limits, Ratios

ROUND_FROM = 100  # decimals of larger figures say nothing


def print_report(report: BenchReport, console: Console) -> None:
    """Print what was measured, the steps, the limits and the ratios."""
    console.print(f"Measured: {report.measured}.\nNot measured: {report.not_measured}.\n", soft_wrap=True)
    for part in (_end_to_end(report), _steps(report), _limits(report), _ratios(report)):
        console.print(part)
    console.print(f"{report.seconds:.0f} seconds in all", soft_wrap=True)


def _end_to_end(report: BenchReport) -> Table:
    runs = f"{report.runs} runs of {report.messages_per_run} messages with {report.funds_per_message} funds"
    found = table(f"End to end: {runs}", "", "figure")
    slowest, fastest = (
        report.end_to_end_slowest_messages_per_second,
        report.end_to_end_fastest_messages_per_second,
    )
    found.add_row("messages per second, median", figure(report.end_to_end_messages_per_second))
    found.add_row("slowest and fastest run", f"{figure(slowest)} to {figure(fastest)}")
    found.add_row("spread", f"{report.end_to_end_spread_percent:.0f} %")
    found.add_row("processor time of a message, µs", figure(report.end_to_end_processor_microseconds))
    found.add_row("messages in a block, mean", figure(report.end_to_end_messages_per_block))
    found.add_row("entries in a block, mean", figure(report.end_to_end_entries_per_block))
    return found


def _steps(report: BenchReport) -> Table:
    found = table("Processor time by step, in a run of its own with timing", "step", "share", "µs")
    for step, text in STEPS.items():
        share = getattr(report, f"share_of_{step}_percent")
        took = share / 100 * report.timed_processor_microseconds
        found.add_row(text, f"{share:.1f} %", figure(took))
    took = report.publish_and_read_back_milliseconds
    waiting = f"a block is under way, {took:.0f} ms each; other work goes on meanwhile"
    found.add_row(waiting, f"{report.publish_and_read_back_of_time_percent:.0f} % of the time", "")
    return found


def _limits(report: BenchReport) -> Table:
    return _all(report, Limits, "Limits, measured in the same run")


def _ratios(report: BenchReport) -> Table:
    return _all(report, Ratios, "Ratios")


def _all(report: BenchReport, part: type[Figures], title: str) -> Table:
    found = table(title, "", "figure")
    for name in part.model_fields:
        found.add_row(name.replace("_", " "), figure(getattr(report, name)))
    return found


def table(title: str, first: str, *others: str) -> Table:
    """An empty table; all columns but the first hold figures."""
    made = Table(title=title, title_justify="left")
    made.add_column(first)
    for name in others:
        made.add_column(name, justify="right")
    return made


def figure(value: float) -> str:
    """Three digits that count, or more before the point; thousands set apart."""
    return f"{value:.3g}" if abs(value) < ROUND_FROM else f"{value:,.0f}"
