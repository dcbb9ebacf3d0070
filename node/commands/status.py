"""`yakujo status`."""

from datetime import datetime

import typer
from rich.table import Table

from node.commands.exits import FOUND, LACKS_CONTRACT
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.contract_wait import NodeState
from node.inspection import NodeStatus, reading, status_of
from node.scrub_report import ScrubReport


def status(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """How a node is: its place on the ledger, what members have signed, what waits, clients, trades, alarms.

    Works while the node runs and when it does not. Exit code 0: all is well. 1: something needs a person; the
    findings say what. 2: there is no such node, or its settings are wrong. 3: it runs and decides nothing,
    as it lacks the contract that is named.
    """
    with reading(settings_in(folder)) as view:
        found = status_of(view)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found.state is NodeState.LACKS_CONTRACT:
        raise typer.Exit(LACKS_CONTRACT)
    raise typer.Exit(FOUND if found.findings else 0)


def _print(found: NodeStatus) -> None:
    console = screen()
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _lines(found):
        table.add_row(name, value)
    console.print(table)
    console.print(_members(found))
    for queue in found.deliveries:
        waits = f", {queue.waiting} waiting since {at(queue.oldest)}" if queue.waiting else ""
        console.print(f"client {queue.client}: {queue.delivered} delivered{waits}")
    for session in found.sessions:
        state = "logged on" if session.connected else "away"
        console.print(f"FIX {session.session} at {session.address}: {state}")
    for finding in found.findings:
        console.print(f"! {finding}", style="bold red")


def _lines(found: NodeStatus) -> list[tuple[str, str]]:
    running = f"running, process {found.pid}" if found.running else "not running"
    last = f", last block {at(found.last_block)} by {found.last_block_sp}" if found.last_block else ""
    passed = f", {found.passed_over} blocks passed over" if found.passed_over else ""
    agreed = f"all members have signed up to {found.agreed_size}" if found.agreed_size is not None else "open"
    disk = f"{found.disk.used_percent} % used, {_size(found.disk.free_bytes)} free"
    return [
        ("node", f"{found.sp}, {running}"),
        ("network", found.network),
        ("ledger", f"{found.sequence} blocks, {found.size} entries{last}{passed}"),
        ("root", found.root),
        ("ledger time", _time(found)),
        ("agreement", agreed),
        ("guard", f"{found.guard.word.value}: {found.guard.text}" if found.guard else "-"),
        ("scrub", _scrub(found.last_scrub)),
        ("to publish", f"{found.outbox} entries{', a block is under way' if found.in_flight else ''}"),
        ("decides", _decides(found)),
        ("arrived", _counted(found.arrivals)),
        ("results", _counted(found.results)),
        ("trades", _counted(found.trades)),
        ("disk", f"{disk}, store {_size(found.disk.store_bytes)}"),
    ]


def _time(found: NodeStatus) -> str:
    if found.time is None:
        return "none yet"
    stands = f", stands still: waits for {', '.join(held)}" if (held := found.time.held_back_by) else ""
    return f"{at(found.time.at)}, {found.time.lag_seconds:.1f} s before this clock{stands}"


def _decides(found: NodeStatus) -> str:
    if found.waits is None:
        return "what comes"
    return f"nothing: {found.waits.text}; {found.waits.submissions} submissions wait"


def _scrub(last: ScrubReport | None) -> str:
    if last is None:
        return "none yet"
    return f"{at(last.began)}: {last.blocks} blocks, {last.found or 'no'} findings"


def _members(found: NodeStatus) -> Table:
    table = Table(
        "member", "blocks", "last block", "signed up to", "entries since", "agrees", box=None, pad_edge=False
    )
    for member in found.members:
        agrees = {True: "yes", False: "NO", None: "-"}[member.agrees]
        signed, lag = ("-" if n is None else str(n) for n in (member.signed_size, member.lag))
        table.add_row(member.sp, str(member.blocks), at(member.last_block), signed, lag, agrees)
    return table


def _size(count: int) -> str:
    return f"{count / 1_000_000_000:.1f} GB" if count >= 1_000_000_000 else f"{count / 1_000_000:.1f} MB"  # noqa: PLR2004 - bytes in a GB


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def at(moment: datetime | None) -> str:
    """A time as the operator's clock shows it."""
    return moment.astimezone().isoformat(" ", "milliseconds") if moment else "-"
