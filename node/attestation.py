"""What a side's node says of its results: sealed to the parties, signed for the institutions it acts for.

    attestation(items, …) -> bytes        read_attestation(raw, …) -> Attestation

An attestation names positions of the ledger and, for each, a digest of all that the contract said and changed
there. Nodes that came to the same have the same digest.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, TypeAdapter

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.identifiers import Lei
from node.day_secret import DaySecret
from node.keys import signing_public_key
from node.network import Delegation
from node.register import Register

ITEMS_MAX = 1_000
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AttestationInvalidError(ValueError):
    """A sealed entry that is no attestation, or of somebody who may not attest; the text says why."""


class Item(Canonical):
    """One position, and the digest of what the contract did there."""

    position: Annotated[int, Field(ge=0)]
    digest: Digest


class Signature(Canonical):
    """For an institution, by the key of its delegation to the SP, base64."""

    institution: Lei
    signature: str


class Attestation(Canonical):
    """contract: the id of the code that ran. signatures: one for each side that the SP acts for."""

    contract: str
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=ITEMS_MAX)]
    signatures: Annotated[tuple[Signature, ...], Field(max_length=2)] = ()


ATTESTATION: TypeAdapter[Attestation] = TypeAdapter(Attestation)


@dataclass(frozen=True, slots=True)
class Written:
    """What a contract said and changed, as it is stored. changes: by key, None for a record that is gone.

    Records that only list others are left out (canonical.contracts.is_list).
    """

    outcomes: Sequence[bytes]
    changes: Mapping[str, str | None]


def decision_digest(contract: str, written: Written) -> str:
    """A digest of what a contract said and changed, 64 hexadecimal digits."""
    parts = list(written.outcomes)
    for key, text in sorted(written.changes.items()):
        parts += (key.encode(), (text or "").encode())
    told = [f"yakujo decision 1\n{contract}\n{len(written.outcomes)}\n".encode()]
    for part in parts:
        told += (len(part).to_bytes(8, "big"), part)
    return hashlib.sha256(b"".join(told)).hexdigest()


def attestation(
    contract: str,
    items: Iterable[tuple[int, str]],
    secret: DaySecret,
    sp: str,
    keys: Mapping[str, Ed25519PrivateKey],
) -> bytes:
    """The plaintext to be sealed with `secret`. items: positions and digests. keys: by institution."""
    said = Attestation(
        contract=contract, items=tuple(Item(position=position, digest=digest) for position, digest in items)
    )
    statement = _statement(said, secret, sp)
    signatures = tuple(
        Signature(institution=lei, signature=base64.b64encode(keys[lei].sign(statement)).decode())
        for lei in (secret.broker, secret.investor)
        if lei in keys
    )
    assert signatures, "only a node that acts for a side attests"
    return canonical_bytes(said.model_copy(update={"signatures": signatures}))


def read_attestation(
    raw: bytes, secret: DaySecret, sp: str, position: int, register: Register
) -> Attestation:
    """The attestation in `raw`, found sealed at `position` in a block of `sp`, its signatures checked."""
    try:
        found = from_canonical_bytes(ATTESTATION, raw)
    except ValueError as error:
        raise AttestationInvalidError("not an attestation in canonical form") from error
    if not found.signatures:
        raise AttestationInvalidError("an attestation is signed for at least one side")
    statement = _statement(found, secret, sp)
    for one in found.signatures:
        if one.institution not in (secret.broker, secret.investor):
            raise AttestationInvalidError("signed for an institution that is no party")
        _check(one, statement, sp, register.delegation(one.institution, sp, position))
    return found


def _check(one: Signature, statement: bytes, sp: str, delegation: Delegation | None) -> None:
    if delegation is None:
        raise AttestationInvalidError(f"{sp} attests for an institution that it does not act for")
    try:
        signature = base64.b64decode(one.signature, validate=True)
        signing_public_key(delegation.signing_key).verify(signature, statement)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise AttestationInvalidError(f"not signed by the key that {sp} has for the institution") from error


def _statement(said: Attestation, secret: DaySecret, sp: str) -> bytes:
    """What is signed: bound to network, relationship and day by the key id, and to the SP."""
    unsigned = canonical_bytes(said.model_copy(update={"signatures": ()}))
    return b"yakujo attestation 1\n" + secret.network + secret.key_id + sp.encode() + b"\n" + unsigned
