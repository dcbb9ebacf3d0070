"""A day that an institution has had destroyed: order, signatures and proofs remain, and nothing to read.

In the transaction of the act goes all that this node keeps of the day in clear, and the day's secrets; after
it, the private key that could open them again (node.duties). The contract forgets the day's trades at the
nodes of both sides alike. The other party still reads what was its own as well, until it says the same.
"""

import datetime
import sqlite3
from collections.abc import Iterable

import structlog

from node.alarms import raise_alarm
from node.contract_versions import Contract
from node.day_secret import DaySecret
from node.deferral import deferred_shreds
from node.keys import NodeKeys
from node.register import Register
from node.secrets import DaySecrets
from node.submissions import Submissions

# What is kept of a submission in clear, each table by what leads to it.
_OF_POSITIONS = ("outcome", "reference", "said")
_OF_SOURCES = ("delivery", "unwritten")

log = structlog.get_logger(__name__)


class Shredding:
    """Carries out institutions' orders. Used by the writer's thread alone."""

    def __init__(
        self, register: Register, secrets: DaySecrets, submissions: Submissions, keys: NodeKeys
    ) -> None:
        self._register = register
        self._secrets = secrets
        self._submissions = submissions
        self._own = frozenset(keys.institutions)

    def take(self, connection: sqlite3.Connection, lei: str, day: datetime.date, contract: Contract) -> None:
        """Forget an institution's day, as far as this node knows it. contract: of where it was ordered."""
        of_the_day = [one for one in self._secrets.of_institution(lei) if one.day == day]
        self._submissions.forget(connection, [one.key_id for one in of_the_day], contract)
        waiting = deferred_shreds(connection)  # said later than this: they count when their turn comes
        gone = [one for one in of_the_day if self._is_for_nobody_here(one, waiting)]
        for secret in gone:
            if self._secrets.opens_without_day_key(connection, secret.key_id):
                text = (
                    f"a secret of {day} was sealed to a long-lived key of this node, as its key of that day "
                    "was not announced in time: it can be read until that key is replaced, see `yakujo keys`"
                )
                raise_alarm(connection, f"not destroyed/{day}", text)
        _purge(connection, [one.key_id for one in gone])
        self._secrets.forget(connection, gone)
        log.info("a day is destroyed", day=day.isoformat(), secrets=len(gone))

    def _is_for_nobody_here(self, secret: DaySecret, waiting: frozenset[tuple[str, datetime.date]]) -> bool:
        """Whether every party that this node acts for has had the day destroyed."""
        parties = {secret.broker, secret.investor} & self._own
        return all(
            secret.day in self._register.shredded.get(lei, ()) and (lei, secret.day) not in waiting
            for lei in parties
        )


def _purge(connection: sqlite3.Connection, key_ids: Iterable[bytes]) -> None:
    """Overwrite what the store has of submissions under these secrets, and of what clients sent and heard."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS gone (position INTEGER, source TEXT)")
    for key_id in key_ids:
        connection.execute("INSERT INTO gone SELECT position, source FROM said WHERE key_id = ?", (key_id,))
    for table in _OF_POSITIONS:
        connection.execute(f"DELETE FROM {table} WHERE position IN (SELECT position FROM gone)")  # noqa: S608 - our own words
    for table in _OF_SOURCES:
        connection.execute(f"DELETE FROM {table} WHERE source IN (SELECT source FROM gone)")  # noqa: S608 - our own words
    of_submissions = "SELECT raw FROM submission WHERE source IN (SELECT source FROM gone)"
    connection.execute(f"CREATE TEMP TABLE gone_raw AS {of_submissions}")
    connection.execute("DELETE FROM submission WHERE source IN (SELECT source FROM gone)")
    connection.execute(
        "DELETE FROM raw WHERE id IN (SELECT raw FROM gone_raw)"
        " AND id NOT IN (SELECT raw FROM submission) AND id NOT IN (SELECT raw FROM part)"
    )
    connection.execute("DROP TABLE gone_raw")
    connection.execute("DROP TABLE gone")
