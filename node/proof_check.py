"""Whether a proof holds, and on whose word: offline, of the proof and the network file alone.

    verify(proof, network) -> Verdict, else ProofInvalidError

The reader believes no single member: more than half of those whose keys he knows (node.proof_keys) must have
signed the root. Every byte of a proof counts, also in cosignatures by keys that he does not know: those are
checked with the keys that the proof itself names, and are told, but not counted.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict

from node import cbor
from node.block import BlockInvalidError
from node.block_header import open_header
from node.checkpoint import (
    Checkpoint,
    CheckpointInvalidError,
    member_cosigned_at,
    member_key,
    network_origin,
    parse_checkpoint,
)
from node.entry import EntryInvalidError, EntryKind, UnknownEntry, decode_entry
from node.network import Network
from node.note import NoteSignature, VerifierKey
from node.proof import MemberKey, Proof, ProofFault, ProofInvalidError
from node.proof_keys import KnownKeys, known_keys
from node.tree import PathInvalidError, entry_leaf, root_of_inclusion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Told(BaseModel):
    """Base of what is told: plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cosigner(Told):
    """Who signed the root. counted: by a key that the reader knows, so that the member's word counts."""

    sp: str
    time: datetime
    counted: bool


class Verdict(Told):
    """What a proof that holds proves.

    network_id, root, digest: hexadecimal; digest: SHA-256 of the entry. kind: of the entry. block, index: its
    place in the blocks of `sp`, the index from 0. block_time: as `sp` said; None where the proof does not
    show it by a key that the reader knows. size: of the tree. needed: how many of `members` had to sign.
    """

    holds: Literal[True] = True
    network: str
    network_id: str
    position: int
    kind: str
    digest: str
    sp: str
    block: int
    index: int
    block_time: datetime | None
    size: int
    root: str
    cosigners: tuple[Cosigner, ...]
    members: tuple[str, ...]
    needed: int


class Refutation(Told):
    """That a proof does not hold, and why, for programs and for people."""

    holds: Literal[False] = False
    reason: ProofFault
    text: str


def verify(
    proof: Proof, network: Network, *, vkeys: Sequence[VerifierKey] = (), at_least: int | None = None
) -> Verdict:
    """What `proof` proves; ProofInvalidError where it does not hold. Needs nothing but its arguments.

    at_least: how many members must have signed, by default more than half of those whose keys are known.
    Raises StrangeKeyError for a vkey that is not of this network.
    """
    _check_network(proof, network)
    known = known_keys(network, proof.acts, vkeys)
    checkpoint, lines = _checkpoint(proof, network)
    used = [_key_of(checkpoint, line, proof.keys) for line in lines]
    cosigners = tuple(_cosigner(checkpoint, line, key, known) for line, key in zip(lines, used, strict=True))
    block_time, author = _author(proof, known)
    if {*used, *author} != set(proof.keys):
        raise ProofInvalidError(ProofFault.FORM, "the proof names a key by which nothing in it is signed")
    needed = len(known.current) // 2 + 1 if at_least is None else at_least
    _check_members(cosigners, known, needed)
    return Verdict(
        network=network.name,
        network_id=network.id.hex(),
        position=proof.position,
        kind=_kind(proof.entry),
        digest=hashlib.sha256(proof.entry).hexdigest(),
        sp=proof.sp,
        block=proof.number,
        index=proof.index,
        block_time=block_time,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        cosigners=cosigners,
        members=tuple(sorted(known.current)),
        needed=needed,
    )


def _check_network(proof: Proof, network: Network) -> None:
    if proof.network != network.id:
        raise ProofInvalidError(
            ProofFault.NETWORK,
            f"the proof is of the network with the id {proof.network.hex()}, the network file of that with "
            f"{network.id.hex()}: the proof was altered, or another network's file is needed",
        )


def _checkpoint(proof: Proof, network: Network) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    """The checkpoint, under whose root the entry is, and its cosignatures."""
    try:
        checkpoint, lines = parse_checkpoint(proof.checkpoint)
        leaf = entry_leaf(proof.sp, proof.number, proof.index, proof.entry)
        root = root_of_inclusion(leaf, proof.position, checkpoint.size, proof.path)
    except CheckpointInvalidError as error:
        raise ProofInvalidError(ProofFault.FORM, str(error)) from error
    except PathInvalidError as error:
        raise ProofInvalidError(
            ProofFault.ROOT, f"the proof of position {proof.position}: {error}"
        ) from error
    if checkpoint.origin != network_origin(network.name, network.id):
        raise ProofInvalidError(
            ProofFault.NETWORK, f"the checkpoint is of another ledger, {checkpoint.origin}, or altered"
        )
    if root != checkpoint.root:
        raise ProofInvalidError(
            ProofFault.ROOT,
            f"this entry is not at position {proof.position} under the root of the checkpoint: the entry, "
            "its place, the path or the root was altered",
        )
    return checkpoint, lines


def _key_of(checkpoint: Checkpoint, line: NoteSignature, keys: Sequence[MemberKey]) -> MemberKey:
    """The key of the proof that a cosignature names."""
    for key in keys:
        named = member_key(checkpoint.origin, key.sp, Ed25519PublicKey.from_public_bytes(key.public))
        if (named.name, named.id) == (line.name, line.key_id):
            return key
    raise ProofInvalidError(
        ProofFault.SIGNATURE, f"the proof lacks the key that the cosignature of {line.name} names"
    )


def _cosigner(checkpoint: Checkpoint, line: NoteSignature, key: MemberKey, known: KnownKeys) -> Cosigner:
    public = Ed25519PublicKey.from_public_bytes(key.public)
    try:
        time = _EPOCH + timedelta(seconds=member_cosigned_at(checkpoint, line, key.sp, public))
    except CheckpointInvalidError as error:
        raise ProofInvalidError(ProofFault.SIGNATURE, str(error)) from error
    except OverflowError as error:
        raise ProofInvalidError(
            ProofFault.SIGNATURE, f"{key.sp} cosigned at a time that no clock shows"
        ) from error
    return Cosigner(sp=key.sp, time=time, counted=key.public in known.current.get(key.sp, ()))


def _author(proof: Proof, known: KnownKeys) -> tuple[datetime | None, tuple[MemberKey, ...]]:
    """When the SP says that it made the block, and the key by which it does; nothing without a header."""
    if not proof.header:
        return None, ()
    keys = [Ed25519PublicKey.from_public_bytes(key.public) for key in proof.keys if key.sp == proof.sp]
    try:
        header, key = open_header(proof.header, keys)
        time = _EPOCH + timedelta(microseconds=header.time)
    except (BlockInvalidError, OverflowError) as error:
        raise ProofInvalidError(ProofFault.HEADER, f"the header of the entry's block: {error}") from error
    same = (header.network, header.sp, header.seq) == (proof.network, proof.sp, proof.number)
    if not same or proof.index >= header.count:
        raise ProofInvalidError(
            ProofFault.HEADER, f"the signed header is not that of block {proof.number} of {proof.sp}"
        )
    author = MemberKey(proof.sp, key.public_bytes_raw())
    return time if author.public in known.ever.get(proof.sp, ()) else None, (author,)


def _check_members(cosigners: Sequence[Cosigner], known: KnownKeys, needed: int) -> None:
    counted = sorted({each.sp for each in cosigners if each.counted})
    if len(counted) >= needed:
        return
    others = sorted({each.sp for each in cosigners} - set(counted))
    hint = f"; {listed(others)} signed with keys that are not known: name them if you know better"
    raise ProofInvalidError(
        ProofFault.MEMBERS,
        f"of those whose keys are known, {listed(counted)} signed the root, and {needed} of "
        f"{listed(sorted(known.current))} must have{hint if others else ''}",
    )


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    if len(names) < 2:  # noqa: PLR2004 - one name, or none
        return "".join(names) or "nobody"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _kind(raw: bytes) -> str:
    """What an entry is, in a word; a number where it is of a later version."""
    try:
        match decode_entry(raw), cbor.decode(raw):
            case UnknownEntry(number), _:
                return f"kind {number}"
            case _, [int(number), *_]:
                return EntryKind(number).name.lower()
    except EntryInvalidError:
        pass  # nodes pass over it, and yet it has its place
    return "unreadable"
