"""The proof of an entry, as a file: that it stands on the ledger, checked by anybody, offline, for ever.

    write_proof(proof) -> bytes                 read_proof(raw) -> Proof
    node.proof_check.verify(proof, network) says whether it holds and for whom

The form is that of C2SP tlog-proof: a line that names the form, `extra`, the position, the hashes of the path
from the leaf up, an empty line, and the checkpoint with its cosignatures. `extra` is deterministic CBOR:

    [1, network id, SP, block number, index in the block, entry, header, [[SP, public key] …], [block …]]

It holds what the leaf is made of, the block's signed header, which tells the time, the keys that header and
cosignatures are to be checked with, and the blocks by whose votes the members came to be others than the
founders. A proof has one byte form, and each byte of it is bound by a hash or a signature.
"""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from node import cbor
from node.note import NoteInvalidError, from_base64

PROOF_BYTES_MAX = 16 * 1024 * 1024
EXTRA_VERSION = 1

_FORM = "c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX = "extra ", "index "
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_BYTES = 32
_NOT_A_PROOF = "this is no proof, or not any more: "


class ProofFault(StrEnum):
    """Why a proof does not hold."""

    FORM = "form"  # not a proof, or not in its one byte form
    NETWORK = "network"  # of another network
    ROOT = "root"  # the entry is not where it should be under this root
    SIGNATURE = "signature"  # a cosignature is not by the key that it names
    HEADER = "header"  # the signed header is not that of the entry's block
    ACTS = "acts"  # a block with votes is not by a member of its time
    MEMBERS = "members"  # too few members whose keys are known have signed


class ProofInvalidError(Exception):
    """A proof that does not hold. `reason` is for programs, the text for people."""

    def __init__(self, reason: ProofFault, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A key that something in a proof is signed with. public: 32 bytes, Ed25519."""

    sp: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """What is to be proven, and by what.

    network: its id. sp, number, index: whose block, its number, and the entry's place in it, from 0. header:
    the block's signed header (node.block_header), empty where it is left out. position: on the ledger.
    path: node.tree. checkpoint: the note (node.checkpoint). keys: in ascending order. acts: whole blocks, in
    the order of the ledger.
    """

    network: bytes
    sp: str
    number: int
    index: int
    entry: bytes
    header: bytes
    position: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    keys: tuple[MemberKey, ...]
    acts: tuple[bytes, ...] = ()


def write_proof(proof: Proof) -> bytes:
    """The byte form of `proof`."""
    place: list[cbor.Item] = [proof.network, proof.sp, proof.number, proof.index]
    keys: list[cbor.Item] = [[key.sp, key.public] for key in proof.keys]
    extra = cbor.encode([EXTRA_VERSION, *place, proof.entry, proof.header, keys, list(proof.acts)])
    hashes = [base64.b64encode(each).decode() for each in proof.path]
    head = [_FORM, _EXTRA + base64.b64encode(extra).decode(), f"{_INDEX}{proof.position}", *hashes]
    return "".join(f"{line}\n" for line in head).encode() + b"\n" + proof.checkpoint


def read_proof(raw: bytes) -> Proof:
    """The proof in `raw`, its form checked and nothing else, else ProofInvalidError(FORM)."""
    if len(raw) > PROOF_BYTES_MAX:
        _refuse(f"a proof has at most {PROOF_BYTES_MAX} bytes")
    head, blank, checkpoint = raw.partition(b"\n\n")
    if not blank:
        _refuse("the empty line before the checkpoint is missing")
    try:
        proof = _proof(head.decode("ascii").split("\n"), checkpoint)
    except UnicodeDecodeError:
        _refuse("there is a character above the checkpoint that is not ASCII")
    except (NoteInvalidError, cbor.CborInvalidError) as error:
        _refuse(str(error))
    if write_proof(proof) != raw:
        _refuse("it is not in its one byte form")
    return proof


def _proof(lines: list[str], checkpoint: bytes) -> Proof:
    form, extra, index, *hashes = [*lines, "", ""]
    if form != _FORM:
        _refuse(f"the first line is not {_FORM}")
    if not extra.startswith(_EXTRA):
        _refuse("the second line is not `extra` and what it holds")
    if not index.startswith(_INDEX) or not _DECIMAL.fullmatch(index.removeprefix(_INDEX)):
        _refuse("the third line is not `index` and the position")
    path = tuple(_hash(line, number) for number, line in enumerate(hashes[:-2], 4))
    position = int(index.removeprefix(_INDEX))
    return _with_extra(from_base64(extra.removeprefix(_EXTRA)), position, path, checkpoint)


def _hash(line: str, number: int) -> bytes:
    try:
        return from_base64(line)
    except NoteInvalidError:
        _refuse(f"line {number} is not a hash in base64")


def _with_extra(extra: bytes, position: int, path: tuple[bytes, ...], checkpoint: bytes) -> Proof:
    kinds = (int, bytes, str, int, int, bytes, bytes, list, list)
    version, network, sp, number, index, entry, header, keys, acts = cbor.as_record(
        cbor.decode(extra), *kinds
    )
    if version != EXTRA_VERSION:
        _refuse(f"its extra is of version {version}: read it with a newer version of this program")
    if not all(type(act) is bytes for act in acts):
        _refuse("its acts are not blocks")
    members = tuple(MemberKey(*cbor.as_record(key, str, bytes)) for key in keys)
    _check_keys(members)
    return Proof(network, sp, number, index, entry, header, position, path, checkpoint, members, tuple(acts))


def _check_keys(members: tuple[MemberKey, ...]) -> None:
    if any(len(key.public) != _KEY_BYTES for key in members):
        _refuse(f"a key in it does not have {_KEY_BYTES} bytes")
    if list(members) != sorted(set(members), key=lambda key: (key.sp, key.public)):
        _refuse("its keys are not in order, or one stands twice")


def _refuse(text: str) -> NoReturn:
    raise ProofInvalidError(ProofFault.FORM, _NOT_A_PROOF + text)
