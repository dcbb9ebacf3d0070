"""Figures as tables of text, for sheets: one per file, RFC 4180, UTF-8, plain decimals with a point.

    write_csv(report, folder)       total.csv, days.csv, relationships.csv, funds.csv … and ledger.csv

The columns are the names of the model (node.figures); a model within a model gives its names in front.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from node.figures import (
    Card,
    CardField,
    CauseFigures,
    DayFigures,
    FieldFigures,
    Figure,
    Figures,
    FiguresReport,
    FundFigures,
    PairFigures,
    RuleFigures,
)

LEDGER = ("network", "network_id", "position", "root", "time", "contracts", "time_zone", "by", "institution")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its columns, and its rows as text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: FiguresReport) -> tuple[Table, ...]:
    """All tables of a report; the last says of what ledger they are."""
    fields = [(card.counterparty, *(_texts(field))) for card in report.cards for field in card.fields]
    return (
        _table("total", Figures, [report.total]),
        _table("days", DayFigures, report.days),
        _table("relationships", PairFigures, report.relationships),
        _table("funds", FundFigures, report.funds),
        _table("fields", FieldFigures, report.fields),
        _table("causes", CauseFigures, report.causes),
        _table("rules", RuleFigures, report.rules),
        _table("cards", Card, report.cards),
        Table("card_fields", ("counterparty", *_columns(CardField)), tuple(fields)),
        Table("ledger", LEDGER, (tuple(_text(getattr(report, name)) for name in LEDGER),)),
    )


def write_csv(report: FiguresReport, folder: Path) -> list[Path]:
    """Write each table to a file of its own in `folder`, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables(report):
        path = folder / f"{table.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([table.columns, *table.rows])
        written.append(path)
    return written


def _table(name: str, kind: type[Figure], rows: Sequence[Figure]) -> Table:
    return Table(name, tuple(_columns(kind)), tuple(tuple(_texts(row)) for row in rows))


def _columns(kind: type[Figure], before: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Figure):
            yield from _columns(field.annotation, "" if name == "figures" else f"{before}{name}_")
        elif name != "fields":  # a table of its own
            yield f"{before}{name}"


def _texts(row: Figure) -> Iterator[str]:
    for name, value in row:
        if isinstance(value, Figure):
            yield from _texts(value)
        elif name != "fields":
            yield _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
