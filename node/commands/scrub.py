"""`yakujo scrub`."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from node.commands.exits import FOUND
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.network import load_network
from node.nightly import GENTLE_SHARE
from node.scrub import scrub as scrubbed
from node.scrub_following import following
from node.scrub_report import ScrubReport
from node.store import STORE_FILE, read_store

_MEGABYTE = 1_000_000


def scrub(
    folder: Folder = HERE,
    *,
    gentle: Annotated[
        bool, typer.Option("--gentle", help="Rest between reads, as the nightly scrub does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the whole archive again: every block's digest and signature, its number and place, all tables.

    Works while the node runs and when it does not, and changes nothing. Exit code 1: something is not as it
    was; a store that is damaged is mended by `yakujo restore`.
    """
    with _bar(shown=sys.stderr.isatty()) as progress:
        found = _scrubbed(folder, progress, gentle=gentle)
    if as_json:
        print_json(found)
    else:
        _print(screen(), found)
    raise typer.Exit(FOUND if found.found else 0)


def _scrubbed(folder: Path, progress: Callable[[int, int], None], *, gentle: bool) -> ScrubReport:
    settings = settings_in(folder)
    network, path = load_network(settings.network_file), settings.data_folder / STORE_FILE
    with closing(read_store(path)) as connection:
        open_block, follow = following(network, connection)
        rest = _rest if gentle else _work_on
        return scrubbed(connection, open_block, follow=follow, progress=progress, rest=rest)


def _rest(seconds: float) -> None:
    time.sleep(seconds * (1 / GENTLE_SHARE - 1))


def _work_on(_: float) -> None:
    """Rest not at all."""


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar beside the output, where somebody looks."""
    columns = (TextColumn("blocks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("blocks", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(console: Console, found: ScrubReport) -> None:
    for finding in found.findings:
        where = f"sequence {finding.sequence}: " if finding.sequence is not None else ""
        console.print(f"! {where}{finding.text}", style="bold red", soft_wrap=True)
    if found.found > len(found.findings):
        console.print(f"! and {found.found - len(found.findings):,} more", style="bold red")
    rate = found.bytes / _MEGABYTE / max(found.seconds, 0.001)
    console.print(
        f"{found.blocks:,} blocks, {found.entries:,} entries, {found.messages:,} raw messages,"
        f" {found.bytes / _MEGABYTE:,.1f} MB of blocks in {found.seconds:,.1f} s, {rate:,.0f} MB/s:"
        f" {f'{found.found:,} findings' if found.found else 'nothing found'}",
        soft_wrap=True,
    )
