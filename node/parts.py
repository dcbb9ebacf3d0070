"""Messages that are said by several native ones: each part is held in the store until all have come."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.format import Decoded
from adapters.mapping_rules import PartsRule
from node.reading import text_at
from node.store import each

PARTS_MAX = 1_000
_DIGITS_MAX = len(str(PARTS_MAX))
HELD, ANSWERED = "held", "answered"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part belongs.

    key: what all parts of a message share. number: 0 for the head. total: of the parts beside the head.
    """

    client: str
    mapping: str
    key: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Held:
    """A part in the store: message `item` of raw message `raw`, whose digest and bytes are these."""

    raw: int
    item: int
    digest: str
    bytes: bytes


def place_of(client: str, mapping: str, rule: PartsRule, decoded: Decoded) -> Place | None:
    """The place of a part; None where it does not say it, so that it can only be read alone."""
    key, own, total = (text_at(decoded, at) for at in (rule.key, rule.number, rule.total))
    if not key:
        return None
    if not _has(decoded, rule.head_lacks):
        return Place(client, mapping, key, 0, _count(total) or 0)
    number, count = _count(own), _count(total)
    if number is None or count is None or not 1 <= number <= count:
        return None
    return Place(client, mapping, key, number, count)


def hold(connection: sqlite3.Connection, place: Place, raw: int, item: int) -> tuple[Held, ...] | None:
    """Keep a part; all of them, the head first and not held any more, if it was the last one missing.

    A part that is sent again takes its place.
    """
    connection.execute(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (client, mapping, key, number)"
        " DO UPDATE SET total = excluded.total, raw = excluded.raw, item = excluded.item",
        (place.client, place.mapping, place.key, place.number, place.total, raw, item),
    )
    which = (place.client, place.mapping, place.key)
    rows = each(
        connection,
        "SELECT total, part.raw, item, digest, bytes FROM part JOIN raw ON raw.id = part.raw"
        " WHERE part.client = ? AND mapping = ? AND key = ? ORDER BY number",
        *which,
    )
    total = max(row[0] for row in rows)
    if not total or len(rows) <= total:  # the head alone does not say how many there are
        return None
    connection.execute("DELETE FROM part WHERE client = ? AND mapping = ? AND key = ?", which)
    return tuple(Held(*row[1:]) for row in rows)


def release(connection: sqlite3.Connection, state: str) -> None:
    """Give `state` to the raw messages of which nothing is held any more."""
    connection.execute(
        "UPDATE raw SET state = ? WHERE state = 'held' AND id NOT IN (SELECT raw FROM part)", (state,)
    )


def is_held(connection: sqlite3.Connection, raw: int) -> bool:
    """Whether a part of this raw message is held."""
    return connection.execute("SELECT 1 FROM part WHERE raw = ? LIMIT 1", (raw,)).fetchone() is not None


def source_of(parts: Sequence[Held]) -> str:
    """What the message that they say together is called: the same parts give the same source at every SP."""
    return hashlib.sha256("/".join(f"{part.digest}.{part.item}" for part in parts).encode()).hexdigest()


def _count(text: str) -> int | None:
    """A count of parts; None where it is none, or beyond any message."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
    return int(text) if is_number and int(text) <= PARTS_MAX else None


def _has(decoded: Decoded, at: str) -> bool:
    node: object = decoded.fields
    for name in at.split("/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node is not None
