"""`yakujo trades`."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table

from canonical.result import TradeStatus
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.inspection import reading
from node.tracing import as_text
from node.trades import TradeRow, list_trades

SHOWN_MAX = 2
MARKS = {
    TradeStatus.MATCH_AGREED: "green",
    TradeStatus.MISMATCHED: "red",
    TradeStatus.DISQUALIFIED: "red",
    TradeStatus.CHANGE_REQUESTED: "yellow",
    TradeStatus.CANCELLED: "dim",
    TradeStatus.CANCEL_AGREED: "dim",
}


def trades(
    folder: Folder = HERE,
    *,
    status: Annotated[
        TradeStatus | None,
        typer.Option(
            case_sensitive=False,
            help="Only these: NMAT no counterpart, PEND funds missing, MISM differs, DISQ does not add up, "
            "MAGR match agreed, CANC cancelled, CREQ change asked for, CANA cancelled by both.",
        ),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Only trades that a message with this reference belongs to.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the trades that this node can read, the latest first."""
    with reading(settings_in(folder)) as view:
        rows = list_trades(view, status, as_text(reference) if reference else reference, limit)
    if as_json:
        print_json(rows)
        return
    console = screen()
    if not rows:
        console.print("no trades")
        return
    console.print(trade_table(rows))
    if len(rows) == limit and reference is None:
        console.print(f"the latest {limit}: see more with --limit")


def trade_table(rows: list[TradeRow]) -> Table:
    """The trades, one a line."""
    table = Table(box=None, pad_edge=False)
    for name in ("trade", "status", "side", "security", "quantity", "price", "trade date", "funds", "broker"):
        table.add_column(name, justify="right" if name in {"quantity", "price", "funds"} else "left")
    for name in ("investor", "differing", "references"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row), style=MARKS.get(row.status))
    return table


def _cells(row: TradeRow) -> list[str]:
    return [
        row.trade,
        row.status.value,
        row.side.value,
        row.japan_code or row.isin or "",
        f"{Decimal(row.quantity):,}" if row.quantity else "",
        row.price or "",
        row.trade_date.isoformat(),
        f"{row.funds_matched}/{row.funds_total}",
        row.broker,
        row.investor,
        _some(row.differing),
        " = ".join(filter(None, (_some(row.broker_references), _some(row.investor_references)))),
    ]


def _some(names: tuple[str, ...]) -> str:
    """The first few; `yakujo trace` and --json show all."""
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return ", ".join(names[:SHOWN_MAX]) + more
