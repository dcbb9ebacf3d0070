import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel
from rich.console import Console

from canonical.contracts.matching.v1.cards import Index
from canonical.contracts.matching.v1.lists import LISTED_MAX
from canonical.contracts.matching.v1.records import Half
from canonical.contracts.state import Record
from node.bench import (
    BenchOptions,
    BenchReport,
    DiagnosisReport,
    LedgerReport,
    MatchingReport,
    print_found,
    run_bench,
)
from node.bench.diagnosis_report import FUNDS_TIMED
from node.bench.market import Market
from node.bench.matching_report import PARTS as MATCHING_PARTS
from node.bench.open_state import open_state
from node.bench.pure import PARTS, SUMS
from node.bench.report import STEPS
from node.bench.scene import ANSWERS_PER_MESSAGE, Messages
from node.bench.steps import TIMED, Steps, timed
from node.block import BLOCK_BYTES_MAX
from node.publisher import Publisher
from node.store import Store, each, read_store
from tests.running_node import as_data, yakujo

UNITS = ("_per_second", "_percent", "_microseconds", "_milliseconds", "_ratio", "_per_block", "seconds")


@pytest.fixture(scope="module")
def report() -> BenchReport:
    return run_bench(BenchOptions(quick=True))


@pytest.fixture(scope="module")
def ledger_report() -> LedgerReport:
    return LedgerReport.model_validate(as_data("bench", "ledger", "--quick"))


@pytest.fixture(scope="module")
def matching_report() -> MatchingReport:
    return MatchingReport.model_validate(as_data("bench", "matching", "--quick"))


def shown(report: BenchReport | LedgerReport | MatchingReport | DiagnosisReport) -> str:
    out = io.StringIO()
    print_found(report, Console(file=out, width=200))
    return out.getvalue()


def rows(path: Path, record: type[Record]) -> list[Record]:
    """The records of one class in a store's state."""
    with closing(read_store(path)) as connection:
        found = each(connection, "SELECT value FROM state WHERE class = ?", record.__name__)
    return [record.model_validate_json(row[0]) for row in found]


def floats(found: object, name: str = "") -> Iterator[tuple[str, float]]:
    """All figures that are not counts, with their names."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from floats(value, key)
    elif isinstance(found, list) and name != "load_average":
        for value in found:
            yield from floats(value, name)
    elif isinstance(found, float):
        yield name, found


def without_unit(report: BaseModel) -> set[str]:
    return {name for name, _ in floats(report.model_dump(mode="json")) if not name.endswith(UNITS)}


def test_every_step_has_its_share(report: BenchReport):
    """What the measured parts do is all accounted for; a step that is measured no more would show as zero."""
    shares = {step: getattr(report, f"share_of_{step}_percent") for step in STEPS}
    assert sum(shares.values()) == pytest.approx(100)
    assert [step for step, share in shares.items() if share <= 0 and step != "other"] == []


def test_limits_and_ratios_are_there(report: BenchReport):
    found = report.model_dump(mode="json")
    assert [name for name, value in floats(found) if value <= 0 and "percent" not in name] == []


def test_the_report_as_data(report: BenchReport):
    """Programs read each figure by a name that ends with its unit."""
    assert BenchReport.model_validate(json.loads(report.model_dump_json())) == report
    assert without_unit(report) == set()


def test_the_report_as_tables(report: BenchReport):
    """A person sees what was measured and on what, each step and each limit."""
    text = shown(report)
    assert report.not_measured in text
    assert [text_ for text_ in STEPS.values() if text_ not in text] == []
    assert "plain quickfix parse messages per second" in text


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


def test_the_node_is_as_before_when_its_steps_have_been_timed():
    """What runs after a measurement in the same process is not measured with it."""
    owned = [(Publisher, "_publish"), (Store, "write")]
    owned += [(owner, name) for owner, names in TIMED for name in names]
    before = [getattr(owner, name) for owner, name in owned]
    with timed(Steps()):
        assert [
            name for (owner, name), was in zip(owned, before, strict=True) if getattr(owner, name) is was
        ] == []
    assert [getattr(owner, name) for owner, name in owned] == before


def test_blocks_of_all_sizes_beside_plain_nats(ledger_report: LedgerReport):
    """Each size has its rate, its times and its ratio, and its entries fit into a block."""
    sizes = ledger_report.sizes
    assert [size.entries_per_block for size in sizes] == [1, 10, 100, 1_000]
    assert [size for size in sizes if size.entries_per_block * size.bytes_per_entry > BLOCK_BYTES_MAX] == []
    for size in sizes:
        assert 0 < size.block_p50_milliseconds <= size.block_p99_milliseconds
        assert (
            0
            < size.lowest_ledger_to_plain_nats_ratio
            <= size.ledger_to_plain_nats_ratio
            <= size.highest_ledger_to_plain_nats_ratio
        )


def test_what_an_entry_costs_by_parts(ledger_report: LedgerReport):
    """Every part has been done, and what several take together is their sum."""
    parts = {name: part.median_microseconds for name, part in ledger_report.parts.items()}
    assert parts.keys() == {*PARTS, *SUMS}
    assert [name for name, took in parts.items() if took <= 0] == []
    for name, summed in SUMS.items():  # of the one round that a quick measurement has
        assert parts[name] == pytest.approx(sum(parts[part] for part in summed))


def test_the_report_on_the_ledger_as_data(ledger_report: LedgerReport):
    """The same promise as for a node."""
    assert LedgerReport.model_validate(json.loads(ledger_report.model_dump_json())) == ledger_report
    assert without_unit(ledger_report) == set()
    assert [name for name, value in floats(ledger_report.model_dump(mode="json")) if value <= 0] == []


def test_the_report_on_the_ledger_as_tables(ledger_report: LedgerReport):
    """A person sees each part, what is to hold, and how busy the machine was."""
    text = shown(ledger_report)
    assert ledger_report.not_measured in text
    assert [part for part in PARTS.values() if part not in text] == []
    assert "at least 60 %" in text
    assert "at most 60" in text
    assert f"load of the machine {ledger_report.load_average[0]} before" in text


def test_the_report_on_the_diagnosis():
    """Who measures the diagnosis sees what it finds, what it believes, and its time, also as data."""
    report = DiagnosisReport.model_validate(as_data("bench", "diagnosis", "--quick", "--seed", "5"))
    assert without_unit(report) == set()
    assert report.planted.recall_percent >= 95
    assert report.errors.believed_percent <= 5
    assert [each.funds for each in report.times] == [None, *FUNDS_TIMED]
    text = shown(report)
    families = [each.family.replace("_", " ") for each in report.families]
    assert [family for family in families if family not in text] == []
    assert "at least 99 % are to be explained" in text
    assert "median at most 5" in text


def test_matching_in_each_state(matching_report: MatchingReport):
    """Each size of blocks has its rate in each state, and the first state is what the others are held to."""
    states = [state.open_funds for state in matching_report.states]
    sizes = matching_report.sizes
    assert [size.open_funds for size in sizes] == [funds for funds in states for _ in range(3)]
    assert [size.funds_per_block for size in sizes] == [1, 10, 100] * len(states)
    least = [size for size in sizes if size.open_funds == states[0]]
    assert [(size.matching.cost_ratio, size.whole_way.cost_ratio) for size in least] == [(1, 1)] * 3
    for size in sizes:
        for rates in (size.matching, size.whole_way):
            assert 0 < rates.lowest_fund_matches_per_second <= rates.fund_matches_per_second
            assert rates.fund_matches_per_second <= rates.highest_fund_matches_per_second
            assert 0 < rates.lowest_cost_ratio <= rates.cost_ratio <= rates.highest_cost_ratio
        assert [part for part, figures in size.parts.items() if figures.lowest_microseconds <= 0] == []


def test_the_parts_of_matching_are_all_of_it(matching_report: MatchingReport):
    """The rates are of the contract, and of what the parts take together: nothing is measured beside them."""
    for size in matching_report.sizes:  # of the one round that a quick measurement has
        assert list(size.parts) == list(MATCHING_PARTS)
        microseconds = sum(part.median_microseconds for part in size.parts.values())
        for rates, took in (
            (size.matching, size.parts["contract"].median_microseconds),
            (size.whole_way, microseconds),
        ):
            assert rates.fund_matches_per_second == pytest.approx(size.funds_per_block / 2 / took * 1e6)
        assert size.plain.median_microseconds * size.cost_to_plain_ratio == pytest.approx(microseconds)


def test_the_report_on_the_matching_as_data(matching_report: MatchingReport):
    """The same promise as for a node."""
    assert MatchingReport.model_validate(json.loads(matching_report.model_dump_json())) == matching_report
    assert without_unit(matching_report) == set()


def test_the_report_on_the_matching_as_tables(matching_report: MatchingReport):
    """A person sees each part, what is to hold, and how busy the machine was."""
    text = shown(matching_report)
    assert matching_report.not_measured in text
    assert [part for part in MATCHING_PARTS.values() if part not in text] == []
    assert text.count("at least 5,000") == 2 * len(matching_report.states)  # matching, and the whole way
    assert "at most 1.5" in text
    assert f"load of the machine {matching_report.load_average[0]} before" in text


def test_the_state_is_what_it_is_called(tmp_path: Path):
    """All funds are open, some relationships have most blocks, and many blocks are alike."""
    path = tmp_path / "state.db"
    with open_state(path, 20_000) as (_, described):
        halves = rows(path, Half)
    assert sum(half.statements[-1].funds for half in halves) == described.open_funds == 20_000
    assert [half for half in halves if half.other is not None] == []
    assert len(halves) == described.open_blocks
    pairs = Counter((half.broker, half.investor) for half in halves).most_common()
    assert len(pairs) == 40
    assert pairs[0][1] > 20 * pairs[-1][1]
    assert max(len(index.texts) for index in rows(path, Index)) > LISTED_MAX / 3


def test_the_same_market_says_the_same():
    """Measurements on different days and machines are of the same trades."""
    first, second = Market(1), Market(1)
    assert [first.trade(10) for _ in range(100)] == [second.trade(10) for _ in range(100)]
    assert Market(2).trade(10) != Market(1).trade(10)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--pairs", "10"), "--pairs and --seed are for the diagnosis"),
        (("diagnosis", "--members", "3"), "the diagnosis takes --pairs, --seed and --quick"),
        (("ledger", "--messages", "10"), "--messages is for a node"),
        (("matching", "--messages", "10"), "--messages is for a node"),
        (("matching", "--members", "3"), "--members is for a node and its ledger"),
        (("--members", "2"), "--members is 1 or 3"),
    ],
)
def test_options_that_do_not_fit(arguments: tuple[str, ...], told: str):
    done = yakujo("bench", *arguments)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert told in done.stderr
