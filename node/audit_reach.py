"""How far a replay can be compared with a store, relationship by relationship: never more is claimed.

A node reads a relationship with all its secrets. Where the keys of an audit do not open them all, or a day
of it was destroyed since, what follows depends on what cannot be read any more: what is equal there is right,
and what differs says nothing.
"""

import datetime
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from node.audit_grants import Granted
from node.audit_keys import AuditKeys
from node.audit_report import RelationshipAudit
from node.audit_tables import Pair, Table
from node.register import Register
from node.secrets import DaySecrets, Relationship
from node.store import each

_NOTHING = 0


@dataclass(slots=True)
class Reach:
    """limit: the size up to which the replay must equal the store; None where all must. reason: why not all.

    differing: how many rows differ beyond it, which says nothing.
    """

    limit: int | None = None
    reason: str = ""
    differing: Counter[str] = field(default_factory=Counter)


class Reaches:
    """Of all relationships that the store or the replay knows of."""

    def __init__(
        self,
        stored: sqlite3.Connection,
        own: sqlite3.Connection,
        keys: AuditKeys,
        register: Register,
        secrets: DaySecrets,
        granted: dict[Relationship, Granted],
    ) -> None:
        self._stored = stored
        self._own = own
        self._keys = keys
        self._register = register
        self._secrets = secrets
        self._granted = granted
        self._of: dict[Relationship, Reach] = {}
        theirs, ours = _chains(stored), _chains(own)
        halted = _halted(stored, own)
        for relationship in sorted({*theirs, *ours, *granted}):
            reach = self._reach(relationship, theirs.get(relationship), ours.get(relationship))
            if halted.limit is not None and (reach.limit is None or halted.limit < reach.limit):
                reach = Reach(halted.limit, halted.reason)
            self._of[relationship] = reach
        self.unknown: Counter[str] = Counter()

    def must_be_equal(self, table: Table, pair: Pair) -> bool:
        """Whether a difference means that something is wrong; where it does not, it is counted."""
        position = pair.row.get("position")
        relationship = self._relationship(table, pair)
        if relationship is None:
            limits = [reach.limit for reach in self._of.values() if reach.limit is not None]
            beyond = min(limits, default=None) if self._keys.is_own else (_NOTHING if limits else None)
            counter = self.unknown
        else:
            reach = self._of.setdefault(relationship, Reach())
            beyond, counter = reach.limit, reach.differing
        if beyond is None or (position is not None and position < beyond):
            return True
        counter[table.many] += 1
        return False

    def can_judge(self, key_id: bytes, position: int) -> bool:
        """Whether what the replay gives at a position is what it must be."""
        secret = self._secrets.by_id(key_id)
        reach = self._of.get((secret.broker, secret.investor)) if secret is not None else None
        return reach is None or reach.limit is None or position < reach.limit

    def told(self) -> list[RelationshipAudit]:
        """How far the contract was replayed for each."""
        return [
            RelationshipAudit(
                broker=broker,
                investor=investor,
                replayed="not" if reach.limit == _NOTHING else "in part" if _matters(reach) else "whole",
                reason=_reason(reach) if _matters(reach) else "",
            )
            for (broker, investor), reach in self._of.items()
        ]

    def _reach(self, relationship: Relationship, theirs: Any, ours: Any) -> Reach:
        destroyed = [day for lei in relationship for day in self._register.shredded.get(lei, ())]
        if not self._keys.is_own:
            if theirs is None or not theirs[1]:
                return Reach(_NOTHING, "this store does not read it from its beginning")
            if reason := self._missing(relationship, ours):
                return Reach(_NOTHING, reason)
        if destroyed and (first := self._first_key(min(destroyed))) is not None:
            days = ", ".join(sorted({day.isoformat() for day in destroyed}))
            return Reach(first, f"{days} of it was destroyed")
        if not self._keys.is_own and (unknown := self._unknown_rules(relationship)) is not None:
            return unknown
        if not self._keys.is_own and ours[0] != theirs[0]:
            return self._granted_upto(ours[0])
        return Reach()

    def _unknown_rules(self, relationship: Relationship) -> Reach | None:
        """Up to where the rules are known; None where all are."""
        for position, act in self._register.agreed.versions(*relationship):
            if not self._register.agreed.is_known(act):
                return Reach(position, f"its rules, version {act.version}, were not granted")
        return None

    def _missing(self, relationship: Relationship, ours: Any) -> str:
        """Why these keys do not open a relationship from its first secret on; empty where they do."""
        if ours is not None and ours[1]:
            return ""
        granted = self._granted.get(relationship)
        if granted is None or not granted.beyond:
            return "these keys do not open it from its beginning"
        day = self._day_of(granted.beyond[0].previous)
        return f"its secret of {day} was not granted, and so not all from the first on"

    def _granted_upto(self, last: bytes) -> Reach:
        secret = self._secrets.by_id(last)
        query = (
            "SELECT MIN(position) FROM temp.key_entry WHERE key_id NOT IN (SELECT key_id FROM day_key)"
            " AND position > (SELECT position FROM temp.key_entry WHERE key_id = ?)"
        )
        (limit,) = self._own.execute(query, (last,)).fetchone()
        upto = f"of {secret.day}" if secret is not None else "that these keys open"
        return Reach(limit or _NOTHING, f"these keys open its secrets up to that {upto}")

    def _first_key(self, day: datetime.date) -> int | None:
        """The position of the first secret of a day or a later one, whoever's; None where there is none."""
        query = "SELECT MIN(position) FROM temp.key_entry WHERE day >= ?"
        (found,) = self._own.execute(query, (day.isoformat(),)).fetchone()
        return int(found) if found is not None else None

    def _day_of(self, key_id: bytes) -> str:
        rows = each(self._own, "SELECT day FROM temp.key_entry WHERE key_id = ?", key_id)
        return str(rows[0][0]) if rows else "an unknown day"

    def _relationship(self, table: Table, pair: Pair) -> Relationship | None:
        row = pair.row
        if table.name == "state":
            return self._of_record(row)
        if "broker" in row:
            return row["broker"], row["investor"]
        key_id = row.get("key_id") or self._key_at(row.get("position"))
        secret = self._secrets.by_id(key_id) if key_id is not None else None
        return (secret.broker, secret.investor) if secret is not None else None

    def _key_at(self, position: int | None) -> bytes | None:
        """The secret under which something was said at a position, by either store."""
        for connection in (self._own, self._stored):
            for table in ("decided", "said"):
                query = f"SELECT key_id FROM {table} WHERE position = ?"  # noqa: S608 - our own words
                for (key_id,) in each(connection, query, position):
                    return bytes(key_id)
        return None

    def _of_record(self, row: dict[str, Any]) -> Relationship | None:
        """The relationship of a record: in its key, in its half, or in what it names."""
        kind, _, rest = row["key"].partition("/")
        if kind == "half":
            for connection in (self._own, self._stored):
                query = "SELECT value FROM state WHERE key = ?"
                for (value,) in each(connection, query, f"half/{rest.partition('/')[0]}"):
                    if found := _parties(value):
                        return found
            return None
        if kind == "open":  # by trade date first
            rest = rest.partition("/")[2]
        broker, slash, others = rest.partition("/")
        return (broker, others.partition("/")[0]) if slash else None


def _halted(stored: sqlite3.Connection, own: sqlite3.Connection) -> Reach:
    """Up to where both sides had the contracts that were chosen, and contracts were not stopped."""
    reasons = (
        (
            stored,
            "this store's node decided nothing from there on: it lacked the contract, or all were stopped",
        ),
        (own, "from there on this program lacks the contract that was chosen, or all were stopped"),
    )
    found = [
        (connection.execute("SELECT MIN(position) FROM deferred").fetchone()[0], why)
        for connection, why in reasons
    ]
    return min(
        (Reach(at, why) for at, why in found if at is not None),
        key=lambda one: one.limit or 0,
        default=Reach(),
    )


def _parties(value: str) -> Relationship | None:
    try:
        half = json.loads(value)
    except ValueError:
        return None
    found = (half.get("broker"), half.get("investor")) if isinstance(half, dict) else (None, None)
    return (str(found[0]), str(found[1])) if None not in found else None


def _matters(reach: Reach) -> bool:
    return reach.limit == _NOTHING or bool(reach.differing)


def _reason(reach: Reach) -> str:
    if reach.limit == _NOTHING:
        return reach.reason
    counts = ", ".join(f"{count} {what}" for what, count in sorted(reach.differing.items()))
    return f"{reach.reason}: from position {reach.limit} on, {counts} differ, which says nothing"


def _chains(connection: sqlite3.Connection) -> dict[Relationship, tuple[bytes, bool]]:
    rows = each(connection, "SELECT broker, investor, last, complete FROM chain")
    return {(broker, investor): (last, bool(complete)) for broker, investor, last, complete in rows}
