"""`yakujo relocate`."""

from typing import Annotated

import typer

from node.commands.options import HERE, Folder, screen, settings_in
from node.relocation import relocate as relocated
from node.setup import sp_name


def relocate(
    sp: Annotated[
        str, typer.Argument(metavar="SP", help="One that is no member any more.", show_default=False)
    ],
    folder: Folder = HERE,
) -> None:
    """Move the copy of the ledger that a former member's server keeps to another member's server.

    While the node runs, and most of the others. Waits until the new copy has all of it.
    """
    copies = relocated(settings_in(folder), sp_name(sp))
    screen().print(f"The ledger is kept by the servers of {', '.join(sorted(copies.servers))}.")
