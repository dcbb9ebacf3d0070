"""Deadlines at a node: when ledger time has passed one, it has the contract tell what is open.

    Reminders.look(connection) -> whether there may be more to do at once

What is due follows from the state and the time alone. By ledger time it is said, sealed, for one of the two
sides; by this node's clock alone it has ledger time moved on first, by an entry that every member answers
with a checkpoint, and that again only after longer and longer pauses.
"""

import datetime
import hashlib
import sqlite3
from collections.abc import Iterator

import structlog

from canonical.encoding import canonical_bytes
from canonical.message import Reminder
from canonical.submission import Submission
from node.application import Parts, entries_archived
from node.entry import TimeEntry
from node.ledger_time import Clock, on_the_clock, stored_time
from node.outbox import queue_public, queue_submission

DAYS_BACK = 7  # trade dates whose deadlines are still told, where nobody could before
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 2.0, 600.0

log = structlog.get_logger(__name__)


class Reminders:
    """Used by the writer's thread alone. clock: this node's, as its blocks have it."""

    def __init__(self, sp: str, parts: Parts, clock: Clock) -> None:
        self._sp = sp
        self._parts = parts
        self._secrets = parts.secrets
        self._clock = clock
        self._said: list[Reminder] = []
        self._pause = PAUSE_SECONDS_MIN
        self._silent_until = 0

    def look(self, connection: sqlite3.Connection) -> bool:
        """Say what is due; whether anything was."""
        told, now = stored_time(connection), self._clock()
        due = list(self._due(connection, told)) if told else []
        new = [reminder for reminder in due if reminder not in self._said]
        self._said = due  # those are on their way
        for reminder in new:
            self._say(connection, reminder)
        if not due and told < now and any(True for _ in self._due(connection, now)):
            self._move_on(connection, now)
        else:
            self._pause, self._silent_until = PAUSE_SECONDS_MIN, 0
        return bool(new)

    def _due(self, connection: sqlite3.Connection, at: int) -> Iterator[Reminder]:
        """What is due at a time, of the relationships of which this node has all, for a side it acts for."""
        now = on_the_clock(at, self._parts.register.genesis.time_zone)
        first, position = now.date() - datetime.timedelta(days=DAYS_BACK), entries_archived(connection)
        contract = self._parts.deferral.contract(position)
        if contract is None:  # stopped, or not there: nothing is decided
            return
        for reminder in self._parts.submissions.reminders(connection, contract, position, first, now):
            broker, investor = _parties(reminder)
            if self._secrets.is_complete(broker, investor) and self._sender(broker, investor):
                yield reminder

    def _say(self, connection: sqlite3.Connection, reminder: Reminder) -> None:
        broker, investor = _parties(reminder)
        sender = self._sender(broker, investor)
        assert sender is not None, "it is not due where this node speaks for nobody"
        source = hashlib.sha256(canonical_bytes(reminder)).hexdigest()
        submission = Submission(sender=sender, source=source, messages=(reminder,))
        queue_submission(connection, canonical_bytes(submission), sender, broker, investor)
        log.info("a deadline has passed", trade_date=str(reminder.trade_date), at=str(reminder.deadline))

    def _sender(self, broker: str, investor: str) -> str | None:
        return next((lei for lei in (broker, investor) if self._secrets.speaks_for(lei)), None)

    def _move_on(self, connection: sqlite3.Connection, now: int) -> None:
        """Have ledger time moved on: where most clocks are behind this one, not at every look."""
        if now < self._silent_until:
            return
        queue_public(connection, TimeEntry())
        self._silent_until = now + int(self._pause * 1_000_000)
        self._pause = min(2 * self._pause, PAUSE_SECONDS_MAX)


def _parties(reminder: Reminder) -> tuple[str, str]:
    broker, investor = reminder.broker.lei, reminder.investor.lei
    assert broker is not None, "the contract names both sides by LEI"
    assert investor is not None, "the contract names both sides by LEI"
    return broker, investor
