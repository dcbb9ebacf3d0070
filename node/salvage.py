"""What a damaged store still holds of all that the ledger does not: clients' messages, queues, deliveries.

    salvage(damaged, fresh) -> SalvageReport

Every page of the file is read by itself (node.sqlite_tree), so that a flipped bit costs a row and a cut what
was cut off. Where the way to a page is lost, the page is found by what it holds: the tables are STRICT, and
no two of those kept here have the same columns. The damaged store is only read.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.salvage_report import NAMED_MAX, SPANS_MAX, LostArrival, SalvageReport, Span, TableReport
from node.sqlite_pages import Pages
from node.sqlite_tree import ROWID_MAX, Hole, Leaf, Row, index_entries, is_table_leaf, leaves, rows_in

# Rows are never deleted from these: a missing number is a lost row, and what lies on a page to which no way
# leads was not given up. Rows of the others come and go.
LASTING = ("raw", "submission", "delivery", "unwritten")
PASSING = ("part", "outbox", "flight")
KEPT_SETTINGS = ("network",)

_KINDS = {"TEXT": str, "INTEGER": int, "BLOB": bytes, "REAL": float}


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table, as a fresh store has them. own_id: which of them is the row's number."""

    table: str
    columns: tuple[str, ...]
    kinds: tuple[type, ...]
    may_lack: tuple[bool, ...]
    own_id: int | None

    def fits(self, row: Row) -> bool:
        """Whether a row can be one of this table."""
        return len(row.values) == len(self.kinds) and all(
            may_lack if value is None else isinstance(value, kind)
            for value, kind, may_lack in zip(row.values, self.kinds, self.may_lack, strict=True)
        )


@dataclass(slots=True)
class Found:
    """What a table gave so far. pages: those its tree leads to. highest_lost: a number known by an index."""

    shape: Shape
    kept: int = 0
    broken: int = 0
    holes: list[Hole] = field(default_factory=list)
    pages: set[int] = field(default_factory=set)
    highest_lost: int = 0


def salvage(damaged: Path, fresh: sqlite3.Connection) -> SalvageReport:
    """Copy what can be read of the store `damaged` into the empty store `fresh`.

    fresh: without a transaction under way. Its foreign keys are not enforced meanwhile: one side of a pair
    may be all that is left. Raises OSError, sqlite3.Error.
    """
    fresh.execute("PRAGMA foreign_keys = OFF")
    with Pages(damaged) as pages:
        laid_out: dict[str, int] = dict(_all(fresh, "SELECT name, rootpage FROM sqlite_master"))
        roots = laid_out | _roots(pages)
        found = [_of_tree(pages, fresh, shape_of(fresh, name), roots, laid_out) for name in LASTING + PASSING]
        damages = [one for one in found if one.shape.table in LASTING and (one.holes or one.broken)]
        _of_stray_pages(pages, fresh, [one for one in damages if one.holes])
        arrivals = [lost for one in damages for lost in _lost_by_index(pages, fresh, one, roots)]
        settings = _settings(pages, fresh, roots["setting"])
    dropped = fresh.execute("DELETE FROM part WHERE raw NOT IN (SELECT id FROM raw)").rowcount
    report = SalvageReport(
        tables=tuple(_told(fresh, one) for one in found),
        lost_arrivals=tuple(arrivals[:NAMED_MAX]),
        altered=tuple(_altered(fresh)),
        parts_dropped=dropped,
        submissions_without_raw=_all(
            fresh, "SELECT COUNT(*) FROM submission WHERE raw NOT IN (SELECT id FROM raw)"
        )[0][0],
        settings=settings,
    )
    fresh.execute("PRAGMA foreign_keys = ON")
    return report


def shape_of(fresh: sqlite3.Connection, table: str) -> Shape:
    """The columns of a table of a fresh store."""
    rows = _all(fresh, f"PRAGMA table_info({table})")
    keys = [row[0] for row in rows if row[5]]
    own_id = keys[0] if len(keys) == 1 and rows[keys[0]][2] == "INTEGER" else None
    return Shape(
        table=table,
        columns=tuple(row[1] for row in rows),
        kinds=tuple(_KINDS[row[2]] for row in rows),
        may_lack=tuple(row[0] == own_id or not row[3] for row in rows),
        own_id=own_id,
    )


def _roots(pages: Pages) -> dict[str, int]:
    """The first page of each table and index, as far as the damaged store tells."""
    roots = {}
    for leaf in leaves(pages, 1):
        for row in rows_in(pages, leaf.number) if isinstance(leaf, Leaf) else ():
            match row.values if row else ():
                case ("table" | "index", str(name), str(), int(root), *_):
                    roots[name] = root
    return roots


def _of_tree(
    pages: Pages, fresh: sqlite3.Connection, shape: Shape, roots: dict[str, int], laid_out: dict[str, int]
) -> Found:
    """Keep the rows to which a table's tree leads.

    Where its root is lost, it may still be where a fresh store has it: both were laid out by the same script.
    """
    found = _walked(pages, fresh, shape, roots[shape.table])
    if found.kept == 0 and (found.holes or found.broken) and roots[shape.table] != laid_out[shape.table]:
        again = _walked(pages, fresh, shape, laid_out[shape.table])
        return again if again.kept else found
    return found


def _walked(pages: Pages, fresh: sqlite3.Connection, shape: Shape, root: int) -> Found:
    found = Found(shape)
    with _keeping(fresh, shape) as keep:
        for at in leaves(pages, root):
            if isinstance(at, Hole):
                found.holes.append(at)
            else:
                found.pages.add(at.number)
                _keep_page(pages, found, at, keep)
    return found


def _keep_page(pages: Pages, found: Found, at: Leaf, keep: Callable[[Row], bool]) -> None:
    """Keep the rows of a page. Their numbers rise, so that one that does not is damaged."""
    before = at.after
    for row in rows_in(pages, at.number):
        if row is None or not found.shape.fits(row) or not before < row.id <= at.upto or not keep(row):
            found.broken += 1
            continue
        found.kept += 1
        before = row.id


@contextmanager
def _keeping(fresh: sqlite3.Connection, shape: Shape) -> Iterator[Callable[[Row], bool]]:
    """In one transaction, a function that keeps a row: whether it contradicts none that was kept before."""
    names = shape.columns if shape.own_id is not None else ("rowid", *shape.columns)
    places = ", ".join("?" * len(names))
    insert = f"INSERT OR IGNORE INTO {shape.table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - the schema's own names

    def keep(row: Row) -> bool:
        values = list(row.values)
        if shape.own_id is None:
            values.insert(0, row.id)
        else:
            values[shape.own_id] = row.id
        return fresh.execute(insert, values).rowcount > 0

    fresh.execute("BEGIN")
    yield keep
    fresh.execute("COMMIT")


def _of_stray_pages(pages: Pages, fresh: sqlite3.Connection, lacking: list[Found]) -> None:
    """Keep the rows of pages to which no way leads: known by their columns, and by where rows lack."""
    if not lacking:
        return
    known = {number for found in lacking for number in found.pages} | set(pages.free())
    for number in range(2, pages.count + 1):
        if number in known or not is_table_leaf(pages, number):
            continue
        rows = [row for row in rows_in(pages, number) if row is not None]
        for found in lacking:
            if hole := _hole_of(rows, found):
                with _keeping(fresh, found.shape) as keep:
                    _keep_page(pages, found, Leaf(number, hole.after, hole.upto), keep)


def _hole_of(rows: list[Row], found: Found) -> Hole | None:
    """Where in a table a page with these rows belongs; None where it is another's."""
    if not rows or not all(found.shape.fits(row) for row in rows):
        return None
    first, last = rows[0].id, rows[-1].id
    return next((hole for hole in found.holes if hole.after < first and last <= hole.upto), None)


def _lost_by_index(
    pages: Pages, fresh: sqlite3.Connection, found: Found, roots: dict[str, int]
) -> Iterator[LostArrival]:
    """Follow the index of a table's unique names to rows that are lost; of a raw message, tell the name."""
    table, index = found.shape.table, f"sqlite_autoindex_{found.shape.table}_1"
    columns = [row[2] for row in _all(fresh, f"PRAGMA index_info({index})")]
    kinds = [found.shape.kinds[found.shape.columns.index(name)] for name in columns]
    named = " AND ".join(f"{name} = ?" for name in columns)
    for *names, number in index_entries(pages, roots[index]):
        if not isinstance(number, int) or list(map(type, names)) != kinds:
            continue
        if _all(fresh, f"SELECT 1 FROM {table} WHERE {named}", *names):  # noqa: S608 - the schema's own names
            continue
        found.highest_lost = max(found.highest_lost, number)
        if table == "raw":
            yield LostArrival(client=str(names[0]), origin=str(names[1]))


def _settings(pages: Pages, fresh: sqlite3.Connection, root: int) -> tuple[str, ...]:
    """Keep the settings that are the node's own; the others follow from the ledger."""
    kept = []
    for at in leaves(pages, root):
        for row in rows_in(pages, at.number) if isinstance(at, Leaf) else ():
            match row.values if row else ():
                case (str(name), str(value)) if name in KEPT_SETTINGS:
                    fresh.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, value))
                    kept.append(name)
    return tuple(kept)


def _told(fresh: sqlite3.Connection, found: Found) -> TableReport:
    """What became of a table: missing numbers are lost rows where none is ever deleted."""
    table = found.shape.table
    spans: list[tuple[int, int]] = []
    [(kept,)] = _all(fresh, f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - the schema's own names
    if table in LASTING:
        before = f"SELECT rowid AS id, LAG(rowid, 1, 0) OVER (ORDER BY rowid) AS before FROM {table}"  # noqa: S608 - as above
        spans = _all(fresh, f"SELECT before + 1, id - 1 FROM ({before}) WHERE id > before + 1")  # noqa: S608 - as above
        [(highest,)] = _all(fresh, f"SELECT COALESCE(MAX(rowid), 0) FROM {table}")  # noqa: S608 - as above
        if found.highest_lost > highest:
            spans.append((highest + 1, found.highest_lost))
    return TableReport(
        table=table,
        kept=kept,
        broken=found.broken,
        lost=tuple(Span(first=first, last=last) for first, last in spans[:SPANS_MAX]),
        lost_rows=sum(last - first + 1 for first, last in spans),
        may_lack_newest=any(hole.upto == ROWID_MAX for hole in found.holes),
        gaps=0 if table in LASTING else len(found.holes),
    )


def _altered(fresh: sqlite3.Connection) -> Iterator[int]:
    """Raw messages that are not what arrived."""
    with closing(fresh.execute("SELECT id, digest, bytes FROM raw")) as rows:
        for number, digest, raw in rows:
            if hashlib.sha256(raw).hexdigest() != digest:
                yield number


def _all(connection: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    with closing(connection.execute(query, values)) as cursor:
        return cursor.fetchall()
