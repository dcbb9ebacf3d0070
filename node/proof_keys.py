"""Whose keys a reader of a proof knows: the founders', those by votes on the ledger, those he was told.

The network file names the founders' keys; its id is what the reader has to compare with what he was told.
Members that joined, left or changed keys since are those that the votes in the proof make so: each vote is in
a block signed by a member of its moment. That no vote is left out an outsider cannot see; leaving some out
gains nothing without the keys of more than half of the members of some moment. A reader who knows better
names keys himself (vkeys, node.note): they stand instead of what network file and votes say of those SPs.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from node.act import (
    ActInvalidError,
    AdmitMember,
    RemoveMember,
    ReplaceMemberKey,
    SetQuorum,
    Withdraw,
    decode_act,
)
from node.block import SP_NAME, Block, BlockInvalidError, open_block
from node.checkpoint import network_origin
from node.entry import ActEntry, EntryInvalidError, decode_entry
from node.keys import signing_public_key
from node.network import Network
from node.note import SignatureKind, VerifierKey
from node.proof import ProofFault, ProofInvalidError
from node.register import ActRefusedError, Register

MembershipAct = AdmitMember | RemoveMember | ReplaceMemberKey | SetQuorum | Withdraw
"""What decides who is a member: votes on it, on how many must vote so, and what takes a vote back."""
_ANY_DAY = datetime.date.min  # it does not matter to a vote


class StrangeKeyError(ValueError):
    """A key that the reader gave cannot be one of a member of this network; the text says why."""


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Public keys by SP, 32 bytes each. current: of the members. ever: with those that members once had."""

    current: Mapping[str, frozenset[bytes]]
    ever: Mapping[str, frozenset[bytes]]


def known_keys(network: Network, acts: Iterable[bytes], vkeys: Sequence[VerifierKey] = ()) -> KnownKeys:
    """The keys after the votes in `acts`, whole blocks in the order of the ledger, and as the reader says.

    Raises ProofInvalidError where a block is not by a member of its moment, StrangeKeyError for a vkey that
    is not of this network.
    """
    told = _told(network, vkeys)
    register = Register(network)
    for number, raw in enumerate(acts):
        _vote(register, number, raw)
    current = {sp: frozenset({key.public_bytes_raw()}) for sp, key in register.signing_keys.items()}
    ever = {sp: _raw(register.past_keys(sp)) for sp in current}
    return KnownKeys({**current, **told}, {**ever, **told})


def _told(network: Network, vkeys: Sequence[VerifierKey]) -> dict[str, frozenset[bytes]]:
    """The keys that the reader names, by SP."""
    prefix = network_origin(network.name, network.id) + "/"
    told: dict[str, frozenset[bytes]] = {}
    for key in vkeys:
        sp = key.name.removeprefix(prefix)
        if not key.name.startswith(prefix) or not SP_NAME.fullmatch(sp):
            raise StrangeKeyError(f"{key.name} is not a member of this network: their names are {prefix}<sp>")
        if key.kind is not SignatureKind.COSIGNATURE:
            raise StrangeKeyError(f"the key of {key.name} is not for cosignatures: ask {sp} for that one")
        told[sp] = told.get(sp, frozenset()) | {key.public.public_bytes_raw()}
    return told


def _vote(register: Register, number: int, raw: bytes) -> None:
    """Count the votes in one block. What does not count on the ledger does not count here."""
    try:
        block = open_block(raw, register.signing_keys, register.id)
    except BlockInvalidError as error:
        raise ProofInvalidError(
            ProofFault.ACTS, f"block {number + 1} of those with votes: {error}"
        ) from error
    for act in _votes(block):
        try:
            register.apply(block.sp, act, number, _ANY_DAY)
        except ActRefusedError:
            continue


def _votes(block: Block) -> list[MembershipAct]:
    votes = []
    for raw in block.entries:
        try:
            entry = decode_entry(raw)
            act = decode_act(entry.act) if isinstance(entry, ActEntry) else None
        except (EntryInvalidError, ActInvalidError):
            continue
        if isinstance(act, MembershipAct):
            votes.append(act)
    return votes


def _raw(keys: Iterable[str]) -> frozenset[bytes]:
    return frozenset(signing_public_key(key).public_bytes_raw() for key in keys)
