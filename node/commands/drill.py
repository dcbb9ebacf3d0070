"""`yakujo drill`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.table import Table

from node.commands.exits import FOUND
from node.commands.options import AsJson, print_json, screen
from node.setup import SetupError

if TYPE_CHECKING:
    from node.drill import Drill, Report


def drill(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which one; all of them, if none is named.")
    ] = None,
    *,
    listed: Annotated[
        bool, typer.Option("--list", help="Say which drills there are, and play none.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed makes other trades, and other victims.")] = 1,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, max=3600, help="How long the fault lasts, or the trading.", show_default=False),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000_000, help="How often, or how many: see --list for what.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep all files of nodes and clients there.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a fault about on this machine, and see whether what must hold does.

    Each drill sets up three service providers as the demo does, in a folder of its own, and touches nothing
    else. Exit code 1: something did not hold. 2: nothing was played.
    """
    from node import drill as stage  # noqa: PLC0415 - what it imports takes a while and serves it alone

    if listed:
        _print_drills(stage.DRILLS)
        return
    if name is None and not (seconds is None and count is None):
        raise SetupError("--seconds and --count are for one drill: name it")
    reports = []
    for one in [name] if name is not None else stage.DRILLS:
        folder = keep / one if keep is not None and name is None else keep
        options = stage.DrillOptions(one, seed, folder, seconds, count, _quiet if as_json else _say)
        try:
            reports.append(stage.run_drill(options))
        except stage.DemoError as error:
            raise SetupError(str(error)) from error
        if not as_json:
            _conclude(reports[-1])
    if as_json:
        print_json(reports)
    _end(reports)


def _end(reports: "Sequence[Report]") -> NoReturn:
    """Exit as the promises were held."""
    played = [report for report in reports if report.skipped is None]
    if not played:
        raise SetupError(f"not played: {reports[-1].skipped}")
    raise typer.Exit(0 if all(report.held for report in played) else FOUND)


def _say(line: str) -> None:
    screen().print(line)


def _quiet(_: str) -> None:
    pass


def _conclude(report: "Report") -> None:
    if report.skipped is not None:
        _say(f"{report.drill}: not played: {report.skipped}")
    elif report.held:
        _say(f"{report.drill}: all {len(report.promises)} promises held, in {report.seconds:.0f} s")
    else:
        broken = sum(not promise.held for promise in report.promises)
        where = (
            f"; see {report.folder}" if report.folder is not None else "; --keep FOLDER keeps what led to it"
        )
        _say(f"{report.drill}: {broken} of {len(report.promises)} promises did not hold{where}")


def _print_drills(drills: "Mapping[str, Drill]") -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("drill", "what it brings about", "--seconds", "--count"):
        table.add_column(column, overflow="fold")
    for name, one in drills.items():
        seconds = f"{one.seconds:g}" if one.seconds else "-"
        table.add_row(name, one.brings, seconds, f"{one.count} {one.counts}" if one.count else "-")
    screen().print(table)
