"""The proof of an entry, made of a node's store: that it stands on the ledger, for somebody who has no node.

    prove(connection, network, position) -> Proven

A proof needs a root that more than half of the members have signed and that the entry is under. Of those, the
smallest is taken that the most of them have signed: all, where there is one. Each proof is checked, as its
reader will check it, before anybody gets it.
"""

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from node import cbor
from node.act_records import stored_register
from node.block import archived_block
from node.block_header import signed_header
from node.checkpoint import merge_checkpoints, parse_checkpoint
from node.entry import CheckpointEntry, decode_entry
from node.keys import signing_public_key
from node.network import Network
from node.note import NoteInvalidError
from node.proof import Proof, ProofFault, ProofInvalidError
from node.proof_check import Verdict, verify
from node.proof_making import with_keys
from node.register import Register
from node.store import StoreError, each
from node.tracing import NotFoundError
from node.tree_tiles import TreeDamagedError, inclusion_path

SIZES_MAX = 1_000  # how many checkpoints behind an entry are looked at: some minutes of traffic
TRIED_MAX = 5

_HOLDING = "SELECT first, block FROM archive WHERE first <= ? AND entries > 0 ORDER BY first DESC LIMIT 1"
_SIZES = (
    "SELECT size, json_group_array(DISTINCT sp) FROM checkpoint WHERE agrees = 1 AND size > ?"
    " GROUP BY size ORDER BY size LIMIT ?"
)
_VOTES = (
    "SELECT position FROM act WHERE fault IS NULL AND position < ? AND json_extract(act, '$.act')"
    " IN ('admit_member', 'remove_member', 'replace_member_key',"
    " 'set_quorum', 'withdraw') ORDER BY position"
)


class NotCoveredError(NotFoundError):
    """There is no root yet that enough members have signed and that the entry is under."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"position {position} is not yet under a root that more than half of the members have signed: "
            "try again in a second"
        )


class Proven(NamedTuple):
    """A proof, and what it proves."""

    proof: Proof
    verdict: Verdict


class Stored(NamedTuple):
    """An entry as the archive has it, and the whole block that holds it. place: in the block, from 0."""

    entry: bytes
    place: int
    block: bytes


def prove(connection: sqlite3.Connection, network: Network, position: int) -> Proven:
    """The proof of the entry at a position.

    Raises NotFoundError where there is none, NotCoveredError, and StoreError where the store does not hold
    together.
    """
    register = stored_register(connection, network)
    stored = stored_entry(connection, position)
    for size in _sizes(connection, register, position):
        try:
            proof = _proof(connection, register, position, stored, size)
            return Proven(proof, verify(proof, network))
        except NoteInvalidError:  # by keys that are nobody's any more
            continue
        except ProofInvalidError as error:
            if error.reason is not ProofFault.MEMBERS:
                raise _damaged(position, error) from error
        except (ValueError, TreeDamagedError) as error:
            raise _damaged(position, error) from error
    raise NotCoveredError(position)


def stored_entry(connection: sqlite3.Connection, position: int) -> Stored:
    """The entry at a position. Raises NotFoundError."""
    for first, block in each(connection, _HOLDING, position):
        entries = cbor.decode_byte_strings(block)[1:]
        if position - first < len(entries):
            return Stored(entries[position - first], position - first, block)
    raise NotFoundError(f"there is no position {position} on the ledger, as far as this node has it")


def _proof(
    connection: sqlite3.Connection, register: Register, position: int, stored: Stored, size: int
) -> Proof:
    block = archived_block(stored.block)
    note = merge_checkpoints(_notes(connection, size))
    checkpoint, lines = parse_checkpoint(note)
    signers = {line.name.removeprefix(f"{checkpoint.origin}/") for line in lines}
    bare = Proof(
        network=register.id,
        sp=block.sp,
        number=block.seq,
        index=stored.place,
        entry=stored.entry,
        header=signed_header(stored.block),
        position=position,
        path=inclusion_path(connection, position, size),
        checkpoint=note,
        keys=(),
        acts=tuple(_blocks_with_votes(connection, size)),
    )
    keys = {sp: [signing_public_key(key) for key in register.past_keys(sp)] for sp in {*signers, block.sp}}
    return with_keys(bare, keys)


def _sizes(connection: sqlite3.Connection, register: Register, position: int) -> list[int]:
    """The sizes of signed checkpoints over a position, best first: by how many members, then the smallest."""
    found: list[tuple[int, int]] = []
    for size, names in each(connection, _SIZES, position, SIZES_MAX):
        members = register.at(size).signing_keys
        missing = len(members.keys() - set(json.loads(names)))
        if missing == 0:
            return [size, *(other for _, other in sorted(found))][:TRIED_MAX]
        found.append((missing, size))
    return [size for _, size in sorted(found)][:TRIED_MAX]


def _notes(connection: sqlite3.Connection, size: int) -> Iterator[bytes]:
    """What the members have signed of a size, all in the same words."""
    query = "SELECT position FROM checkpoint WHERE size = ? AND agrees = 1 ORDER BY position"
    for (position,) in each(connection, query, size):
        entry = decode_entry(stored_entry(connection, position).entry)
        assert isinstance(entry, CheckpointEntry), "the store has noted it as one"
        yield entry.note


def _blocks_with_votes(connection: sqlite3.Connection, size: int) -> list[bytes]:
    """The blocks before a size in which members have voted on who is one, in order."""
    positions = [position for (position,) in each(connection, _VOTES, size)]
    return list(dict.fromkeys(stored_entry(connection, position).block for position in positions))


def _damaged(position: int, error: Exception) -> StoreError:
    return StoreError(
        f"this store does not prove position {position}: {error}. Look at it with `yakujo audit`"
    )
