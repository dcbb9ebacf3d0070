"""The report on the diagnosis as tables."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from node.bench.diagnosis_report import (
    MEDIAN_MILLISECONDS_MAX,
    RECALL_PERCENT_MIN,
    DiagnosisReport,
    ErrorFigures,
    FamilyFigures,
    TimeFigures,
)
from node.bench.tables import figure, table


def print_diagnosis_report(report: DiagnosisReport, console: Console) -> None:
    """Print what was found, what was believed, and how long it took."""
    console.print(f"Measured: {report.measured}.\nSeed {report.seed}.\n", soft_wrap=True)
    parts = _families(report), _errors(report), _times(report.times)
    for part in parts:
        console.print(part)
    before, after = report.load_average
    console.print(f"load average {before:.1f} before, {after:.1f} after", soft_wrap=True)
    console.print(f"{report.seconds:.0f} seconds in all", soft_wrap=True)


def _families(report: DiagnosisReport) -> Table:
    title = f"Planted conventions; at least {RECALL_PERCENT_MIN:.0f} % are to be explained"
    found = table(title, "", "pairs", "explained", "named first")
    rows: Sequence[FamilyFigures] = (report.planted, *report.families)
    for each in rows:
        name = each.family.replace("_", " ")
        shares = f"{each.recall_percent:.2f} %", f"{each.named_first_percent:.1f} %"
        found.add_row(name, f"{each.pairs:,}", *shares)
    return found


def _errors(report: DiagnosisReport) -> Table:
    title = "Errors taken for a convention; and those of more than one smallest unit"
    found = table(title, "", "pairs", "believed", "pairs beyond one", "believed")
    rows: Sequence[ErrorFigures] = (report.errors, *report.errors_by_field)
    for each in rows:
        beyond = f"{each.pairs_beyond_one:,}", f"{each.believed_beyond_one_percent:.2f} %"
        found.add_row(
            each.field.replace("_", " "), f"{each.pairs:,}", f"{each.believed_percent:.2f} %", *beyond
        )
    return found


def _times(times: Sequence[TimeFigures]) -> Table:
    title = f"Processor time of a trade, ms; median at most {MEDIAN_MILLISECONDS_MAX:.0f}"
    found = table(title, "", "pairs", "median", "quartiles", "p99")
    for each in times:
        name = "as drawn" if each.funds is None else f"{each.funds} funds"
        quartiles = (
            f"{figure(each.lower_quartile_milliseconds)} to {figure(each.upper_quartile_milliseconds)}"
        )
        middle, most = figure(each.median_milliseconds), figure(each.p99_milliseconds)
        found.add_row(name, f"{each.pairs:,}", middle, quartiles, most)
    return found
