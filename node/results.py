"""When a result holds: once a node of each side has attested the same, or one that acts for both.

    open -> final         both sides' nodes came to the same: released to clients
         -> provisional   the other side's node is away, longer than the relationship's rules have one wait
         -> disputed      a node came to something else: released to nobody, an alarm at both sides

A provisional result is confirmed, by the final one, or withdrawn when it turns out disputed. What an entry
itself is answered, that it is in order or refused, goes to its sender at once.
"""

import datetime
import sqlite3
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from canonical.answer import Finality, answers
from canonical.contracts.state import Decision
from canonical.finality import with_finality
from canonical.message import Role
from canonical.result import OUTCOME, AnyOutcome, Result
from node.alarms import raise_alarm
from node.attestation import (
    ITEMS_MAX,
    AttestationInvalidError,
    Written,
    attestation,
    decision_digest,
    read_attestation,
)
from node.day_secret import DaySecret
from node.deferral import is_deferred
from node.deliveries import Deliveries
from node.keys import NodeKeys
from node.outbox import queue_attestation
from node.register import Register
from node.secrets import DaySecrets
from node.store import each

OPEN, PROVISIONAL, FINAL, DISPUTED = "open", "provisional", "final", "disputed"


class Results:
    """Keeps what was decided, attests it, and releases it. Used by the writer's thread alone."""

    def __init__(
        self,
        *,
        sp: str,
        register: Register,
        secrets: DaySecrets,
        keys: NodeKeys,
        deliveries: Deliveries,
    ) -> None:
        self._sp = sp
        self._register = register
        self._secrets = secrets
        self._deliveries = deliveries
        self._signing = {lei: own.signing for lei, own in keys.institutions.items()}

    def decided(
        self,
        connection: sqlite3.Connection,
        position: int,
        secret: DaySecret,
        contract: str,
        decision: Decision,
        written: Written,
        *,
        late: bool,
    ) -> None:
        """Keep what a contract did at a position; answer the entry, and hold back the results.

        contract: its id. written: the decision as it is stored. late: learned from the archive, after a
        grant. What was said before this SP acted for a side, others have attested; for what was said since,
        it may be the only one of its side.
        """
        due = bool(self._keys_for(secret)) and (not late or self._acted(secret, position))
        digest = decision_digest(contract, written)
        row = (position, secret.key_id, digest, OPEN, due, contract)
        connection.execute("INSERT INTO decided VALUES (?, ?, ?, ?, ?, ?)", row)
        at_once = [outcome for outcome in decision.outcomes if not isinstance(outcome, Result)]
        self._tell(connection, secret, at_once, Finality.FINAL)
        self._judge(connection, position, secret)

    def attest(self, connection: sqlite3.Connection) -> bool:
        """Queue this node's attestations of what it has not attested yet; whether there were any."""
        rows = each(
            connection,
            "SELECT position, key_id, digest, contract FROM decided WHERE due = 1 ORDER BY position LIMIT ?",
            ITEMS_MAX,
        )
        alike: dict[tuple[bytes, str], list[tuple[int, str]]] = {}
        for position, key_id, digest, contract in rows:
            alike.setdefault((key_id, contract), []).append((position, digest))
        for (key_id, contract), items in alike.items():
            secret = self._secrets.by_id(key_id)
            keys = self._keys_for(secret) if secret is not None else {}
            if secret is not None and keys:  # its day was destroyed, or the delegation revoked meanwhile
                queue_attestation(connection, attestation(contract, items, secret, self._sp, keys), key_id)
        connection.executemany("UPDATE decided SET due = 0 WHERE position = ?", [(row[0],) for row in rows])
        return bool(rows)

    def attested(
        self, connection: sqlite3.Connection, sp: str, position: int, plaintext: bytes, secret: DaySecret
    ) -> None:
        """Take what stood sealed at `position` in a block of `sp`. Raises AttestationInvalidError."""
        said = read_attestation(plaintext, secret, sp, position, self._register)
        for item in said.items:
            self._check_subject(connection, item.position, secret)
        sides = " ".join(one.institution for one in said.signatures)
        connection.executemany(
            "INSERT INTO attested VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(item.position, sp, item.digest, said.contract, sides, position) for item in said.items],
        )
        if sp == self._sp:
            positions = [(item.position,) for item in said.items]
            connection.executemany("UPDATE decided SET due = 0 WHERE position = ?", positions)
        for item in said.items:
            self._judge(connection, item.position, secret)

    def release_provisionally(self, connection: sqlite3.Connection, position: int) -> None:
        """Release what waits for the other side at a position, marked as provisional."""
        row = connection.execute(
            "SELECT key_id FROM decided WHERE position = ? AND finality = ?", (position, OPEN)
        ).fetchone()
        secret = self._secrets.by_id(row[0]) if row is not None else None
        if secret is not None:
            self._become(connection, position, PROVISIONAL)
            self._tell(connection, secret, _results(connection, position), Finality.PROVISIONAL)

    def tell_standing(self, connection: sqlite3.Connection, lei: str, day: datetime.date) -> None:
        """Tell an institution that has turned to this SP what stands of a business day.

        It may have heard some of it through its other SP, with the same ids.
        """
        for secret in self._secrets.of_institution(lei):
            if secret.day < day:
                continue
            for outcome, finality in _standing(connection, secret.key_id):
                self._tell(connection, secret, [outcome], finality)

    def _keys_for(self, secret: DaySecret) -> dict[str, Ed25519PrivateKey]:
        """What this node signs with for the sides that it acts for now."""
        served = self._register.served_by(self._sp)
        return {
            lei: self._signing[lei]
            for lei in (secret.broker, secret.investor)
            if lei in served and lei in self._signing
        }

    def _acted(self, secret: DaySecret, position: int) -> bool:
        """Whether this SP acted for a side at a position."""
        sides = (secret.broker, secret.investor)
        return any(self._register.delegation(lei, self._sp, position) for lei in sides)

    def _check_subject(self, connection: sqlite3.Connection, position: int, secret: DaySecret) -> None:
        """An attestation speaks of entries before it that were sealed with its own secret."""
        row = connection.execute("SELECT key_id FROM said WHERE position = ?", (position,)).fetchone()
        is_known = row is not None and row[0] == secret.key_id
        if not is_known and not is_deferred(connection, position, secret.key_id):
            raise AttestationInvalidError(f"attests position {position}, which is not of its secret")

    def _judge(self, connection: sqlite3.Connection, position: int, secret: DaySecret) -> None:
        """Compare what is attested at a position with what this node came to, and act on it."""
        row = connection.execute(
            "SELECT digest, finality, contract FROM decided WHERE position = ?", (position,)
        ).fetchone()
        if row is None:
            return
        digest, finality, own = row
        said = each(
            connection, "SELECT sp, digest, contract, sides FROM attested WHERE position = ?", position
        )
        unequal = [(sp, contract) for sp, other, contract, _ in said if other != digest]
        if unequal and self._secrets.has_gaps(secret.broker, secret.investor):
            return  # a restored node that had to pass over destroyed days cannot judge what rested on them
        if unequal:
            if finality != DISPUTED:
                self._dispute(connection, position, secret, finality, own, unequal)
            return
        sides = {lei for _, _, _, names in said for lei in names.split()}
        if finality in (OPEN, PROVISIONAL) and {secret.broker, secret.investor} <= sides:
            self._become(connection, position, FINAL)
            self._tell(connection, secret, _results(connection, position), Finality.FINAL)

    def _dispute(
        self,
        connection: sqlite3.Connection,
        position: int,
        secret: DaySecret,
        finality: str,
        own: str,
        unequal: Sequence[tuple[str, str]],
    ) -> None:
        self._become(connection, position, DISPUTED)
        others = ", ".join(f"{sp} with contract {contract}" for sp, contract in unequal)
        released = "it was released as final before" if finality == FINAL else "nothing of it is released"
        text = (
            f"position {position}: {others} came to another result than this node with contract "
            f"{own}; {released}. Compare versions with the other side's operators"
        )
        raise_alarm(connection, f"disputed/{position}", text)
        if finality == PROVISIONAL:
            self._tell(connection, secret, _results(connection, position), Finality.WITHDRAWN)

    def _become(self, connection: sqlite3.Connection, position: int, finality: str) -> None:
        connection.execute("UPDATE decided SET finality = ? WHERE position = ?", (finality, position))

    def _tell(
        self,
        connection: sqlite3.Connection,
        secret: DaySecret,
        outcomes: Sequence[AnyOutcome],
        finality: Finality,
    ) -> None:
        for outcome in outcomes:
            for role, lei in ((Role.BROKER, secret.broker), (Role.INVESTOR, secret.investor)):
                if self._deliveries.serves(lei):
                    for answer in answers(outcome, role):
                        told = with_finality(answer, finality)
                        self._deliveries.queue_answer(connection, lei, told, secret.day)


def _standing(connection: sqlite3.Connection, key_id: bytes) -> list[tuple[AnyOutcome, Finality]]:
    """What entries were answered, and the results that were released, in order.

    All of them: a result tells of those funds alone whose status has changed.
    """
    rows = each(
        connection,
        "SELECT outcome, finality, kind FROM outcome JOIN decided USING (position)"
        " WHERE key_id = ? AND (kind <> 'result' OR finality IN ('final', 'provisional'))"
        " ORDER BY position, outcome.rowid",
        key_id,
    )
    return [
        (
            OUTCOME.validate_json(outcome),
            Finality.PROVISIONAL if (kind, finality) == ("result", PROVISIONAL) else Finality.FINAL,
        )
        for outcome, finality, kind in rows
    ]


def _results(connection: sqlite3.Connection, position: int) -> list[AnyOutcome]:
    rows = each(
        connection,
        "SELECT outcome FROM outcome WHERE position = ? AND kind = 'result' ORDER BY rowid",
        position,
    )
    return [OUTCOME.validate_json(row[0]) for row in rows]


def waiting_for_the_other_side(connection: sqlite3.Connection, sp: str) -> list[tuple[int, bytes]]:
    """Positions, with the key ids of their secrets, that this node has attested and not all others have."""
    return each(
        connection,
        "SELECT position, key_id FROM decided JOIN attested USING (position)"
        " WHERE finality = 'open' AND attested.sp = ? AND attested.digest = decided.digest",
        sp,
    )
