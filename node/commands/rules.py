"""`yakujo rules`: what a broker and an investor agree on, as a document."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from canonical.calendar import Calendar
from canonical.rules.spread import Remainder
from node.act_records import stored_register
from node.checking import Check, Verdict
from node.commands.exits import FOUND
from node.commands.options import AsJson, print_json, screen, settings_in
from node.commands.rules_tables import COLOURS, figures_table, rules_table, working_table
from node.inspection import reading
from node.rules_checked import checks_of_document
from node.rules_document import load_rules
from node.rules_shown import differences, shown
from node.rules_trial import Trial, try_trade

Document = Annotated[
    Path, typer.Argument(metavar="FILE", help="A rules document: conf/rules.toml.", show_default=False)
]

rules = typer.Typer(
    name="rules",
    help="What a broker and an investor agree on: tolerances, commission, tax, fees, deadlines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@rules.command()
def show(file: Document, *, as_json: AsJson = False) -> None:
    """Show all rules of a document in words, those too that it leaves out and that hold by default."""
    document = load_rules(file)
    found = shown(document)
    if as_json:
        print_json(found)
        return
    console = screen()
    console.print(f"broker {document.broker}, investor {document.investor}")
    console.print(f"version {document.version}, for trades from {document.from_trade_date} on")
    console.print(rules_table(found.rules))


@rules.command()
def check(file: Document, *, as_json: AsJson = False) -> None:
    """Check a document before it is signed: all that is wrong, where, and what to do; and what looks odd.

    Places in lists count from 1. Exit code 1: there is at least one error.
    """
    found = checks_of_document(file)
    if as_json:
        print_json(found)
    else:
        _print_checks(found)
    raise typer.Exit(FOUND if any(one.verdict is Verdict.ERROR for one in found) else 0)


@rules.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rules document.", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Name each rule that changes from one document to another, with what held and what will hold.

    A rule that both leave out, or that one states as it is by default, does not change. Exit code 1: there is
    at least one difference.
    """
    found = differences(load_rules(old), load_rules(new))
    if as_json:
        print_json(found)
    elif not found:
        screen().print("no differences")
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("rule", "before", "after"):
            table.add_column(name, overflow="fold")
        for one in found:
            table.add_row(one.place, one.before or "-", one.after or "-")
        screen().print(table)
    raise typer.Exit(FOUND if found else 0)


@rules.command(name="try")
def try_(
    file: Document,
    trade: Annotated[
        Path,
        typer.Argument(
            metavar="TRADE",
            help="A trade: conf/trade.toml, or a canonical message in JSON.",
            show_default=False,
        ),
    ],
    *,
    remainder: Annotated[
        Remainder,
        typer.Option(help="Whose the rest of a spread is where the rules leave it open."),
    ] = Remainder.LARGER_FRACTION,
    node: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A node's folder: its network's calendar, as of now, for the settlement date.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Calculate a trade by a document's rules, and show the figures with each step of the working.

    Exit code 1: it cannot be calculated; all reasons are told.
    """
    found = try_trade(load_rules(file).rules, trade, remainder, _calendars(node))
    if as_json:
        print_json(found)
    else:
        _print_trial(found)
    raise typer.Exit(FOUND if found.problems else 0)


def _calendars(folder: Path | None) -> tuple[Calendar, ...]:
    """Those that a node's network has now; none where no node is named."""
    if folder is None:
        return ()
    with reading(settings_in(folder)) as view:
        return stored_register(view.connection, view.network).now.calendars


def _print_trial(found: Trial) -> None:
    console = screen()
    if found.calculation is not None:
        console.print(figures_table(found.calculation))
        console.print()
        console.print(working_table(found.calculation))
    if found.settlement_date is not None:
        console.print(f"settlement date: {found.settlement_date}")
    for problem in found.problems:
        value = f" ({problem.value})" if problem.value else ""
        console.print(f"{problem.field}{value}: {problem.text}", style="red", soft_wrap=True)


def _print_checks(found: list[Check]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("", "place", "finding"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.verdict.value, one.subject, one.text, style=COLOURS[one.verdict])
    screen().print(table)
