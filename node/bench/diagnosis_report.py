"""What a measurement of the diagnosis is asked for and what it finds. Figures have their unit last."""

from typing import Annotated

from pydantic import Field

from node.bench.report import Figures

RECALL_PERCENT_MIN = 99.0
MEDIAN_MILLISECONDS_MAX = 5.0
QUICK_PAIRS = 200
FUNDS_TIMED = (1, 10, 100)


class DiagnosisOptions(Figures):
    """What to measure.

    pairs: with a planted convention; as many with an error. seed: the same one draws the same pairs.
    quick: a few pairs, to see that it works.
    """

    pairs: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    seed: int = 1
    quick: bool = False


class FamilyFigures(Figures):
    """One kind of convention. recall: explained by the planted one or by an arithmetically equal one.

    named_first: by the planted one itself, before all others.
    """

    family: str
    pairs: int
    recall_percent: float
    named_first_percent: float


class ErrorFigures(Figures):
    """Errors of one field. believed: taken for a convention. beyond_one: of more than one smallest unit."""

    field: str
    pairs: int
    believed_percent: float
    pairs_beyond_one: int
    believed_beyond_one_percent: float


class TimeFigures(Figures):
    """Processor time of one trade that differs, of so many funds; None for the pairs as they are drawn."""

    funds: int | None
    pairs: int
    median_milliseconds: float
    lower_quartile_milliseconds: float
    upper_quartile_milliseconds: float
    p99_milliseconds: float


class DiagnosisReport(Figures):
    """All of it. load_average: processes that wanted a processor in the last minute, before and after."""

    measured: str
    seed: int
    load_average: tuple[float, float]
    planted: FamilyFigures
    families: tuple[FamilyFigures, ...]
    errors: ErrorFigures
    errors_by_field: tuple[ErrorFigures, ...]
    times: tuple[TimeFigures, ...]
    seconds: float
