"""`yakujo restore`."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from node.catching_up import catch_up as caught_up
from node.commands.exits import FOUND
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.restoring import Restored, restore_store
from node.salvage_report import SalvageReport, TableReport

_NAMED = 20  # on the screen; --json has all

_WORDS = {
    "raw": "messages of clients",
    "submission": "what was submitted for them",
    "delivery": "answers and copies",
    "unwritten": "answers that could not be written",
    "part": "parts of messages",
    "outbox": "entries to publish",
    "flight": "block under way",
}


def restore(
    folder: Folder = HERE,
    *,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up/--no-catch-up",
            help="Get the ledger from the other members now, or when the node runs.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make a new store in place of one that is damaged or lost.

    Keeps what can be read of all that no ledger holds: clients' messages, what waits to be published,
    answers. The old files are moved into a folder beside it. The rest comes from the other members, of whom
    a majority must run. Refuses while the node runs. Exit code 1: something was lost, and it says what.
    """
    done = begin(folder)
    if as_json:
        print_json(done)
    else:
        _print(screen(), done)
    if catch_up:
        _catch_up(folder)
    elif not as_json:
        screen().print(
            "Next: `yakujo run`: the node gets the ledger from the other members, then serves its clients."
        )
    raise typer.Exit(FOUND if done.salvaged is not None and not done.salvaged.is_whole else 0)


def begin(folder: Path) -> Restored:
    """The first half: a new store with what was kept. The other half is to catch up with the ledger."""
    return restore_store(settings_in(folder).data_folder)


def _catch_up(folder: Path) -> None:
    """Get the ledger from the other members, in sight of whoever waits for it."""
    console, began = screen(), time.monotonic()
    columns = (TextColumn("ledger"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("blocks", total=None)
        at = asyncio.run(
            caught_up(settings_in(folder), lambda done, total: bar.update(task, completed=done, total=total))
        )
    seconds = time.monotonic() - began
    console.print(
        f"Has all {at.sequence:,} blocks, {at.size:,} entries, after {seconds:.1f} s; root {at.root}."
    )
    console.print("Next: `yakujo run` serves its clients again.")


def _print(console: Console, done: Restored) -> None:
    if done.aside is None:
        console.print("There was no store: a new one was begun.")
    else:
        console.print(f"The old store is in {done.aside}.", soft_wrap=True)
    if done.salvaged is not None:
        _print_salvaged(console, done.salvaged)


def _print_salvaged(console: Console, found: SalvageReport) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("what", "kept", "lost"):
        table.add_column(name)
    for one in found.tables:
        table.add_row(_WORDS[one.table], f"{one.kept:,}", _lost(one), style="red" if _lost(one) else None)
    console.print(table)
    for line in _findings(found):
        console.print(f"! {line}", style="bold red", soft_wrap=True)


def _lost(one: TableReport) -> str:
    """What is known to be missing of a table, in words; empty where nothing is."""
    spans = ", ".join(f"{s.first}-{s.last}" if s.last > s.first else f"{s.first}" for s in one.lost[:_NAMED])
    said = [f"{one.lost_rows:,} (numbers {spans}{', …' if len(one.lost) > _NAMED else ''})"] if spans else []
    if one.broken and not one.lost_rows:
        said.append(f"{one.broken:,} that cannot be read")
    if one.gaps:
        said.append(f"what lay in {one.gaps} places")
    if one.may_lack_newest:
        said.append("perhaps the newest")
    return "; ".join(said)


def _findings(found: SalvageReport) -> list[str]:
    """What a person must do something about."""
    lines = []
    for lost in found.lost_arrivals[:_NAMED]:
        lines.append(f"ask {lost.client} to send {lost.origin} again")
    if (more := len(found.lost_arrivals) - _NAMED) > 0:
        lines.append(f"and {more:,} more: see --json")
    if found.altered:
        numbers = ", ".join(map(str, found.altered[:_NAMED]))
        lines.append(f"{len(found.altered):,} messages are not what arrived: raw {numbers}")
    if found.parts_dropped:
        lines.append(
            f"{found.parts_dropped:,} parts of messages are lost: their clients must send them again"
        )
    return lines
