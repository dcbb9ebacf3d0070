"""The arguments that several commands take, and how they print."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, TypeAdapter
from rich.console import Console

from node.settings import NodeSettings, load_settings
from node.setup import NODE_FILE

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        envvar="YAKUJO_FOLDER",
        help="The node's folder: node.toml, network.toml, clients/, keys/. By default the current one.",
        show_default=False,
        show_envvar=True,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data instead of tables.")]

HERE = Path()
FILE_COLUMNS = 180


def settings_in(folder: Path) -> NodeSettings:
    """The settings of the node in `folder`. Raises SettingsError."""
    return load_settings(folder / NODE_FILE)


def print_json(value: BaseModel | Sequence[BaseModel]) -> None:
    """Print data, for programs."""
    dumped: Any = TypeAdapter[Any](Any).dump_json(value, indent=2, exclude_none=False)
    sys.stdout.write(dumped.decode() + "\n")


def screen(*, markup: bool = False) -> Console:
    """Where tables go; a file gets room instead of broken lines. markup: never where text is from outside."""
    width = None if sys.stdout.isatty() else FILE_COLUMNS
    return Console(markup=markup, highlight=False, emoji=False, width=width)
