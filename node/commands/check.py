"""`yakujo check`."""

import asyncio
from pathlib import Path

import typer
from rich.table import Table

from node.checking import Check, Verdict, checks_of
from node.commands.exits import FOUND
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.settings import SettingsError

COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red"}


def check(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """Check a node before it is started: settings, network, keys, mappings, ports, folders, nats-server.

    Changes nothing, and may be used beside a running node. Exit code 1: there is at least one error.
    """
    found = _checks(folder)
    if as_json:
        print_json(found)
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("", "what", "finding"):
            table.add_column(name, overflow="fold")
        for one in found:
            table.add_row(one.verdict.value, one.subject, one.text, style=COLOURS[one.verdict])
        screen().print(table)
    raise typer.Exit(FOUND if any(one.verdict is Verdict.ERROR for one in found) else 0)


def _checks(folder: Path) -> list[Check]:
    try:
        settings = settings_in(folder)
    except SettingsError as error:
        return [Check(subject="settings", verdict=Verdict.ERROR, text=str(error))]
    clients = f"{len(settings.clients)} clients"
    read = Check(subject="settings", verdict=Verdict.OK, text=f"{settings.sp}, {clients}")
    return [read, *asyncio.run(checks_of(settings))]
