"""A digest of a register: of all that acts can change, equal at nodes that have applied the same."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from canonical.base import Model
from canonical.encoding import canonical_bytes

if TYPE_CHECKING:
    from node.network import Network
    from node.register import Register


def register_digest(register: "Register") -> bytes:
    """32 bytes. Members sign it in checkpoints, so it never holds what a node alone knows."""
    now = register.now
    state: list[Any] = [
        [json.loads(canonical_bytes(m)) for m in now.members],
        [json.loads(canonical_bytes(i)) for i in now.institutions],
        sorted((digest, voters) for digest, (_, voters) in register.pending.items()),
        sorted(register.numbers.items()),
        sorted((lei, [day.isoformat() for day in days]) for lei, days in register.shredded.items()),
        [list(one) for one in register.contracts.all],
        sorted((sp, list(ids)) for sp, ids in register.installed.items()),
        sorted((kind, list(quorum)) for kind, quorum in register.quorums.items()),
        register.agreed.state(),
        [_digest_of(part) for part in _master_data(now)],
        sorted((at, [act.id for _, act in acts]) for at, acts in register.corrections.items()),
    ]
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"yakujo register 2\n" + text.encode()).digest()


def _master_data(now: "Network") -> tuple[tuple[Model, ...], ...]:
    return now.relationships, now.securities, now.funds, now.calendars, now.deadlines


def _digest_of(values: tuple[Model, ...]) -> str:
    return hashlib.sha256(b"\n".join(canonical_bytes(one) for one in values)).hexdigest()
