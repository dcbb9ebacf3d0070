"""What institutions say, opened and handed to the contract: at every node that can read it, the same."""

import datetime
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError

from canonical.contracts.state import Decision, Entry
from canonical.encoding import canonical_bytes
from canonical.identifiers import SHORT_CHARACTERS, short_form
from canonical.message import NODE_KINDS, Reminder
from canonical.result import AnyOutcome, Result
from canonical.submission import SUBMISSION, ReadSubmission, Submission, read_submission
from node.attestation import Written
from node.contract_versions import Contract
from node.day_secret import DaySecret
from node.deliveries import Deliveries
from node.records import Records
from node.register import Register
from node.results import Results
from node.store import each

log = structlog.get_logger(__name__)


class Submissions:
    """Runs the contract on what this node can read. Used by the writer's thread alone."""

    def __init__(self, register: Register, results: Results, deliveries: Deliveries) -> None:
        self._register = register
        self._results = results
        self._deliveries = deliveries
        self._records = Records()

    def take(
        self,
        connection: sqlite3.Connection,
        sp: str,
        position: int,
        time: datetime.datetime,
        plaintext: bytes,
        secret: DaySecret,
        *,
        contract: Contract,
        late: bool = False,
    ) -> None:
        """Take what stood sealed at `position` in a block of `sp`, for which `contract` was chosen.

        time: of the ledger there, as the network's clock shows it. late: read only now, after a grant.
        """
        read, fault = self._admitted(sp, position, plaintext, secret)
        sender = read.submission.sender if read is not None else ""
        source = read.submission.source if read is not None else ""
        text = plaintext.decode("utf-8", "backslashreplace")
        connection.execute(
            "INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?)",
            (position, sender, source, fault, text, sp, secret.key_id),
        )
        if read is None:
            log.warning("submission passed over", position=position, sp=sp, fault=fault)
            return
        submission = read.submission
        speaks = submission.messages[0].kind not in NODE_KINDS  # the institution, and not its node for it
        turned = speaks and not late and self._deliveries.spoke(connection, submission.sender, sp, position)
        if turned:
            self._results.tell_standing(connection, submission.sender, secret.day)
        calendars = self._register.at(position).calendars
        entry = Entry(position, submission, time, calendars, read.digests)
        self._decide(connection, entry, secret, contract, late=late)

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the state after a batch of entries, in the transaction that archives them."""
        self._records.write(connection)

    def reminders(
        self,
        connection: sqlite3.Connection,
        contract: Contract,
        position: int,
        first: datetime.date,
        now: datetime.datetime,
    ) -> Iterator[Reminder]:
        """What is to be said at a time, by the network's clock, about trade dates from `first` on.

        position: from which on `contract` and the rules are asked for.
        """
        view, reminding = partial(self._records.get, connection), contract.reminding
        days = each(
            connection,
            "SELECT key FROM state WHERE key >= ? AND key < ? ORDER BY key",
            reminding.days_from(first),
            reminding.days_end,
        )
        for (key,) in days:
            day, broker, investor = reminding.day_of_key(key)
            if self._register.agreed.missing(broker, investor):
                continue  # nothing of theirs can be judged here
            rules = self._register.rules_for(broker, investor, day, position)
            reminder = reminding.due(view, (day, broker, investor), rules, now)
            if reminder is not None:
                yield reminder

    def forget(self, connection: sqlite3.Connection, key_ids: Sequence[bytes], contract: Contract) -> None:
        """Have the contract forget the trades that were spoken of under these secrets."""
        view = partial(self._records.get, connection)
        halves: dict[str, None] = {}
        for key_id in key_ids:
            accepted = each(
                connection,
                "SELECT submission FROM said JOIN outcome USING (position)"
                " WHERE key_id = ? AND outcome.kind = 'receipt' ORDER BY position",
                key_id,
            )
            for (text,) in accepted:
                halves |= dict.fromkeys(contract.halves_of(view, SUBMISSION.validate_json(text)))
        self._records.change(contract.forget(view, tuple(halves)))

    def _admitted(
        self, sp: str, position: int, plaintext: bytes, secret: DaySecret
    ) -> tuple[ReadSubmission | None, str | None]:
        """The submission, or why it does not count: every node that can open it judges alike."""
        try:
            read = read_submission(plaintext)
        except (ValidationError, ValueError):
            return None, "not a submission in canonical form"
        submission = read.submission
        delegation = self._register.delegation(submission.sender, sp, position)
        if delegation is None or not delegation.is_for(secret.day):
            return None, f"{sp} may not speak for its sender"
        for message in submission.messages:
            if (message.broker.lei, message.investor.lei) != (secret.broker, secret.investor):
                return None, "sealed for another relationship than its own"
        return read, None

    def _decide(
        self,
        connection: sqlite3.Connection,
        entry: Entry,
        secret: DaySecret,
        contract: Contract,
        *,
        late: bool,
    ) -> None:
        position, submission = entry.position, entry.submission
        rules = self._register.rules_on(secret.broker, secret.investor, position)
        view = partial(self._records.get, connection)
        decision: Decision = contract.apply(view, entry, rules, contract.id)
        outcomes = [canonical_bytes(outcome) for outcome in decision.outcomes]
        written = Written(outcomes, self._records.change(decision.changes))
        _store_references(connection, position, submission, secret)
        for outcome, text in zip(decision.outcomes, outcomes, strict=True):
            _store_outcome(connection, outcome, text)
        if any(outcome.kind == "receipt" for outcome in decision.outcomes) and not late:
            self._copy(connection, submission, secret)
        self._results.decided(connection, position, secret, contract.id, decision, written, late=late)

    def _copy(self, connection: sqlite3.Connection, submission: Submission, secret: DaySecret) -> None:
        other = secret.investor if submission.sender == secret.broker else secret.broker
        if self._deliveries.serves(other):
            for message in submission.messages:
                self._deliveries.queue_copies(connection, other, message, submission.source)


def _store_references(
    connection: sqlite3.Connection, position: int, submission: Submission, secret: DaySecret
) -> None:
    other = secret.investor if submission.sender == secret.broker else secret.broker
    rows: dict[tuple[str, str], None] = {}
    for message in submission.messages:
        names = [
            message.reference,
            *(getattr(f, "reference", None) for f in getattr(message, "funds", ())),
        ]
        rows |= {(name, message.kind.value): None for name in names if name}
    connection.executemany(
        "INSERT INTO reference VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(name, position, submission.sender, kind, other, _short(name)) for name, kind in rows],
    )


def _short(reference: str) -> str | None:
    """What a format with less room calls it; None where it is shorter than that itself."""
    return short_form(reference) if len(reference) > SHORT_CHARACTERS else None


def _store_outcome(connection: sqlite3.Connection, outcome: AnyOutcome, text: bytes) -> None:
    told = (outcome.trade, outcome.status.value) if isinstance(outcome, Result) else (None, None)
    stored: list[Any] = [outcome.id, outcome.position, outcome.kind, *told]
    connection.execute("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", (*stored, text.decode()))
