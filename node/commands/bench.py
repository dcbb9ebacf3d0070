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


def bench(
    subject: Annotated[Subject, typer.Argument(help="A whole node, or its ledger alone.")] = Subject.NODE,
    *,
    messages: Annotated[
        int | None,
        typer.Option(
            min=2, max=100_000, help="In one run of the node, half of them the broker's; 500 by default."
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=100, help="The median of so many is told.")] = 5,
    members: Annotated[
        int | None,
        typer.Option(
            help="1 or 3 nodes of the network, all on this machine; by default 1, and 3 for the ledger."
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Where the files lie meanwhile: its disk is what is measured. By default the temporary one.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few messages or blocks, to see that it works.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure one node from raw FIX message to native result, or its ledger alone.

    Beside it stand the limits of this machine, measured in the same run: plain nats publishing of the same
    bytes, and for a node plain quickfix parsing and plain SQLite commits. Takes less than a minute.
    """
    if members is not None and members not in MEMBERS:
        raise SettingsError("--members is 1 or 3")
    if subject is Subject.LEDGER and messages is not None:
        raise SettingsError("--messages is for a node: what the ledger is given is blocks of fixed sizes")
    asked = {"messages": messages, "members": members, "folder": directory, "quick": quick}
    _measure(
        subject, runs, {name: value for name, value in asked.items() if value is not None}, as_json=as_json
    )


def _measure(subject: Subject, runs: int, asked: dict[str, Any], *, as_json: bool) -> None:
    from node import bench as measurement  # noqa: PLC0415 - what it imports takes a while and serves it alone

    configure_logging(level=LogLevel.WARNING)  # to standard error: the report alone is printed
    found: measurement.BenchReport | measurement.LedgerReport
    if subject is Subject.LEDGER:
        of_ledger = measurement.LedgerOptions.model_validate({**asked, "rounds": runs})
        found = measurement.run_ledger_bench(of_ledger, _tell)
    else:
        of_node = measurement.BenchOptions.model_validate({**asked, "runs": runs})
        found = measurement.run_bench(of_node, _tell)
    if as_json:
        print_json(found)
    else:
        measurement.print_found(found, screen())


def _tell(step: str) -> None:
    print(step, file=sys.stderr)
