"""Two stores' tables, compared row by row: the one that is audited, and the one that its archive gives.

Both are read in the order of their keys, so that neither has to fit into memory.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Table:
    """A table and how it is compared.

    row: one in words, from its columns. many: several in words. leave_out: columns that depend on more than
    the archive. later: columns that later entries change. instead: an expression in the place of a column.
    where: which rows are compared; within: which of them where the archive could be followed up to :size
    alone, None where it is none then.
    """

    name: str
    row: str
    many: str
    leave_out: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    instead: Mapping[str, str] = field(default_factory=dict)
    where: str = "TRUE"
    within: str | None = None


class Pair(NamedTuple):
    """A row of both stores, by column; None where one of them does not have it."""

    stored: dict[str, Any] | None
    own: dict[str, Any] | None

    @property
    def row(self) -> dict[str, Any]:
        """The row, from where there is one."""
        found = self.own if self.own is not None else self.stored
        assert found is not None, "one of them has it"
        return found

    def difference(self) -> str:
        """How the two differ, in words; empty where they do not."""
        if self.stored is None:
            return "it is missing from the store"
        if self.own is None:
            return "it is in the store, and nothing on the ledger gives it"
        differing = [name for name, value in self.own.items() if self.stored[name] != value]
        return f"its {' and '.join(differing)} in the store is not what the ledger gives" if differing else ""


_BELOW = "position < :size"
_FINALITY = {"finality": "CASE finality WHEN 'provisional' THEN 'open' ELSE finality END"}

# What everybody can compute.
PUBLIC = (
    Table(
        "tile",
        "tile {number} of level {level}",
        "tiles of the tree",
        within="(number + 1) << (8 * (level + 1)) <= :size",
    ),
    Table("checkpoint", "the checkpoint of {sp}", "checkpoints", within=_BELOW),
    Table("act", "the act of {sp}", "acts", within=_BELOW),
    Table("announced", "a key announced by {sp} for {day}", "announced keys"),
    Table(
        "setting",
        "the store's {name}",
        "numbers",
        where="name IN ('head', 'traffic') OR name LIKE 'seq/%' OR name LIKE 'time/%'",
    ),
)

# What a node has learned of its keys: for its own keys to compare. A wait that has ended, an attestation that
# was queued, are no work of the ledger's.
LEARNED = (
    Table("chain", "the chain of secrets of {broker} and {investor}", "chains of secrets"),
    Table("day_key", "a day secret", "day secrets", within=_BELOW),
    Table("document", "a document", "documents", within=_BELOW),
    Table("spoke", "the SP that {institution} spoke through last", "institutions that spoke"),
)

# What its secrets let a node read, and what the contract made of it.
READ = (
    Table("said", "the submission", "submissions", within=_BELOW),
    Table("reference", "a reference in the submission", "references", within=_BELOW),
    Table(
        "decided",
        "the decision",
        "decisions",
        leave_out=frozenset({"due"}),
        later=frozenset({"finality"}),
        instead=_FINALITY,
        within=_BELOW,
    ),
    Table("outcome", "the {kind} {id}", "outcomes", within=_BELOW),
    Table("attested", "what {sp} attested", "attestations"),
    Table("state", "the record {key}", "records of the contract"),
)


def differences(
    stored: sqlite3.Connection, own: sqlite3.Connection, table: Table, size: int | None, equal: Counter[str]
) -> Iterator[Pair]:
    """The rows in which two stores differ. size: see Table.within. equal: counts those that are the same."""
    if size is not None and table.within is None:
        return
    names, keys = _columns(own, table, has_limit=size is not None)
    shown = ", ".join(f"{table.instead.get(name, name)} AS {name}" for name in names)
    where = table.where if size is None else f"({table.where}) AND {table.within}"
    query = f"SELECT {shown} FROM {table.name} WHERE {where} ORDER BY {', '.join(keys)}"  # noqa: S608 - our own words
    places = [names.index(key) for key in keys]
    values = {} if size is None else {"size": size}
    with closing(stored.execute(query, values)) as left, closing(own.execute(query, values)) as right:
        for one, other in _merged(left, right, places):
            if one == other:
                equal[table.many] += 1
            else:
                yield Pair(_named(names, one), _named(names, other))


def _merged(
    left: sqlite3.Cursor, right: sqlite3.Cursor, places: list[int]
) -> Iterator[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    one, other = left.fetchone(), right.fetchone()
    while one is not None or other is not None:
        key = tuple(one[i] for i in places) if one is not None else None
        key_of_other = tuple(other[i] for i in places) if other is not None else None
        if key == key_of_other:
            yield one, other
            one, other = left.fetchone(), right.fetchone()
        elif key_of_other is None or (key is not None and _bytes(key) < _bytes(key_of_other)):
            yield one, None
            one = left.fetchone()
        else:
            yield None, other
            other = right.fetchone()


def _columns(connection: sqlite3.Connection, table: Table, *, has_limit: bool) -> tuple[list[str], list[str]]:
    """The columns that are compared, and those of the key in its order."""
    left_out = table.leave_out | table.later if has_limit else table.leave_out
    rows = connection.execute(f"PRAGMA table_info({table.name})").fetchall()
    keys = [name for place, name in sorted((row[5], row[1]) for row in rows) if place]
    return [row[1] for row in rows if row[1] not in left_out], keys


def _bytes(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """A key as SQLite orders it: text by its bytes."""
    return tuple(part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in key)


def _named(names: list[str], row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    return dict(zip(names, row, strict=True)) if row is not None else None
