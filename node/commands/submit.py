"""`yakujo submit`."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import HERE, PATIENCE, AsJson, Folder, NoWait, Wait, settings_in
from node.commands.told import submit_and_tell
from node.network import load_network
from node.statements import read_opening, read_statement


def submit(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An institution's statement.", show_default=False)
    ],
    folder: Folder = HERE,
    *,
    document: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The document that it names, as `yakujo propose` wrote it.",
            show_default=False,
        ),
    ] = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Put an institution's statement on the ledger, of whatever SP it speaks.

    Any member can: the institution's signature counts, not the member's. Exit code 1: it does not count, or
    is not on the ledger yet.
    """
    settings, act = settings_in(folder), read_statement(file)
    opened = read_opening(document, load_network(settings.network_file).id) if document is not None else None
    submit_and_tell(settings, act, 0 if no_wait else wait, as_json=as_json, document=opened)
