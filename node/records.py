"""The contracts' state: records read through a cache, changes written once for all entries of a batch.

Entries that follow each other often change the same records, as the two sides of a trade do.
"""

import sqlite3
from collections.abc import Mapping

from canonical.base import Canonical
from canonical.contracts import RECORDS, is_list

RECENT_MAX = 6_000  # and as many older ones; some 3 KiB each, 60 for a hundred funds; asked for minutes later
# Of a record's text. What is longer is read anew, which is little beside what is done with so many funds.
HELD_CHARACTERS_MAX = 16_384

_PUT = (
    "INSERT INTO state VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET class = excluded.class, value = excluded.value"
)


class Records:
    """The records of one store. Used by the writer's thread alone."""

    def __init__(self) -> None:
        self._recent: dict[str, Canonical | None] = {}
        self._older: dict[str, Canonical | None] = {}
        self._changed: dict[str, Canonical | None] = {}
        self._texts: dict[str, str | None] = {}

    def get(self, connection: sqlite3.Connection, key: str) -> Canonical | None:
        """The record at `key` as it is now, None where there is none."""
        if key in self._changed:
            return self._changed[key]
        if key in self._recent:
            return self._recent[key]
        if key in self._older:
            record = self._recent[key] = self._older[key]
            return record
        row = connection.execute("SELECT class, value FROM state WHERE key = ?", (key,)).fetchone()
        record = RECORDS[row[0]].model_validate_json(row[1]) if row is not None else None
        if row is None or len(row[1]) <= HELD_CHARACTERS_MAX:
            self._recent[key] = record
            self._let_go()
        return record

    def change(self, changes: Mapping[str, Canonical | None]) -> dict[str, str | None]:
        """Records as they are from now on, None for those that are gone.

        Gives those that sides attest as they are stored. Lists change again and again before they are.
        """
        texts = {key: _text(record) for key, record in changes.items() if not is_list(key)}
        self._changed.update(changes)
        self._texts.update(texts)
        return texts

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what has changed; before the transaction ends that archives what changed it."""
        rows = [
            (key, type(record).__name__, self._texts.get(key) or _text(record))
            for key, record in self._changed.items()
            if record is not None
        ]
        gone = [(key,) for key, record in self._changed.items() if record is None]
        connection.executemany(_PUT, rows)
        connection.executemany("DELETE FROM state WHERE key = ?", gone)
        self._recent.update(self._changed)
        for key, _, text in rows:
            if text is not None and len(text) > HELD_CHARACTERS_MAX:
                del self._recent[key]
                self._older.pop(key, None)
        self._let_go()
        self._changed.clear()
        self._texts.clear()

    def _let_go(self) -> None:
        """Of the records that are held ready, those that nobody has asked for while as many others came."""
        if len(self._recent) >= RECENT_MAX:
            self._older, self._recent = self._recent, {}


def _text(record: Canonical | None) -> str | None:
    """As model_dump_json, without asking for all that it may be told: it is called very often."""
    if record is None:
        return None
    return record.__pydantic_serializer__.to_json(record, exclude_none=True).decode()
