"""How far what was decided holds, as the ledger stands after an entry: by what was attested up to there.

    finality_at(connection, position) -> Finality

A decision is final once the nodes of both sides have attested it alike, disputed as soon as one has come to
another. Until then it is open, whether or not a node has told it as provisional: that is its own affair, and
no part of the ledger.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

BOTH_SIDES = 2
_ATTESTED = (
    "SELECT decided.position, decided.digest, attested.digest, attested.sides FROM decided"
    " LEFT JOIN attested ON attested.position = decided.position AND attested.at <= :position"
    " WHERE decided.position <= :position ORDER BY decided.position"
)


class Certainty(StrEnum):
    """How far a decision holds."""

    FINAL = "final"
    OPEN = "open"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Finality:
    """Positions of decisions that are not final. open: nobody contradicts; disputed: somebody does."""

    open: frozenset[int]
    disputed: frozenset[int]

    def of(self, position: int) -> Certainty:
        """Of the decision at a position."""
        if position in self.disputed:
            return Certainty.DISPUTED
        return Certainty.OPEN if position in self.open else Certainty.FINAL


def finality_at(connection: sqlite3.Connection, position: int) -> Finality:
    """Of all that was decided up to and with the entry at a position."""
    waiting, disputed = set[int](), set[int]()
    with closing(connection.execute(_ATTESTED, {"position": position})) as rows:
        for at, group in groupby(rows, key=itemgetter(0)):
            said = [(digest == own, sides) for _, own, digest, sides in group if digest is not None]
            if not all(is_alike for is_alike, _ in said):
                disputed.add(at)
            elif len({lei for _, sides in said for lei in sides.split()}) < BOTH_SIDES:
                waiting.add(at)
    return Finality(frozenset(waiting), frozenset(disputed))
