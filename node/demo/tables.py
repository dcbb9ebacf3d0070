"""What a person sees of the demo: its progress while it runs, and tables at the end."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from node.demo.report import Report
from node.demo.stage import Demo

LOOK_SECONDS = 0.2
REFUSALS_SHOWN_MAX = 6  # of one client
DEVIATIONS_SHOWN_MAX = 40
DETAILS_SHOWN_MAX = 8
EXAMPLE_CHARACTERS_MAX = 500


@asynccontextmanager
async def watched(demo: Demo, console: Console) -> AsyncIterator[None]:
    """Show how far `demo` has come for as long as this lasts."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("messages confirmed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting three service providers", total=demo.outstanding)

        async def look() -> None:
            while True:
                if demo.sent or demo.answers:
                    said = f"{demo.sent} messages and files sent, {demo.answers} answers"
                    progress.update(task, description=said)
                progress.update(task, completed=len(demo.verdict.expected) - demo.outstanding)
                await asyncio.sleep(LOOK_SECONDS)

        looking = asyncio.create_task(look(), name="progress")
        try:
            yield
        finally:
            looking.cancel()


def show(report: Report, console: Console) -> None:
    """Print `report` as tables."""
    for table in (_stories(report), _fields(report), _refusals(report), _clients(report), _heads(report)):
        console.print(table)
    console.print(_secrecy(report))
    console.print("One answer to each client, as it came:")
    for client in report.clients:
        console.print(f"[bold]{client.client}[/bold] {escape(_from_body(client.example))}")
    _conclude(report, console)


def _stories(report: Report) -> Table:
    table = _table("Blocks", "what happened", "blocks", "as expected", "in detail")
    for story in report.stories:
        named = [f"{name} {count}" for name, count in story.details.items()]
        detail = ", ".join(named) if len(named) <= DETAILS_SHOWN_MAX else f"{len(named)} kinds, see below"
        table.add_row(story.story, str(story.blocks), str(story.as_expected), detail)
    return table


def _fields(report: Report) -> Table:
    table = _table("Mismatched fields", "field", "times", "for example")
    for field in report.mismatched:
        table.add_row(field.field, str(field.times), escape(field.example))
    return table


def _refusals(report: Report) -> Table:
    """Some of each client's, of as many kinds as there is room for."""
    title = (
        f"Refused: {len(report.refused)} messages, {report.duplicates_refused} of them for being sent twice"
    )
    table = _table(title, "client", "format", "reference", "the problem, as the client is told")
    for client in dict.fromkeys(refusal.client for refusal in report.refused):
        kinds = {_kind(refusal.problems): refusal for refusal in report.refused if refusal.client == client}
        for refusal in list(kinds.values())[:REFUSALS_SHOWN_MAX]:
            text = escape("; ".join(refusal.problems))
            table.add_row(refusal.client, refusal.format, refusal.reference, text)
    return table


def _kind(problems: Iterable[str]) -> str:
    return "".join(sign for sign in "".join(problems) if not sign.isdigit())[:40]


def _clients(report: Report) -> Table:
    table = _table(
        "Native answers", "client", "format", "at", "answers by status", "copies", "where they lie"
    )
    for client in report.clients:
        counts = ", ".join(f"{status} {count}" for status, count in sorted(client.answers.items()))
        where = "\n".join(map(escape, client.where)) or "not kept: --keep FOLDER keeps them"
        name = f"{client.name}\n{client.client}"
        table.add_row(name, client.format, client.provider, counts, str(client.copies), where)
    return table


def _from_body(example: str) -> str:
    """As much as fits, without the header of XML."""
    body = example[max(0, example.find("<SctiesTradConfStsAdvc>")) :]
    return body if len(body) <= EXAMPLE_CHARACTERS_MAX else body[:EXAMPLE_CHARACTERS_MAX] + " …"


def _heads(report: Report) -> Table:
    table = _table("Ledger heads", "provider", "blocks", "entries", "chain of all entries")
    for head in report.heads:
        table.add_row(head.provider, str(head.blocks), str(head.entries), head.chain)
    return table


def _secrecy(report: Report) -> Table:
    table = _table(
        "Plaintext of relationships that a provider is no party to",
        *("provider", "no party to", "words searched", "found on its disk", "found at a party to them"),
    )
    for proof in report.secrecy:
        found = str(len(proof.found)) + (f": {', '.join(proof.found[:5])}" if proof.found else "")
        at_party = f"{proof.found_at_party} at {proof.party}"
        table.add_row(
            proof.provider, ", ".join(proof.relationships), str(proof.words), escape(found), at_party
        )
    return table


def _conclude(report: Report, console: Console) -> None:
    seconds = report.seconds
    console.print(
        f"{report.blocks} blocks, {report.messages_sent} messages and files sent, {report.answers} answers;"
        f" {seconds.start:.1f} s to start, {seconds.play:.1f} s to confirm, {seconds.check:.1f} s to check."
    )
    for deviation in report.deviations[:DEVIATIONS_SHOWN_MAX]:
        console.print(f"[red]differs:[/red] {escape(deviation)}")
    if report.as_expected:
        console.print("[green]Everything is as the scenario expects.[/green]")
    else:
        console.print(f"[red]{len(report.deviations)} things differ from what the scenario expects.[/red]")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
