"""What one entry says, for somebody who holds no key: the key of this message alone, beside its proof.

    disclose(entry, sp, position, secret) -> Disclosure         write_disclosure, read_disclosure
    disclosed(proof, disclosure) -> Submission | Attestation

The key opens this entry and no other (node.sealing). AES-GCM does not commit to its key: whoever made an
entry could look for a second key that opens it to another text. So what is opened must be a submission or an
attestation in its one canonical form, padded by the rule: two key streams would have to agree in every byte
that the form fixes, the first thirteen to begin with, and make sense of the others.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Field, TypeAdapter

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.submission import SUBMISSION, Submission
from node.attestation import ATTESTATION, Attestation
from node.day_secret import DaySecret
from node.entry import EntryInvalidError, EntryKind, SealedEntry, decode_entry
from node.envelope import SealingError
from node.proof import Proof
from node.proof_check import Told, Verdict
from node.sealing import open_sealed

SEALED = ("sealed", "attestation")  # the kinds of entries that hide something, as a verdict names them
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DisclosureInvalidError(ValueError):
    """A disclosure that opens nothing; the text says why."""


class Disclosure(Canonical):
    """The key of one message, not for everybody; hexadecimal, as the network's id and the entry's SHA-256."""

    form: Literal["yakujo disclosure 1"] = "yakujo disclosure 1"
    network: Hash
    position: Annotated[int, Field(ge=0)]
    entry: Hash
    key: Hash = Field(repr=False)


class DisclosedVerdict(Verdict):
    """What a proof that holds proves, and what its entry says or names: as data."""

    said: dict[str, Any]


class FalseDisclosure(Told):
    """That a disclosure does not open the entry that a proof, which holds, proves; why, for people."""

    holds: Literal[False] = False
    reason: Literal["disclosure"] = "disclosure"
    text: str


DISCLOSURE: TypeAdapter[Disclosure] = TypeAdapter(Disclosure)


def disclose(raw: bytes, sp: str, position: int, secret: DaySecret) -> Disclosure:
    """The disclosure of an entry in a block of `sp`, else DisclosureInvalidError: it may hold nothing."""
    entry = _sealed(raw)
    key = secret.message_key(entry.entry_id)
    _opened(entry, sp, secret)
    return Disclosure(
        network=secret.network.hex(), position=position, entry=hashlib.sha256(raw).hexdigest(), key=key.hex()
    )


def sealed_with(raw: bytes) -> bytes:
    """The key id of the day secret that an entry is sealed with, else DisclosureInvalidError."""
    return _sealed(raw).key_id


def write_disclosure(disclosure: Disclosure) -> bytes:
    """The byte form: JSON in one line."""
    return canonical_bytes(disclosure) + b"\n"


def read_disclosure(raw: bytes) -> Disclosure:
    """The disclosure in `raw`, else DisclosureInvalidError."""
    try:
        return from_canonical_bytes(DISCLOSURE, raw.removesuffix(b"\n"))
    except ValueError as error:
        raise DisclosureInvalidError("this is no disclosure, or not any more") from error


def disclosed(proof: Proof, disclosure: Disclosure) -> Submission | Attestation:
    """What the entry says that `proof` proves. Raises DisclosureInvalidError."""
    same = (disclosure.network, disclosure.position) == (proof.network.hex(), proof.position)
    if not same or disclosure.entry != hashlib.sha256(proof.entry).hexdigest():
        raise DisclosureInvalidError(
            f"the disclosure is of position {disclosure.position}, and of another entry than the proof"
        )
    entry = _sealed(proof.entry)
    one = _OneMessage(proof.network, entry.key_id, bytes.fromhex(disclosure.key))
    return _opened(entry, proof.sp, cast(DaySecret, one))


def with_said(verdict: Verdict, said: dict[str, Any]) -> DisclosedVerdict:
    """The verdict of a proof with what its entry says."""
    return DisclosedVerdict(**verdict.model_dump(), said=said)


@dataclass(frozen=True, slots=True)
class _OneMessage:
    """What is asked of a day secret to open an entry, for one entry alone."""

    network: bytes
    key_id: bytes
    key: bytes

    def message_key(self, _: bytes) -> bytes:
        return self.key


def _sealed(raw: bytes) -> SealedEntry:
    try:
        entry = decode_entry(raw)
    except EntryInvalidError as error:
        raise DisclosureInvalidError(str(error)) from error
    if not isinstance(entry, SealedEntry):
        raise DisclosureInvalidError("the entry is public: it hides nothing that could be disclosed")
    return entry


def _opened(entry: SealedEntry, sp: str, secret: DaySecret) -> Submission | Attestation:
    try:
        plaintext = open_sealed(entry, secret, sp)
        if entry.kind is EntryKind.ATTESTATION:
            return from_canonical_bytes(ATTESTATION, plaintext)
        return from_canonical_bytes(SUBMISSION, plaintext)
    except SealingError as error:
        raise DisclosureInvalidError("the key in it does not open the entry: it was altered") from error
    except ValueError as error:
        raise DisclosureInvalidError(
            "the entry holds nothing in canonical form: nodes passed over it"
        ) from error
