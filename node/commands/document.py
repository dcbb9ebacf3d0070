"""`yakujo document`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from node.act import Agreement
from node.act_records import stored_register
from node.agreed_document import agreed_document, as_text
from node.commands.options import HERE, Folder, screen, settings_in
from node.decisions import proposal_of
from node.inspection import reading
from node.private_file import write_private
from node.setup import SetupError
from node.statements import write_opening


def document(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The first digits of a proposal's id, as `yakujo decisions` shows it.",
            show_default=False,
        ),
    ],
    folder: Folder = HERE,
    *,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there instead of printing it.", show_default=False),
    ] = None,
    opening: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write it there with its key: that shows a third party what was agreed on.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the document that two institutions agree on: rules as TOML, a correction as it was given.

    At a node of an SP of one of them; for all others it is sealed. With --opening, whoever has the file can
    compute the id that the act names: SHA-256 over network, sides, kind, text and key.
    """
    with reading(settings_in(folder)) as view:
        act = proposal_of(stored_register(view.connection, view.network), name).act
        if not isinstance(act, Agreement):
            raise SetupError("members vote on that, in clear: `yakujo decisions` shows all of it")
        found = agreed_document(view, act)
    if opening is not None:
        write_opening(opening, found)
        screen().print(f"{opening}: the document and its key", soft_wrap=True)
    if output is not None:
        write_private(output, as_text(found))
        screen().print(f"{output}: the document", soft_wrap=True)
    if opening is None and output is None:
        sys.stdout.write(_printable(as_text(found)))


def _printable(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise SetupError("the document is no text: give --output FILE") from error
