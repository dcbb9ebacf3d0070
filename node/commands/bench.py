"""`yakujo bench`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from node.commands.options import AsJson, print_json, screen
from node.logs import LogLevel, configure_logging
from node.settings import SettingsError

MEMBERS = (1, 3)


class Subject(StrEnum):
    """What is measured."""

    NODE = "node"
    LEDGER = "ledger"
    MATCHING = "matching"
    DIAGNOSIS = "diagnosis"


Messages = Annotated[
    int | None,
    typer.Option(
        min=2, max=100_000, help="In one run of the node, half of them the broker's; 500 by default."
    ),
]
Pairs = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1_000_000,
        help="For the diagnosis: of two sides that differ, drawn at random; 10,000 by default.",
    ),
]
Seed = Annotated[
    int | None, typer.Option(help="For the diagnosis: the same draws the same pairs; 1 by default.")
]
Runs = Annotated[
    int, typer.Option(min=1, max=100, help="Of a node or ledger: the median of so many is told.")
]
Members = Annotated[
    int | None,
    typer.Option(
        help="1 or 3 nodes of the network, all on this machine; by default 1, and 3 for the ledger."
    ),
]
Directory = Annotated[
    Path | None,
    typer.Option(
        metavar="DIRECTORY",
        help="Where the files lie meanwhile: its disk is what is measured. By default the temporary one.",
        show_default=False,
    ),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="A few messages, blocks or pairs, to see that it works.")
]


def bench(
    subject: Annotated[
        Subject,
        typer.Argument(help="A whole node, or alone its ledger, its matching or its diagnosis."),
    ] = Subject.NODE,
    *,
    messages: Messages = None,
    pairs: Pairs = None,
    seed: Seed = None,
    runs: Runs = 5,
    members: Members = None,
    directory: Directory = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Measure a node from raw FIX message to native result, or its ledger, matching or diagnosis alone.

    Beside node and ledger stand the limits of this machine, measured in the same run: plain nats publishing
    of the same bytes, and for a node plain quickfix parsing and plain SQLite commits; that takes less than a
    minute. The matching is measured in states of 1,000 to 1,000,000 open funds, beside plain JSON of the same
    bytes, which takes some minutes and some gigabytes; a Python compiled without profile-guided optimisation,
    as pyenv does by default, is an eighth slower there than Debian's. Of the diagnosis it is told how many
    planted conventions it finds, and how many errors it takes for one; that takes some minutes too.
    """
    if members is not None and members not in MEMBERS:
        raise SettingsError("--members is 1 or 3")
    if subject is not Subject.NODE and messages is not None:
        raise SettingsError("--messages is for a node: what its parts are given alone is of fixed sizes")
    if subject is Subject.MATCHING and members is not None:
        raise SettingsError("--members is for a node and its ledger: matching is done in one node")
    if subject is not Subject.DIAGNOSIS and (pairs is not None or seed is not None):
        raise SettingsError("--pairs and --seed are for the diagnosis")
    if subject is Subject.DIAGNOSIS and (
        messages is not None or members is not None or directory is not None
    ):
        raise SettingsError("the diagnosis takes --pairs, --seed and --quick: no network is started for it")
    asked = {
        "pairs": pairs,
        "seed": seed,
        "messages": messages,
        "members": members,
        "folder": directory,
        "quick": quick,
    }
    _measure(
        subject, runs, {name: value for name, value in asked.items() if value is not None}, as_json=as_json
    )


def _measure(subject: Subject, runs: int, asked: dict[str, Any], *, as_json: bool) -> None:
    from node import bench as measurement  # noqa: PLC0415 - what it imports takes a while and serves it alone

    configure_logging(level=LogLevel.WARNING)  # to standard error: the report alone is printed
    found: (
        measurement.BenchReport
        | measurement.LedgerReport
        | measurement.MatchingReport
        | measurement.DiagnosisReport
    )
    match subject:
        case Subject.DIAGNOSIS:
            of_diagnosis = measurement.DiagnosisOptions.model_validate(asked)
            found = measurement.run_diagnosis_bench(of_diagnosis, _tell)
        case Subject.LEDGER:
            of_ledger = measurement.LedgerOptions.model_validate({**asked, "rounds": runs})
            found = measurement.run_ledger_bench(of_ledger, _tell)
        case Subject.MATCHING:
            of_matching = measurement.MatchingOptions.model_validate({**asked, "rounds": runs})
            found = measurement.run_matching_bench(of_matching, _tell)
        case Subject.NODE:
            of_node = measurement.BenchOptions.model_validate({**asked, "runs": runs})
            found = measurement.run_bench(of_node, _tell)
    if as_json:
        print_json(found)
    else:
        measurement.print_found(found, screen())


def _tell(step: str) -> None:
    print(step, file=sys.stderr)
