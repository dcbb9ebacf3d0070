"""Drills, played as an operator plays them, and judged by their own account."""

from typing import Any

import pytest

from node.drill import DrillOptions, Report, run_drill


def held(name: str, **options: Any) -> Report:
    """The report of a drill in which everything held; the test fails where something did not.

    What a drill tells as it goes is printed, so that a failure shows it. How long something took is the
    drill's to judge where nothing else runs, and no test's. options: see DrillOptions.
    """
    report = run_drill(DrillOptions(name, watcher=print, **options))
    if report.skipped is not None:
        pytest.skip(report.skipped)
    judged = [promise for promise in report.promises if not promise.is_timed]
    assert judged
    assert {promise.text: promise.deviations for promise in judged if not promise.held} == {}
    return report


def told(report: Report, words: str) -> int:
    """How many lines of a report's account have these words in them."""
    return sum(words in event.text for event in report.events)
