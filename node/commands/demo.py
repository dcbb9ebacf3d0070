"""`yakujo demo`."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.exits import FOUND
from node.commands.options import AsJson, print_json, screen
from node.setup import SetupError


def demo(
    *,
    blocks: Annotated[int, typer.Option(min=1, max=100_000, help="How many blocks are traded.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed makes other trades and mistakes.")] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep all files of nodes and clients there.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Three service providers on this machine, a broker and three asset managers confirm a day's trades.

    Exit code 1: something differs from what the scenario expects.
    """
    from node import demo as stage  # noqa: PLC0415 - what it imports takes a while and serves it alone

    options = stage.DemoOptions(blocks=blocks, seed=seed, folder=keep, quiet=as_json)
    try:
        report = stage.run_demo(options)
    except stage.DemoError as error:
        raise SetupError(str(error)) from error
    if as_json:
        print_json(report)
    else:
        stage.show(report, screen(markup=True))
    raise typer.Exit(0 if report.as_expected else FOUND)
