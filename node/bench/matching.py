"""The order of a measurement of the matching: in each round all states and all sizes of blocks in turn.

The order of the states is turned round with each round, so that a load that comes and goes meets all.
"""

import os
import platform
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from node.bench.ledger_report import PartFigures
from node.bench.matching_report import PARTS, MatchFigures, MatchingOptions, RateFigures
from node.bench.state_process import StateProcess

OPEN_FUNDS = (1_000, 10_000, 100_000, 1_000_000)
QUICK_OPEN_FUNDS = (100, 1_000)
# Of so many funds each, in a round and state: the store brings its log into the file now and then meanwhile.
TRADES = {1: 600, 10: 300, 100: 40}
QUICK_TRADES = 2

Progress = Callable[[str], None]
Found = dict[str, Any]


@dataclass(slots=True)
class _Size:
    """What was measured in one state of blocks of one size. seconds: by round and part, for one fund match.

    plain: the same of plain JSON. trades: in a round.
    """

    open_funds: int
    funds: int
    trades: int
    seconds: list[dict[str, float]] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    def run(self, state: StateProcess) -> None:
        """Have both sides speak of new trades."""
        matched, took, plain = state.match(self.funds, self.trades)
        assert matched == self.trades * self.funds, "both sides say the same of each trade"
        self.seconds.append({part: seconds / matched for part, seconds in took.items()})
        self.plain.append(plain / matched)

    def costs(self) -> list[float]:
        """Seconds for a fund match the whole way, by round."""
        return [sum(parts.values()) for parts in self.seconds]

    def contract_costs(self) -> list[float]:
        """Those of the contract alone."""
        return [parts["contract"] for parts in self.seconds]

    def figures(self, least: "_Size") -> MatchFigures:
        """All rounds together. least: the same in the state with the fewest open funds."""
        costs = self.costs()
        return MatchFigures(
            open_funds=self.open_funds,
            funds_per_block=self.funds,
            trades=self.trades * len(costs),
            matching=_rates(self.contract_costs(), least.contract_costs()),
            whole_way=_rates(costs, least.costs()),
            parts={part: self._figures([parts[part] for parts in self.seconds]) for part in PARTS},
            plain=self._figures(self.plain),
            cost_to_plain_ratio=median(cost / plain for cost, plain in zip(costs, self.plain, strict=True)),
        )

    def _figures(self, seconds: list[float]) -> PartFigures:
        """For one submission, which says half of what makes `funds` matches. seconds: for one, by round."""
        took = [1e6 * self.funds / 2 * each for each in seconds]
        return PartFigures(
            median_microseconds=median(took), lowest_microseconds=min(took), highest_microseconds=max(took)
        )


def _rates(costs: list[float], of_least: list[float]) -> RateFigures:
    """costs: seconds for a fund match, by round. of_least: in the state with the fewest open funds."""
    ratios = [cost / least for cost, least in zip(costs, of_least, strict=True)]
    return RateFigures(
        fund_matches_per_second=1 / median(costs),
        lowest_fund_matches_per_second=1 / max(costs),
        highest_fund_matches_per_second=1 / min(costs),
        cost_ratio=median(ratios),
        lowest_cost_ratio=min(ratios),
        highest_cost_ratio=max(ratios),
    )


def measured_matching(folder: Path, options: MatchingOptions, progress: Progress) -> Found:
    """All figures of the report by name."""
    load, rounds = os.getloadavg()[0], 1 if options.quick else options.rounds
    states: list[tuple[StateProcess, list[_Size]]] = []
    with ExitStack() as stack:
        for funds in QUICK_OPEN_FUNDS if options.quick else OPEN_FUNDS:
            progress(f"a state with {funds:,} open funds")
            state = stack.enter_context(StateProcess(folder / f"{funds}.db", funds))
            states.append((state, _sizes(funds, quick=options.quick)))
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for state, sizes in states if number % 2 == 0 else reversed(states):
                for size in _sizes(0, quick=True):  # to warm up; not counted
                    size.run(state)
                for size in sizes:
                    size.run(state)
    least = states[0][1]
    found = [size.figures(one) for _, sizes in states for size, one in zip(sizes, least, strict=True)]
    return {
        "rounds": rounds,
        "load_average": (round(load, 2), round(os.getloadavg()[0], 2)),
        "states": [state.described for state, _ in states],
        "sizes": found,
    } | _described()


def _sizes(open_funds: int, *, quick: bool) -> list[_Size]:
    return [_Size(open_funds, funds, QUICK_TRADES if quick else trades) for funds, trades in TRADES.items()]


def _described() -> Found:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()} of {sys.base_prefix}",
        "measured": "processor time of one thread for what both sides say of trades, one submission each:"
        " decoded and validated, given to the contract, what it said and changed digested, its records"
        " written to the store and committed in batches as a replica does. A fund match: both sides' figures"
        " of one fund, of a trade that is agreed by it. Open funds lie in blocks of all sizes, of many"
        " relationships, trade dates and securities, among them very many equal blocks of one relationship",
        "not_measured": "waiting for the disk; sealing, the archive and attestations (`yakujo bench ledger`);"
        " answers to clients (`yakujo bench`)",
        "processors": os.cpu_count() or 1,
    }
