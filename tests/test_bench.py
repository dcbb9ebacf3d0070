import io
import json

import pytest
from rich.console import Console

from node.bench import BenchOptions, BenchReport, print_report, run_bench
from node.bench.report import STEPS
from node.bench.scene import ANSWERS_PER_MESSAGE, Messages
from node.bench.steps import Steps


@pytest.fixture(scope="module")
def report() -> BenchReport:
    return run_bench(BenchOptions(quick=True))


def test_every_step_has_its_share(report: BenchReport):
    """What the measured parts do is all accounted for; a step that is measured no more would show as zero."""
    shares = {step: getattr(report, f"share_of_{step}_percent") for step in STEPS}
    assert sum(shares.values()) == pytest.approx(100)
    assert [step for step, share in shares.items() if share <= 0 and step != "other"] == []


def test_limits_and_ratios_are_there(report: BenchReport):
    figures = {n: v for n, v in report.model_dump().items() if isinstance(v, float) and "percent" not in n}
    assert [name for name, value in figures.items() if value <= 0] == []


def test_the_report_as_data(report: BenchReport):
    """Programs read each figure by a name that ends with its unit."""
    found = json.loads(report.model_dump_json())
    assert BenchReport.model_validate(found) == report
    floats = {name for name, value in found.items() if isinstance(value, float)}
    units = ("_per_second", "_percent", "_microseconds", "_milliseconds", "_ratio", "_per_block", "seconds")
    assert {name for name in floats if not name.endswith(units)} == set()


def test_the_report_as_tables(report: BenchReport):
    """A person sees what was measured and on what, each step and each limit."""
    out = io.StringIO()
    print_report(report, Console(file=out, width=200))
    shown = out.getvalue()
    assert report.not_measured in shown
    assert [text for text in STEPS.values() if text not in shown] == []
    assert "plain quickfix parse messages per second" in shown


def test_pairs_differ_in_their_references_alone_where_they_should():
    """Each message is a new one to the node, and both sides of a pair say the same."""
    arrivals = [arrival for pair in Messages().pairs(3) for arrival in pair]
    assert len({arrival.raw for arrival in arrivals}) == len({(a.client, a.origin) for a in arrivals}) == 6
    assert ANSWERS_PER_MESSAGE == 2


def test_time_within_a_step_counts_once():
    steps = Steps()
    inner = steps.around("inner", lambda: sum(range(200_000)))
    steps.around("outer", lambda: [inner() for _ in range(20)])()
    totals = steps.totals()
    assert 0 <= totals["outer"] < totals["inner"]
