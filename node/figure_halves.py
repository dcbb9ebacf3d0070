"""What figures note of each side of a trade while they are counted, in temporary tables beside the store.

A half (canonical/contracts/matching/v1/records.py) is one side of a trade, and a trade is called by its
earlier half. As each is a row that need not be in memory, what counting takes does not grow with the trades.
There is nothing in them but ids, positions, counts and names of fields: the temporary files of SQLite lie
outside of the node's folder.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from canonical.contracts.matching.v1.messages import messages_key
from canonical.contracts.matching.v1.records import relationship
from canonical.message import Role
from canonical.result import TradeStatus
from node.figure_finality import Certainty
from node.figure_reading import Word
from node.figure_trade import FundName

CACHE_KIB = 16_384
_TABLES = (
    "CREATE TEMP TABLE half (half TEXT PRIMARY KEY, grp INTEGER, broker INTEGER, investor INTEGER,"
    " own INTEGER, other INTEGER, alone INTEGER, partner TEXT, status TEXT, how TEXT,"
    " agreed_at INTEGER, funds INTEGER, matched INTEGER, finality TEXT) WITHOUT ROWID",
    "CREATE TEMP TABLE amended (position INTEGER PRIMARY KEY, grp INTEGER, after INTEGER)",
    "CREATE TEMP TABLE parting (half TEXT, grp INTEGER, fund INTEGER, field TEXT)",
    "CREATE TEMP TABLE unmatched (half TEXT, grp INTEGER, fund INTEGER)",
)
_NAMES = ("half", "amended", "parting", "unmatched")
_HALF = (
    "SELECT json_extract(message.value, '$.half') FROM state, json_each(state.value, '$.messages') AS message"
    " WHERE state.key = ? AND json_extract(message.value, '$.source.kind') = ?"
)
_SPOKE = {
    Role.BROKER: "INSERT INTO half (half, grp, broker) VALUES (?, ?, ?) ON CONFLICT (half) DO UPDATE SET"
    " grp = COALESCE(excluded.grp, grp), broker = COALESCE(broker, excluded.broker)",
    Role.INVESTOR: "INSERT INTO half (half, grp, investor) VALUES (?, ?, ?) ON CONFLICT (half) DO UPDATE SET"
    " grp = COALESCE(excluded.grp, grp), investor = COALESCE(investor, excluded.investor)",
}
_STOOD = (
    "INSERT INTO half (half, grp, own, partner, status, how, agreed_at, funds, matched, finality)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (half) DO UPDATE SET grp = excluded.grp,"
    " own = excluded.own, partner = excluded.partner, status = excluded.status, how = excluded.how,"
    " agreed_at = excluded.agreed_at, funds = excluded.funds, matched = excluded.matched,"
    " finality = excluded.finality"
)
_PARTNER = (
    "INSERT INTO half (half, other) VALUES (?, ?) ON CONFLICT (half) DO UPDATE SET"
    " other = MAX(COALESCE(other, -1), excluded.other)"
)
_ALONE = (
    "INSERT INTO half (half, alone) VALUES (?, ?) ON CONFLICT (half) DO UPDATE SET"
    " alone = MAX(COALESCE(alone, -1), excluded.alone)"
)
_IS_ALONE = "COALESCE(half.alone, -1) > COALESCE(half.own, -1)"
# A half that was told as a part of another trade, and has not stood by itself since, is a trade no more.
_COUNTS = "COALESCE(MAX(COALESCE(half.own, -1), COALESCE(half.alone, -1)) > half.other, TRUE)"


class Standing(NamedTuple):
    """A trade as it stands. broker, investor: the position of each side's first message, None without one.

    finality: of its last result; final where nothing was told of it.
    """

    group: int
    status: TradeStatus
    how: str
    agreed_at: int | None
    funds: int
    matched: int
    broker: int | None
    investor: int | None
    finality: Certainty = Certainty.FINAL


class Halves:
    """The temporary tables. Groups are called by numbers. Use as a context manager."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._funds: dict[FundName, int] = {}  # how each is called in the tables

    def __enter__(self) -> "Halves":
        self._connection.execute(f"PRAGMA temp.cache_size = -{CACHE_KIB}")
        self._drop()
        for statement in _TABLES:
            self._connection.execute(statement)
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def _drop(self) -> None:
        for name in _NAMES:
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def half_of(self, broker: str, investor: str, word: Word) -> str | None:
        """The half that a message speaks of; None where the contract has forgotten it."""
        key = messages_key(relationship(broker, investor), word.author, word.reference)
        row = self._connection.execute(_HALF, (key, word.kind.value)).fetchone()
        return str(row[0]) if row is not None else None

    def spoke(self, half: str, group: int | None, author: Role, position: int) -> None:
        """A side has spoken of a half. group: None where that does not say the trade date."""
        self._connection.execute(_SPOKE[author], (half, group, position))

    def group_of(self, half: str) -> int | None:
        """Where what is said of a half belongs."""
        row = self._connection.execute("SELECT grp FROM temp.half WHERE half = ?", (half,)).fetchone()
        return row[0] if row is not None else None

    def role_of(self, half: str) -> Role | None:
        """Whose half it is: whoever spoke of it first; None where that is forgotten."""
        query = "SELECT broker, investor FROM temp.half WHERE half = ?"
        row = self._connection.execute(query, (half,)).fetchone()
        said = {role: at for role, at in zip(Role, row or (None, None), strict=True) if at is not None}
        return min(said, key=lambda role: said[role]) if said else None

    def amended(self, position: int, group: int) -> None:
        """A replacement was accepted."""
        self._connection.execute("INSERT OR REPLACE INTO temp.amended VALUES (?, ?, 0)", (position, group))

    def amended_after_match(self, position: int) -> None:
        """It was one of an agreed trade."""
        self._connection.execute("UPDATE temp.amended SET after = 1 WHERE position = ?", (position,))

    def was_partner(self, half: str, position: int) -> None:
        """A half was told as the other one of a trade."""
        self._connection.execute(_PARTNER, (half, position))

    def was_left_alone(self, half: str, position: int) -> None:
        """The earlier half of its trade was taken back, and this one stays."""
        self._connection.execute(_ALONE, (half, position))

    def stood(self, half: str, last: int, partner: str | None, standing: Standing) -> None:
        """How a trade stands by its last result. partner: its other half, if it has or had one."""
        row = (half, standing.group, last, partner, standing.status.value, standing.how, standing.agreed_at)
        counted = (standing.funds, standing.matched, standing.finality.value)
        self._connection.execute(_STOOD, (*row, *counted))

    def parts_in(self, half: str, group: int, fund: FundName, field: str) -> None:
        """The sides of a trade part in a field."""
        row = (half, group, self._number(fund), field)
        self._connection.execute("INSERT INTO temp.parting VALUES (?, ?, ?, ?)", row)

    def has_unmatched(self, half: str, group: int, fund: FundName) -> None:
        """A fund of a trade is not matched."""
        row = (half, group, self._number(fund))
        self._connection.execute("INSERT INTO temp.unmatched VALUES (?, ?, ?)", row)

    def _number(self, fund: FundName) -> int:
        return self._funds.setdefault(fund, len(self._funds))

    def standings(self) -> Iterator[Standing]:
        """All trades. A half of which nothing was told stands alone."""
        query = (
            f"SELECT half.grp, CASE WHEN {_IS_ALONE} THEN 'NMAT' ELSE half.status END, half.how,"  # noqa: S608 - our own words
            " half.agreed_at, half.funds, half.matched,"
            " MIN(COALESCE(half.broker, mate.broker), COALESCE(mate.broker, half.broker)),"
            " MIN(COALESCE(half.investor, mate.investor), COALESCE(mate.investor, half.investor)),"
            f" CASE WHEN {_IS_ALONE} THEN 'final' ELSE COALESCE(half.finality, 'final') END"
            " FROM temp.half LEFT JOIN temp.half AS mate ON mate.half = half.partner"
            f" WHERE half.grp IS NOT NULL AND {_COUNTS}"
        )
        with closing(self._connection.execute(query)) as rows:
            for group, status, how, agreed_at, funds, matched, broker, investor, finality in rows:
                now, counted = TradeStatus(status or TradeStatus.UNMATCHED), (funds or 0, matched or 0)
                spoke = (broker, investor)
                yield Standing(group, now, how or "", agreed_at, *counted, *spoke, Certainty(finality))

    def partings(self) -> Iterator[tuple[int, FundName, str, bool]]:
        """Group, fund and field of what parts at the end; whether the two still are a pair."""
        query = (
            f"SELECT parting.grp, fund, field, {_COUNTS}"  # noqa: S608 - our own words
            " FROM temp.parting JOIN temp.half USING (half)"
        )
        names = list(self._funds)
        with closing(self._connection.execute(query)) as rows:
            for group, fund, field, counts in rows:
                yield group, names[fund], field, bool(counts)

    def unmatched(self) -> Iterator[tuple[int, FundName, int]]:
        """Group and name of funds that are not matched, and in how many trades."""
        query = (
            "SELECT unmatched.grp, fund, COUNT(*) FROM temp.unmatched JOIN temp.half USING (half)"  # noqa: S608 - our own words
            f" WHERE {_COUNTS} GROUP BY unmatched.grp, fund"
        )
        names = list(self._funds)
        with closing(self._connection.execute(query)) as rows:
            for group, fund, count in rows:
                yield group, names[fund], count

    def amendments(self) -> Iterator[tuple[int, bool, int]]:
        """Group, whether after match, how many."""
        with closing(
            self._connection.execute("SELECT grp, after, COUNT(*) FROM temp.amended GROUP BY grp, after")
        ) as rows:
            for group, after, count in rows:
                yield group, bool(after), count
