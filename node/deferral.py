"""What waits: submissions whose contract this node lacks, or that came while contracts were stopped.

Everything else goes on: blocks are archived and checked, acts taken, secrets learned, checkpoints signed. Of
what others attest, this node takes notice at once and compares it when it has decided itself. A day that an
institution has destroyed stays until what waits before it is decided, so that all nodes forget it at the same
place. Nothing after the first that waits is decided, as each decision rests on those before it.
"""

import datetime
import sqlite3
from collections.abc import Collection, Iterator
from typing import NamedTuple

from node.act_votes import ActivateContract
from node.act_words import short_contract
from node.alarms import clear_alarm, raise_alarm
from node.contract_history import ContractHistory
from node.contract_versions import Contract, Versions
from node.proposals import Proposals
from node.store import each

MISSING, STOPPED = "contract/missing", "contract/stopped"


class Waiting(NamedTuple):
    """Something that waits. key_id: of a submission; None where a day is to be forgotten.

    late: a submission that was read only after a grant. institution, day: of what is to be forgotten.
    """

    position: int
    key_id: bytes | None
    late: bool
    institution: str | None
    day: datetime.date | None


class Deferral:
    """Keeps what waits. Used by the writer's thread alone."""

    def __init__(self, history: ContractHistory, versions: Versions) -> None:
        self._history = history
        self.versions = versions
        self._count = 0
        self._told: tuple[str | None, bool] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether anything waits."""
        return self._count > 0

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Take up where the store is."""
        (self._count,) = connection.execute("SELECT COUNT(*) FROM deferred").fetchone()

    def contract(self, position: int) -> Contract | None:
        """What judges the entry at a position now; None where it has to wait."""
        return None if self.is_waiting else self.versions.at(position)

    def defer(self, connection: sqlite3.Connection, position: int, key_id: bytes, *, late: bool) -> None:
        """Have a submission wait."""
        self._keep(connection, Waiting(position, key_id, late, institution=None, day=None))

    def defer_shred(
        self, connection: sqlite3.Connection, position: int, lei: str, day: datetime.date
    ) -> None:
        """Have a day wait to be forgotten."""
        self._keep(connection, Waiting(position, None, late=False, institution=lei, day=day))

    def ready(self, connection: sqlite3.Connection, count: int) -> Iterator[tuple[Waiting, Contract]]:
        """What need not wait any more, in order, up to so many; each is given once."""
        rows = each(connection, "SELECT * FROM deferred ORDER BY position LIMIT ?", count)
        for position, key_id, late, institution, day in rows:
            contract = self.versions.at(position)
            if contract is None:
                return
            connection.execute("DELETE FROM deferred WHERE position = ?", (position,))
            self._count -= 1
            on = datetime.date.fromisoformat(day) if day is not None else None
            yield Waiting(position, key_id, bool(late), institution, on), contract

    def watch(self, connection: sqlite3.Connection, size: int) -> None:
        """Raise an alarm, once, where the next entry could not be decided; clear it where it could."""
        chosen = self._history.at(size)
        lacking = chosen.contract is not None and self.versions.at(size) is None
        found = (chosen.contract, lacking or self.is_waiting)
        if found == self._told:
            return
        self._told = found
        if chosen.contract is None:
            raise_alarm(connection, STOPPED, stopped_text(chosen.since))
        else:
            clear_alarm(connection, STOPPED)
        first = _first(connection)
        missing = chosen if lacking else self._history.at(first) if first is not None else None
        if missing is not None and missing.contract is not None:
            raise_alarm(connection, MISSING, missing_text(missing.contract, missing.since))
        else:
            clear_alarm(connection, MISSING)

    def _keep(self, connection: sqlite3.Connection, one: Waiting) -> None:
        day = one.day.isoformat() if one.day is not None else None
        cursor = connection.execute(
            "INSERT INTO deferred VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (one.position, one.key_id, one.late, one.institution, day),
        )
        self._count += cursor.rowcount


def is_deferred(connection: sqlite3.Connection, position: int, key_id: bytes) -> bool:
    """Whether a submission under this secret waits at a position."""
    row = connection.execute("SELECT key_id FROM deferred WHERE position = ?", (position,)).fetchone()
    return row is not None and row[0] == key_id


def deferred_shreds(connection: sqlite3.Connection) -> frozenset[tuple[str, datetime.date]]:
    """The days of institutions that wait to be forgotten."""
    query = "SELECT institution, day FROM deferred WHERE institution IS NOT NULL"
    return frozenset((lei, datetime.date.fromisoformat(day)) for lei, day in each(connection, query))


def lacking_soon(history: ContractHistory, ids: Collection[str], size: int) -> Iterator[str]:
    """What a person is told of contracts that were chosen for later, and are not among `ids`."""
    for chosen in history.all:
        if chosen.since > size and chosen.contract is not None and chosen.contract not in ids:
            name = short_contract(chosen.contract)
            yield (
                f"contract {name} judges entries from position {chosen.since} on, {chosen.since - size} from"
                " now, and this release does not have it: install the one that has, else nothing is decided"
                " from there on"
            )


def lacking_if_decided(proposals: Proposals, ids: Collection[str]) -> Iterator[str]:
    """What a person is told of contracts that members vote on, and that are not among `ids`."""
    for proposal in proposals.open:
        if isinstance(proposal.act, ActivateContract) and proposal.act.contract not in ids:
            yield (
                f"members vote on contract {short_contract(proposal.act.contract)}, {len(proposal.said)} of"
                f" {proposal.needed} votes are there, and this release does not have it: install the one that"
                " has before it is decided, else nothing is decided here from then on"
            )


def missing_text(contract: str, since: int) -> str:
    """What a person is told of a contract that this node lacks."""
    return (
        f"this release lacks the contract {short_contract(contract)}, which judges entries from position"
        f" {since} on: nothing is decided here from there on, and clients are not answered; what they send is"
        f" kept. Install a release that has it and start it: what waits is decided then, in order. `yakujo"
        f" decisions` shows which members have it; its whole id is {contract}"
    )


def stopped_text(since: int) -> str:
    """What a person is told of contracts that are stopped."""
    return (
        f"the members have stopped contracts: from position {since} on nothing is decided anywhere, until"
        " they activate one: see `yakujo decisions`"
    )


def _first(connection: sqlite3.Connection) -> int | None:
    (found,) = connection.execute("SELECT MIN(position) FROM deferred").fetchone()
    return int(found) if found is not None else None
