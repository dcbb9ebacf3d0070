"""The contracts' state: records as text, changes written once for all entries of a batch.

Entries that follow each other often change the same records, as the two sides of a trade do. What has changed
is kept as the text that is stored, and made a record again for each entry that asks: many small objects that
live for some entries cost Python's search for cycles more time than reading a text does.
"""

import sqlite3
from collections.abc import Mapping

from canonical.base import Canonical
from canonical.contracts import RECORDS

_PUT = (
    "INSERT INTO state VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET class = excluded.class, value = excluded.value"
)

Stored = tuple[str, str]
"""A record's class and text."""


class Records:
    """The records of one store. Used by the writer's thread alone."""

    def __init__(self) -> None:
        self._changed: dict[str, Stored | None] = {}

    def get(self, connection: sqlite3.Connection, key: str) -> Canonical | None:
        """The record at `key` as it is now, None where there is none."""
        if key in self._changed:
            found = self._changed[key]
        else:
            found = connection.execute("SELECT class, value FROM state WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        name, text = found
        return RECORDS[name].model_validate_json(text)

    def change(self, changes: Mapping[str, Canonical | None]) -> dict[str, str | None]:
        """Records as they are from now on; None for those that are gone. Gives their texts."""
        texts: dict[str, str | None] = {}
        for key, record in changes.items():
            text = record.model_dump_json(exclude_none=True) if record is not None else None
            texts[key] = text
            self._changed[key] = (type(record).__name__, text) if text is not None else None
        return texts

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what has changed; before the transaction ends that archives what changed it."""
        rows = [(key, *stored) for key, stored in self._changed.items() if stored is not None]
        gone = [(key,) for key, stored in self._changed.items() if stored is None]
        connection.executemany(_PUT, rows)
        connection.executemany("DELETE FROM state WHERE key = ?", gone)
        self._changed.clear()
