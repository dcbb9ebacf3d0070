"""`yakujo trace`."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.commands.trace_screen import print_trace
from node.inspection import reading
from node.tracing import trace as traced
from node.tracing import whole_bytes


def trace(
    name: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="A client's reference, a trade's id, a delivery's id, the SHA-256 of raw bytes, "
            "raw:12 (an arrival) or position:34 (an entry of the ledger).",
            show_default=False,
        ),
    ],
    folder: Folder = HERE,
    *,
    canonical: Annotated[bool, typer.Option("--canonical", help="Show the canonical form in full.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Write all raw messages and answers there, whole.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one trade's whole way, or that of a refused message.

    From the raw message over its canonical form, its place on the ledger and the contract to the results and
    what each client was told. Exit code 2 where nothing has this name.
    """
    with reading(settings_in(folder)) as view:
        found = traced(view, name)
        if save is not None:
            save.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file, raw in whole_bytes(view, found):
                (save / file).write_bytes(raw)
    if as_json:
        print_json(found)
    else:
        print_trace(screen(), found, in_full=canonical)
