"""What one entry does to the store: keys are learned, submissions opened and handed to the contract.

A node applies what its keys can read and passes over the rest; for what it can read it comes to the same
outcomes as every other node that can.
"""

import sqlite3
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError

from canonical.answer import answers
from canonical.contracts import CONTRACTS
from canonical.contracts.state import Decision, Entry
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.message import Role
from canonical.result import AnyOutcome, Result
from canonical.submission import SUBMISSION, Submission
from node.contract_identity import contract_id
from node.deliveries import Deliveries
from node.entry import EntryInvalidError, KeyEntry, SealedEntry, decode_entry
from node.network import Network
from node.records import Records
from node.sealing import DaySecret, SealingError, open_sealed
from node.secrets import DaySecrets
from node.store import each

CONTRACT = "matching/1"

log = structlog.get_logger(__name__)


class Application:
    """Applies entries. Used by the writer's thread alone."""

    def __init__(self, network: Network, secrets: DaySecrets, deliveries: Deliveries) -> None:
        self._network = network
        self._secrets = secrets
        self._deliveries = deliveries
        self._contract = contract_id(CONTRACT)
        self._apply = CONTRACTS[CONTRACT]
        self._records = Records()
        self._speaks_for = {member.sp: network.served_by(member.sp) for member in network.members}

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Open the day secrets that the store holds sealed. Raises SecretsUnreadableError."""
        rows = each(connection, "SELECT entry, position FROM day_key ORDER BY position")
        entries = [(decode_entry(row[0]), row[1]) for row in rows]
        self._secrets.learn_all((e, position) for e, position in entries if isinstance(e, KeyEntry))

    def apply(self, connection: sqlite3.Connection, sp: str, position: int, raw: bytes) -> None:
        """Apply the entry at `position`, which stood in a block of `sp`."""
        try:
            entry = decode_entry(raw)
            if isinstance(entry, KeyEntry):
                self._learn(connection, sp, position, entry, raw)
            elif isinstance(entry, SealedEntry) and (secret := self._secrets.to_open(entry)) is not None:
                self._open(connection, sp, position, entry, secret)
        except (EntryInvalidError, SealingError) as error:
            log.warning("entry passed over", position=position, sp=sp, reason=str(error))

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the state after a batch of entries, in the transaction that archives them."""
        self._records.write(connection)

    def _learn(
        self, connection: sqlite3.Connection, sp: str, position: int, entry: KeyEntry, raw: bytes
    ) -> None:
        if self._secrets.learn(entry, position, sp):
            connection.execute(
                "INSERT INTO day_key VALUES (?, ?, ?) ON CONFLICT (key_id) DO NOTHING",
                (entry.key_id, raw, position),
            )

    def _open(
        self, connection: sqlite3.Connection, sp: str, position: int, entry: SealedEntry, secret: DaySecret
    ) -> None:
        plaintext = open_sealed(entry, secret, sp)
        submission, fault = self._admitted(sp, plaintext, secret)
        sender = submission.sender if submission is not None else ""
        source = submission.source if submission is not None else ""
        text = plaintext.decode("utf-8", "backslashreplace")
        connection.execute("INSERT INTO said VALUES (?, ?, ?, ?, ?)", (position, sender, source, fault, text))
        if submission is None:
            log.warning("submission passed over", position=position, sp=sp, fault=fault)
            return
        self._decide(connection, position, submission, secret)

    def _admitted(self, sp: str, plaintext: bytes, secret: DaySecret) -> tuple[Submission | None, str | None]:
        """The submission, or why it does not count: every node that can open it judges alike."""
        try:
            submission = from_canonical_bytes(SUBMISSION, plaintext)
        except (ValidationError, ValueError):
            return None, "not a submission in canonical form"
        if submission.sender not in self._speaks_for[sp]:
            return None, f"{sp} may not speak for its sender"
        for message in submission.messages:
            if (message.broker.lei, message.investor.lei) != (secret.broker, secret.investor):
                return None, "sealed for another relationship than its own"
        return submission, None

    def _decide(
        self, connection: sqlite3.Connection, position: int, submission: Submission, secret: DaySecret
    ) -> None:
        rules = self._network.rules[secret.broker, secret.investor]
        entry = Entry(position, submission)
        decision: Decision = self._apply(partial(self._records.get, connection), entry, rules, self._contract)
        self._records.change(decision.changes)
        self._store_references(connection, position, submission, secret)
        for outcome in decision.outcomes:
            self._store_outcome(connection, outcome)
        accepted = decision.outcomes[0].kind == "receipt"
        if accepted:
            self._copy(connection, submission, secret)
        for outcome in decision.outcomes:
            for role, lei in ((Role.BROKER, secret.broker), (Role.INVESTOR, secret.investor)):
                if self._deliveries.serves(lei):
                    for answer in answers(outcome, role):
                        self._deliveries.queue_answer(connection, lei, answer)

    def _copy(self, connection: sqlite3.Connection, submission: Submission, secret: DaySecret) -> None:
        other = secret.investor if submission.sender == secret.broker else secret.broker
        if self._deliveries.serves(other):
            for message in submission.messages:
                self._deliveries.queue_copies(connection, other, message, submission.source)

    def _store_references(
        self, connection: sqlite3.Connection, position: int, submission: Submission, secret: DaySecret
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
            "INSERT INTO reference VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(name, position, submission.sender, kind, other) for name, kind in rows],
        )

    def _store_outcome(self, connection: sqlite3.Connection, outcome: AnyOutcome) -> None:
        told = (outcome.trade, outcome.status.value) if isinstance(outcome, Result) else (None, None)
        stored: list[Any] = [outcome.id, outcome.position, outcome.kind, *told]
        connection.execute(
            "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", (*stored, canonical_bytes(outcome).decode())
        )
