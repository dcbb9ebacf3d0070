"""How `yakujo stats` shows figures to people: the most telling of them; all are in --json and --csv."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from node.figures import Card, Figures, FiguresReport, FundFigures, Span
from node.inspection import View

FUNDS_SHOWN_MAX = 20

Row = Sequence[object]
_OF_TRADES = (
    "trades", "exactly", "tolerance", "calculated", "open", "cancelled", "not final yet", "on time", "late",
    "share", "median", "p95",
)  # fmt: skip
_OF_MESSAGES = (
    "mismatches", "amended before match", "after", "cancellations", "changes asked", "consented", "refused",
    "taken back", "messages refused",
)  # fmt: skip


def print_figures(console: Console, view: View, found: FiguresReport) -> None:
    """Print what is in the report."""
    for name, value in _ledger(view, found):
        console.print(f"{name:<9} {value}", soft_wrap=True)
    _print_figures(console, found, view)
    _print_reasons(console, found, view)
    for card in found.cards:
        _print_card(console, card, view)
    _print_verification(console, found)


def _ledger(view: View, found: FiguresReport) -> Iterator[tuple[str, str]]:
    yield "network", f"{found.network}, id {found.network_id}"
    time = found.time.astimezone(ZoneInfo(found.time_zone)) if found.time else "before the first entry"
    yield "ledger", f"up to position {found.position}, {time}"
    yield "root", found.root
    yield "contracts", ", ".join(found.contracts) or "none has spoken"
    yield "on time", f"on the trade date by {found.by}, {found.time_zone}"
    yield "of", view.name_of(found.institution) if found.institution else "all that this node reads"


def _print_figures(console: Console, found: FiguresReport, view: View) -> None:
    days = [(str(day.trade_date or "no date"), day.figures) for day in found.days]
    pairs = [
        (f"{view.name_of(pair.broker)} – {view.name_of(pair.investor)}", pair.figures)
        for pair in found.relationships
    ]
    for title, rows in (("trade date", days), ("relationship", pairs)):
        of_trades = [(name, *_of_trades(figures)) for name, figures in [*rows, ("total", found.total)]]
        _print(console, (title, *_OF_TRADES), of_trades)
    of_messages = [(name, *_of_messages(figures)) for name, figures in [*days, ("total", found.total)]]
    _print(console, ("trade date", *_OF_MESSAGES), of_messages)


def _of_trades(figures: Figures) -> Iterator[object]:
    yield figures.trades
    yield from (figures.agreed_exactly, figures.agreed_within_tolerance, figures.agreed_by_calculation)
    yield _open(figures)
    yield figures.cancelled + figures.cancelled_after_match
    yield figures.not_final
    yield from (figures.on_time, figures.late, _share(figures.on_time_share))
    yield from (_seconds(figures.to_match.median_seconds), _seconds(figures.to_match.p95_seconds))


def _open(figures: Figures) -> str:
    """How many are open, and of which status."""
    parts = {
        "NMAT": figures.unmatched,
        "PEND": figures.pending,
        "MISM": figures.mismatched,
        "DISQ": figures.disqualified,
        "disputed": figures.disputed,
    }
    told = ", ".join(f"{name} {count}" for name, count in parts.items() if count)
    return f"{sum(parts.values())} ({told})" if told else "0"


def _of_messages(figures: Figures) -> Iterator[object]:
    yield figures.mismatches
    yield from (figures.amended_before_match, figures.amended_after_match, figures.cancellations)
    yield figures.amendments_asked + figures.cancellations_asked
    yield from (figures.changes_consented, figures.changes_refused, figures.changes_taken_back)
    yield figures.messages_refused


def _print_reasons(console: Console, found: FiguresReport, view: View) -> None:
    def of(row: object) -> str:
        return " – ".join(view.name_of(getattr(row, role)) for role in ("broker", "investor"))

    fields = [
        (of(f), f.place, f.field, f.mismatches, f.ended_by_broker, f.ended_by_investor, f.dissolved, f.open)
        for f in found.fields
    ]
    ended = ("mismatches", "ended by broker", "by investor", "dissolved", "open")
    _print(console, ("relationship", "place", "field", *ended), fields, text=3)
    causes = [(of(c), c.field, c.kind, c.parts_at, c.trades) for c in found.causes]
    _print(console, ("relationship", "cause", "kind", "parts at", "trades"), causes, text=4)
    worst = sorted(found.funds, key=lambda fund: (-fund.mismatches, -fund.open))[:FUNDS_SHOWN_MAX]
    funds = [(view.name_of(f.investor), f"{f.scheme} {f.account}", *_of_fund(f)) for f in worst]
    _print(
        console,
        ("investor", "fund", "exactly", "tolerance", "calculated", "open", "mismatches"),
        funds,
        text=2,
    )
    if len(found.funds) > len(worst):
        console.print(f"the {len(worst)} funds with most mismatches of {len(found.funds)}: all with --csv")
    rules = [(of(r), r.author or "no side", r.rule, r.messages) for r in found.rules]
    _print(console, ("relationship", "author", "refused for", "messages"), rules, text=3)


def _of_fund(fund: FundFigures) -> Iterator[int]:
    yield from (fund.agreed_exactly, fund.agreed_within_tolerance, fund.agreed_by_calculation)
    yield from (fund.open, fund.mismatches)


def _print_card(console: Console, card: Card, view: View) -> None:
    name = view.name_of(card.counterparty)
    console.print(
        f"\n{name}, {card.role}: {card.trades} trades, {card.agreed} agreed, {card.on_time} on time "
        f"({_share(card.on_time_share)})",
        soft_wrap=True,
    )
    console.print(f"answers in  {_span(card.response)}; is answered in {_span(card.own_response)}")
    rows = [
        (f.place, f.field, f.mismatches, f.ended_by_counterparty, f.ended_by_institution) for f in card.fields
    ]
    rows += [("all", "", card.mismatches, card.ended_by_counterparty, card.ended_by_institution)]
    _print(console, ("place", "field", "mismatches", f"ended by {name}", "by the institution"), rows, text=2)


def _print_verification(console: Console, found: FiguresReport) -> None:
    verification = found.verification
    if verification is None:
        return
    for sentence in verification.not_checked:
        console.print(f"not checked: {sentence}", style="yellow", soft_wrap=True)
    for sentence in (*verification.differing, *verification.findings):
        console.print(f"! {sentence}", style="bold red", soft_wrap=True)
    same = "the stored outcomes give the same figures"
    other = f"the store is not what the ledger gives: {verification.found} findings, see `yakujo audit`"
    console.print(f"contract replayed: {same if verification.same else other}", soft_wrap=True)


def _print(console: Console, columns: Sequence[str], rows: Sequence[Row], text: int = 1) -> None:
    """A table, if there is something in it. text: how many of its columns, the first ones, are words."""
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < text else "right")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    console.print()
    console.print(table)


def _share(share: object) -> str:
    return "" if share is None else f"{share:.2%}"


def _seconds(seconds: object) -> str:
    return "" if seconds is None else f"{seconds} s"


def _span(span: Span) -> str:
    return f"{_seconds(span.median_seconds)} (median of {span.count})" if span.count else "–"
