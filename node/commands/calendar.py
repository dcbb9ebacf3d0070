"""`yakujo calendar`: the business days of a market, as master data."""

from pathlib import Path
from typing import Annotated

import typer

from node.calendar_seed import as_toml, seeded

calendar = typer.Typer(
    name="calendar",
    help="The business days of a market: drafted here, reviewed by people, agreed on by the members.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@calendar.callback()
def _group() -> None:
    """Keep `make` a command of its own, though it is the only one."""


@calendar.command()
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The market: JPX.", show_default=False)],
    *,
    first: Annotated[int, typer.Option("--from", metavar="YEAR", help="The first year.", show_default=False)],
    last: Annotated[int, typer.Option("--to", metavar="YEAR", help="The last year.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A new file; standard output if not given.", show_default=False),
    ] = None,
) -> None:
    """Draft a calendar for whole years, as a plan or a network file takes it, with the reason of each day.

    Public holidays come from the library jpholiday (the extra yakujo[calendars]), the exchange's own closed
    days from its rules. It is a draft: compare it with what has been published. No node asks the library.
    """
    text = as_toml(seeded(name, first, last))
    if output is None:
        typer.echo(text, nl=False)
    else:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
