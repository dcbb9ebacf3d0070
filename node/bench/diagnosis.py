"""Measures the diagnosis: what it finds of planted conventions, what it believes of errors, and its time."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles
from typing import Any

from canonical.diagnosis import Diagnosis, diagnose
from node.bench.diagnosis_pairs import FAMILIES, Pair, erroneous, planted
from node.bench.diagnosis_report import (
    FUNDS_TIMED,
    QUICK_PAIRS,
    DiagnosisOptions,
    ErrorFigures,
    FamilyFigures,
    TimeFigures,
)
from node.bench.diagnosis_verdict import Judged, believed, judged

Progress = Callable[[str], None]
Found = dict[str, Any]

TIMED_MAX = 1_000  # pairs of one number of funds


@dataclass(frozen=True, slots=True)
class Case:
    """One pair, diagnosed. seconds: the processor time that it took."""

    pair: Pair
    diagnosis: Diagnosis | None
    seconds: float


def measured_diagnosis(options: DiagnosisOptions, progress: Progress) -> Found:
    """All figures of the report by name."""
    random = Random(options.seed)  # noqa: S311 - pairs are to be drawn again, they are no secret
    count = QUICK_PAIRS if options.quick else options.pairs
    load = os.getloadavg()[0]
    progress(f"{count} pairs that part in one convention")
    of_conventions = [_case(planted(random)) for _ in range(count)]
    progress(f"{count} pairs that part by an error")
    of_errors = [_case(erroneous(random)) for _ in range(count)]
    times = [_times(None, [*of_conventions, *of_errors])]
    for funds in FUNDS_TIMED:
        progress(f"pairs of {funds} funds")
        times.append(_times(funds, [_case(planted(random, funds)) for _ in range(min(count, TIMED_MAX))]))
    verdicts = [(case.pair.family, judged(case.pair, case.diagnosis)) for case in of_conventions]
    return {
        "measured": "diagnoses of trades of which both sides' figures are computed, one side's"
        " with one convention planted or one figure entered wrongly; rules, funds, prices and sides are"
        " drawn at random",
        "seed": options.seed,
        "load_average": (load, os.getloadavg()[0]),
        "planted": _family("all", [each for _, each in verdicts]),
        "families": [
            _family(family, [each for name, each in verdicts if name == family])
            for family in FAMILIES
            if any(name == family for name, _ in verdicts)
        ],
        "errors": _errors("all", of_errors),
        "errors_by_field": [
            _errors(field, [case for case in of_errors if case.pair.field == field])
            for field in dict.fromkeys(case.pair.field for case in of_errors)
        ],
        "times": times,
    }


def _case(pair: Pair) -> Case:
    began = time.process_time()
    diagnosis = diagnose(pair.sides)
    return Case(pair, diagnosis, time.process_time() - began)


def _family(name: str, verdicts: Sequence[Judged]) -> FamilyFigures:
    return FamilyFigures(
        family=name,
        pairs=len(verdicts),
        recall_percent=_percent([each.found for each in verdicts]),
        named_first_percent=_percent([each.named_first for each in verdicts]),
    )


def _errors(field: str, cases: Sequence[Case]) -> ErrorFigures:
    verdicts = [(case.pair.off, believed(case.pair, case.diagnosis) is not None) for case in cases]
    beyond = [taken for off, taken in verdicts if off > 1]
    return ErrorFigures(
        field=field,
        pairs=len(verdicts),
        believed_percent=_percent([taken for _, taken in verdicts]),
        pairs_beyond_one=len(beyond),
        believed_beyond_one_percent=_percent(beyond),
    )


def _percent(verdicts: Sequence[bool]) -> float:
    return 100 * sum(verdicts) / len(verdicts) if verdicts else 0.0


def _times(funds: int | None, cases: Sequence[Case]) -> TimeFigures:
    took = [1e3 * case.seconds for case in cases]
    lower, _, upper = quantiles(took, n=4)
    return TimeFigures(
        funds=funds,
        pairs=len(took),
        median_milliseconds=median(took),
        lower_quartile_milliseconds=lower,
        upper_quartile_milliseconds=upper,
        p99_milliseconds=quantiles(took, n=100)[-1],
    )
