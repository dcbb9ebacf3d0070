"""Measures one node from raw FIX to native result, or alone its ledger, its matching or its diagnosis.

report = run_bench(BenchOptions())                  print_found(report, Console())
report = run_ledger_bench(LedgerOptions())          print_found(report, Console())
report = run_matching_bench(MatchingOptions())      print_found(report, Console())
report = run_diagnosis_bench(DiagnosisOptions())    print_found(report, Console())
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from node.bench.diagnosis import measured_diagnosis
from node.bench.diagnosis_report import DiagnosisOptions, DiagnosisReport
from node.bench.diagnosis_tables import print_diagnosis_report
from node.bench.ledger import measured_ledger
from node.bench.ledger_report import LedgerOptions, LedgerReport
from node.bench.ledger_tables import print_ledger_report
from node.bench.matching import measured_matching
from node.bench.matching_report import MatchingOptions, MatchingReport
from node.bench.matching_tables import print_matching_report
from node.bench.measuring import measured
from node.bench.report import BenchOptions, BenchReport
from node.bench.tables import print_report
from node.collector import rare_collections

__all__ = [
    "BenchOptions",
    "BenchReport",
    "DiagnosisOptions",
    "DiagnosisReport",
    "LedgerOptions",
    "LedgerReport",
    "MatchingOptions",
    "MatchingReport",
    "print_found",
    "run_bench",
    "run_diagnosis_bench",
    "run_ledger_bench",
    "run_matching_bench",
]

Progress = Callable[[str], None]


def run_bench(options: BenchOptions, progress: Progress = lambda _: None) -> BenchReport:
    """Measure a node; less than a minute with the usual options. progress: told what is being done."""
    began = time.perf_counter()
    with ExitStack() as stack:
        folder = _prepared(stack, options.folder)
        figures = asyncio.run(measured(folder, options, progress))
    return BenchReport.model_validate({**figures, "seconds": round(time.perf_counter() - began, 1)})


def run_ledger_bench(options: LedgerOptions, progress: Progress = lambda _: None) -> LedgerReport:
    """Measure the ledger; less than a minute with the usual options. progress: told what is being done."""
    began = time.perf_counter()
    with ExitStack() as stack:
        folder = _prepared(stack, options.folder)
        figures = asyncio.run(measured_ledger(folder, options, progress))
    return LedgerReport.model_validate({**figures, "seconds": round(time.perf_counter() - began, 1)})


def run_diagnosis_bench(options: DiagnosisOptions, progress: Progress = lambda _: None) -> DiagnosisReport:
    """Measure the diagnosis; some minutes with the usual options. progress: told what is being done."""
    began = time.perf_counter()
    figures = measured_diagnosis(options, progress)
    return DiagnosisReport.model_validate({**figures, "seconds": round(time.perf_counter() - began, 1)})


def run_matching_bench(options: MatchingOptions, progress: Progress = lambda _: None) -> MatchingReport:
    """Measure the matching; some minutes with the usual options. progress: told what is being done."""
    began = time.perf_counter()
    with ExitStack() as stack:
        figures = measured_matching(_prepared(stack, options.folder), options, progress)
    return MatchingReport.model_validate({**figures, "seconds": round(time.perf_counter() - began, 1)})


def print_found(
    report: BenchReport | LedgerReport | MatchingReport | DiagnosisReport, console: Console
) -> None:
    """Print a report as tables."""
    match report:
        case DiagnosisReport():
            print_diagnosis_report(report, console)
        case LedgerReport():
            print_ledger_report(report, console)
        case MatchingReport():
            print_matching_report(report, console)
        case BenchReport():
            print_report(report, console)


def _prepared(stack: ExitStack, folder: Path | None) -> Path:
    """A temporary folder in `folder`, and the collector as it is in a daemon."""
    stack.enter_context(rare_collections())
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yakujo-bench-", dir=folder)))
