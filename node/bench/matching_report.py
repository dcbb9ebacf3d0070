"""What a measurement of the matching is asked for and what it finds. Figures have their unit last."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from node.bench.ledger_report import PartFigures
from node.bench.report import Figures

# On one core, for blocks of HELD_AT funds: of the matching alone, and of the whole way.
FUND_MATCHES_PER_SECOND_MIN = 5_000
HELD_AT = 10
FLAT_RATIO_MAX = 1.5  # what a match costs in the fullest state, to what it costs in the emptiest

# What is done to a submission, in order.
PARTS = {
    "decode": "submission decoded, validated, byte form checked",
    "contract": "contract, with the records that it reads",
    "digest": "digest of what it said and changed",
    "records": "records written and committed",
}


class MatchingOptions(Figures):
    """What to measure.

    rounds: in each of them all states and all sizes of blocks in turn. folder: where to keep the stores
    meanwhile; None for the system's temporary folder. quick: one round of a few trades with few open funds.
    """

    rounds: Annotated[int, Field(ge=1, le=100)] = 5
    folder: Path | None = None
    quick: bool = False


class StateFigures(Figures):
    """A state before anything is measured with it. open: one side has spoken, the other has not.

    fill_seconds: on the clock, in which the contract made it of the submissions.
    """

    open_funds: int
    open_blocks: int
    records: int
    store_bytes: int
    fill_seconds: float


class RateFigures(Figures):
    """Fund matches of one core, and what one costs: median of the rounds, lowest and highest of one.

    cost ratio: to what it costs in the same round in the state with the fewest open funds.
    """

    fund_matches_per_second: float
    lowest_fund_matches_per_second: float
    highest_fund_matches_per_second: float
    cost_ratio: float
    lowest_cost_ratio: float
    highest_cost_ratio: float


class MatchFigures(Figures):
    """Trades of one size in one state: what both sides said of each went through all parts.

    matching: the contract alone, with the records that it reads. whole way: all parts together. parts: for
    one submission, by the names in PARTS. plain: beside them, Python's json.loads of the same bytes, which
    tells how fast the machine was. cost to plain: of all parts, to that.
    """

    open_funds: int
    funds_per_block: int
    trades: int
    matching: RateFigures
    whole_way: RateFigures
    parts: Mapping[str, PartFigures]
    plain: PartFigures
    cost_to_plain_ratio: float


class MatchingReport(Figures):
    """All of it. load_average: processes that wanted a processor in the last minute, before and after.

    python: which, and where it was installed: one built without its own optimisations is some 15 % slower.
    """

    measured: str
    not_measured: str
    rounds: int
    processors: int
    python: str
    load_average: tuple[float, float]
    states: tuple[StateFigures, ...]
    sizes: tuple[MatchFigures, ...]
    seconds: float
