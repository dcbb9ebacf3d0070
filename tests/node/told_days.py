"""Days of trades in a store, told by the contract alone: what figures are counted of, without a network.

    days = Days(path)
    days.say(BROKER, {"notice": "N1"}, at="10:00:00")
    days.report()

Every entry is a block of its own, whose ledger time is what the test says.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any

from founding import BROKER, INVESTOR, network
from trades import Replica, message, submission

from canonical.encoding import canonical_bytes
from canonical.result import AnyOutcome, Result
from canonical.rules import Rules
from canonical.submission import Submission
from node.figure_report import Asked, report
from node.figures import FiguresReport
from node.ledger_time import microseconds_of
from node.store import keep_setting, read_store
from node.store_file import SCHEMA, SCHEMA_VERSION
from node.tree_tiles import append, root

FUNDS = ("F1 20000", "F2 10000")


def noticed(name: str, **said: Any) -> list[dict[str, Any]]:
    """What a broker's allocation report says at once: the block, and each fund."""
    words = {"funds": FUNDS, "links": {"client_order": name}, **said}
    return [{"notice": f"B-{name}", **words}, {"confirmation": f"B-{name}", **words}]


def calculated(name: str, **said: Any) -> list[dict[str, Any]]:
    """An investor's own figures of the same."""
    return [{"calculation": f"A-{name}", "funds": FUNDS, "links": {"client_order": name}, **said}]


@dataclass
class Days:
    """A store that is filled. rules: of all relationships. day: of entries, where not said otherwise."""

    path: Path
    rules: Rules = field(default_factory=Rules)
    day: str = "2026-11-20"

    def __post_init__(self) -> None:
        self._contract = Replica(rules=self.rules)
        self._written = -1
        self._said: list[tuple[Submission, datetime]] = []
        with self._writing() as connection:
            connection.executescript(
                f"{SCHEMA.read_text(encoding='utf-8')} PRAGMA user_version = {SCHEMA_VERSION}"
            )

    def say(self, sender: str, *words: dict[str, Any], at: str, investor: str = INVESTOR) -> int:
        """One entry: messages in few words (tests/trades.py), said at a time in Tokyo; its position."""
        between = {"broker": BROKER, "investor": investor}
        said = submission(sender, *(message({**between, **one}) for one in words))
        return self._say(said, datetime.fromisoformat(f"{self.day}T{at}+09:00"))

    def tell_to(self, other: "Days", position: int) -> None:
        """Say to another store what was said here at a position."""
        other._say(*self._said[position])

    def _say(self, said: Submission, at: datetime) -> int:
        self._said.append((said, at))
        position = self._contract.position
        self._contract.time = at
        told = self._contract.apply(said)
        with self._writing() as connection:
            text = canonical_bytes(said).decode()
            row = (position, said.sender, said.source, None, text, "sp1", b"key")
            connection.execute("INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for outcome in told:
                _store(connection, outcome)
            self._archive(connection, position)
        return position

    @property
    def state(self) -> dict[str, Any]:
        """The contract's records."""
        return self._contract.state

    def told_last(self) -> int:
        """How many results the last entry had."""
        with self._writing() as connection:
            query = "SELECT COUNT(*) FROM outcome WHERE position = ? AND kind = 'result'"
            return int(connection.execute(query, (self._contract.position - 1,)).fetchone()[0])

    def report(self, **asked: Any) -> FiguresReport:
        """The figures of what was said."""
        self._write_state()
        with closing(read_store(self.path)) as connection:
            return report(connection, network(), Asked(**asked))

    def _archive(self, connection: sqlite3.Connection, position: int) -> None:
        time = microseconds_of(self._contract.time)
        row = (position + 1, b"", b"", "sp1", position + 1, position, 1, None, b"", time)
        connection.execute("INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        append(connection, position, [hashlib.sha256(str(position).encode()).digest()])
        keep_setting(
            connection, "head", f"{position + 1} {position + 1} {root(connection, position + 1).hex()}"
        )

    def _write_state(self) -> None:
        if self._written == self._contract.position:
            return
        self._written = self._contract.position
        with self._writing() as connection:
            connection.execute("DELETE FROM state")
            rows = (
                (key, type(record).__name__, record.model_dump_json())
                for key, record in self._contract.state.items()
            )
            connection.executemany("INSERT INTO state VALUES (?, ?, ?)", rows)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection


def _store(connection: sqlite3.Connection, outcome: AnyOutcome) -> None:
    told = (outcome.trade, outcome.status.value) if isinstance(outcome, Result) else (None, None)
    text = canonical_bytes(outcome).decode()
    row = (outcome.id, outcome.position, outcome.kind, *told, text)
    connection.execute("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", row)


def by(text: str) -> time:
    """A time of day."""
    return time.fromisoformat(text)
