"""`yakujo stats`."""

import asyncio
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer

from node.audit_keys import own_keys
from node.commands.exits import FOUND
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.commands.progress_bar import block_bar
from node.commands.stats_screen import print_figures
from node.figure_check import verified
from node.figure_report import Asked, assert_served, report
from node.figure_tables import write_csv
from node.figures import FiguresReport
from node.inspection import View, reading
from node.store import STORE_FILE

By = Annotated[
    datetime,
    typer.Option(
        metavar="TIME",
        formats=["%H:%M", "%H:%M:%S"],
        help="Until when a match is on time: on the trade date, by the network's clock.",
    ),
]
Institution = Annotated[
    str | None,
    typer.Option(
        metavar="LEI",
        help="Its relationships alone, and a scorecard for each counterparty. One that this node's SP acts "
        "for.",
        show_default=False,
    ),
]
At = Annotated[
    int | None,
    typer.Option(
        metavar="POSITION",
        min=0,
        help="Count as the ledger stood after the entry at this position. By default all there is.",
        show_default=False,
    ),
]
Sheets = Annotated[
    Path | None,
    typer.Option("--csv", metavar="DIRECTORY", help="Write all tables there as CSV.", show_default=False),
]


def stats(
    folder: Folder = HERE,
    *,
    institution: Institution = None,
    by: By = "16:00",  # type: ignore[assignment] # typer reads it as it would what is typed
    at: At = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Replay the contract from the archive too, and say whether it gives the same."
        ),
    ] = False,
    sheets: Sheets = None,
    as_json: AsJson = False,
) -> None:
    """Count how trades were confirmed: matched on time, late, open, corrected, by whom and why.

    Of the trades that this node can read. The figures come from the ledger alone, and times are ledger time:
    whoever can read the same comes to the same figures, at any position. What each one counts stands in
    docs/operators/figures.md. Exit code 0: done. 1: with --verify, the store is not what the ledger gives. 2:
    it could not be counted.
    """
    settings = settings_in(folder)
    asked = Asked(by.time(), at, institution)
    with reading(settings) as view:
        if institution is not None:
            assert_served(view.connection, view.network, settings.sp, institution)
        found = _verified(view, asked) if verify else report(view.connection, view.network, asked)
        written = write_csv(found, sheets) if sheets is not None else []
        if as_json:
            print_json(found)
        else:
            print_figures(screen(), view, found)
            for path in written:
                screen().print(f"written: {path}", soft_wrap=True)
    raise typer.Exit(FOUND if found.verification is not None and not found.verification.same else 0)


def _verified(view: View, asked: Asked) -> FiguresReport:
    """As of one moment for both: what the node takes in meanwhile is left out."""
    # What a replay logs, the node has logged when it was new.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    keys = own_keys(view.settings, is_own=True)
    with block_bar(shown=sys.stderr.isatty()) as watcher:
        path = view.settings.data_folder / STORE_FILE
        return asyncio.run(verified(path, view.network, keys, asked, watcher))
