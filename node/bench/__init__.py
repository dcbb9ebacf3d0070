"""Measures one node from raw FIX to native result, beside what the libraries and the machine below allow.

report = run_bench(BenchOptions())          print_report(report, Console())
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from node.bench.measuring import measured
from node.bench.report import BenchOptions, BenchReport
from node.bench.tables import print_report
from node.collector import rare_collections

__all__ = ["BenchOptions", "BenchReport", "print_report", "run_bench"]


def run_bench(options: BenchOptions, progress: Callable[[str], None] = lambda _: None) -> BenchReport:
    """Measure; less than a minute with the usual options. progress: told what is being done."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="yakujo-bench-", dir=options.folder) as folder,
        rare_collections(),
    ):
        figures = asyncio.run(measured(Path(folder), options, progress))
    return BenchReport.model_validate({**figures, "seconds": round(time.perf_counter() - began, 1)})
