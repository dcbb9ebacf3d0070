"""The arguments that several commands take, and how they print."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, TypeAdapter
from rich.console import Console

from node.act_submission import WAIT_SECONDS
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
IdentityFolder = Annotated[
    Path,
    typer.Argument(
        metavar="IDENTITY", help="The institution's folder, made by `yakujo identity`.", show_default=False
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The passphrase that encrypts the private key.", show_default=False),
]
NetworkFile = Annotated[
    Path, typer.Option(metavar="FILE", help="The network file, from any member.", show_default=False)
]
Number = Annotated[
    int,
    typer.Option(
        min=1, help="The statement's number: what `yakujo members` shows as the next.", show_default=False
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Where to write the statement. By default LEI-NUMBER.json.", show_default=False
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        metavar="DAY", formats=["%Y-%m-%d"], help="The last business day it is for.", show_default=False
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for its place.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Queue it, and do not wait.")]

HERE = Path()
FILE_COLUMNS = 180
PATIENCE = WAIT_SECONDS


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
