"""`yakujo bench`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import AsJson, print_json, screen
from node.logs import LogLevel, configure_logging
from node.settings import SettingsError

MEMBERS = (1, 3)


def bench(
    *,
    messages: Annotated[
        int, typer.Option(min=2, max=100_000, help="In one run, half of them the broker's.")
    ] = 500,
    runs: Annotated[int, typer.Option(min=1, max=100, help="The median of so many is told.")] = 5,
    members: Annotated[int, typer.Option(help="1 or 3 nodes of the network, all on this machine.")] = 1,
    directory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Where the files lie meanwhile: its disk is what is measured. By default the temporary one.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few messages in one run, to see that it works.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure one node from raw FIX message to native result, beside the limits of this machine.

    The limits are measured in the same run: plain quickfix parsing, plain nats publishing of the same bytes,
    plain SQLite commits. Takes less than a minute.
    """
    from node import bench as measurement  # noqa: PLC0415 - what it imports takes a while and serves it alone

    configure_logging(level=LogLevel.WARNING)  # to standard error: the report alone is printed
    if members not in MEMBERS:
        raise SettingsError("--members is 1 or 3")
    asked = {"messages": messages, "runs": runs, "members": members, "folder": directory, "quick": quick}
    options = measurement.BenchOptions.model_validate(asked)
    report = measurement.run_bench(options, lambda step: print(step, file=sys.stderr))
    if as_json:
        print_json(report)
    else:
        measurement.print_report(report, screen())
