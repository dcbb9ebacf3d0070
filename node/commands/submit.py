"""`yakujo submit`."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import HERE, PATIENCE, AsJson, Folder, NoWait, Wait, settings_in
from node.commands.told import submit_and_tell
from node.statements import read_statement


def submit(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An institution's statement.", show_default=False)
    ],
    folder: Folder = HERE,
    *,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Put an institution's statement on the ledger, of whatever SP it speaks.

    Any member can: the institution's signature counts, not the member's. Exit code 1: it does not count, or
    is not on the ledger yet.
    """
    act = read_statement(file)
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)
