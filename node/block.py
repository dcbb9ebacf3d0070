"""A block: what one SP publishes at once, with one signature over all of its entries.

    sign_block(block, key) -> bytes            open_block(raw, members, network) -> Block

The byte form is the deterministic CBOR array [signed, entry, entry …] of byte strings. `signed` encodes a
COSE_Sign1 structure (RFC 9052, section 4.2; EdDSA with Ed25519, RFC 9053, section 2.2) whose payload is the
block's header: [version, network, SP, number, time, count of entries, SHA-256 of the bytes after `signed`].
Signing the digest keeps Ed25519, which hashes a message twice, off the bulk of a block, and makes `signed`
alone a short proof of what an SP said.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node import cbor

BLOCK_VERSION = 1
BLOCK_BYTES_MAX = 900 * 1024  # below the server's 1 MiB, with room for message headers
BLOCK_ENTRIES_MAX = 1_000
NETWORK_ID_BYTES = 32
SP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")  # also a subject token and a file name
INTEGER_MAX = 2**63 - 1

_FRAME_BYTES_MAX = 512  # header, signature and CBOR framing of a block, without its entries
_ENTRY_HEAD_BYTES = 5  # CBOR head of a byte string below 4 GiB
_ALGORITHM, _KEY_ID = 1, 4  # labels of COSE header parameters, RFC 9052, section 3.1
_EDDSA = -8  # RFC 9053, section 2.2


@dataclass(frozen=True, slots=True)
class Block:
    """The entries that one SP puts on the ledger together.

    version: of this layout. network: the network's id, 32 bytes. sp: the name of the author. seq: its number
    among the blocks of that SP, from 1. time: microseconds UTC since 1970, the author's claim. entries: 1 to
    1,000, opaque.
    """

    version: int
    network: bytes
    sp: str
    seq: int
    time: int
    entries: tuple[bytes, ...]


class BlockFault(StrEnum):
    """Why a block was refused."""

    MALFORMED = "malformed"  # not the CBOR or COSE structure of a block
    VERSION = "version"  # of a layout that this node does not know
    LIMIT = "limit"  # too many bytes or entries, or a number out of range
    NETWORK = "network"  # made for another network
    MEMBER = "member"  # of an SP that is not a member
    KEY = "key"  # signed, so it says, with another key than the member's
    SIGNATURE = "signature"  # not signed by that key, or altered since
    DIGEST = "digest"  # the entries are not those that were signed


class BlockInvalidError(Exception):
    """A block that must not be applied. `reason` is for programs, the text for people."""

    def __init__(self, reason: BlockFault, text: str) -> None:
        super().__init__(f"block refused: {text}")
        self.reason = reason


def sign_block(block: Block, key: Ed25519PrivateKey) -> bytes:
    """The bytes to publish, signed with `key`; BlockInvalidError(LIMIT) if the block is out of bounds."""
    _check_fields(block, len(block.entries))
    body = b"".join(part for entry in block.entries for part in (cbor.head(cbor.BYTES, len(entry)), entry))
    digest = hashlib.sha256(body).digest()
    author: list[cbor.Item] = [block.version, block.network, block.sp, block.seq, block.time]
    signed = _sign1(cbor.encode([*author, len(block.entries), digest]), key)
    frame = cbor.head(cbor.ARRAY, 1 + len(block.entries)) + cbor.head(cbor.BYTES, len(signed))
    raw = b"".join((frame, signed, body))
    _require(len(raw) <= BLOCK_BYTES_MAX, BlockFault.LIMIT, f"a block has at most {BLOCK_BYTES_MAX} bytes")
    return raw


def open_block(raw: bytes, members: Mapping[str, Ed25519PublicKey], network: bytes) -> Block:
    """The block in `raw`, signed by one of `members` (name: key) for `network`, else BlockInvalidError.

    Whether its number follows the author's last one is the reader's to check: this function has no memory.
    """
    _require(len(raw) <= BLOCK_BYTES_MAX, BlockFault.LIMIT, f"a block has at most {BLOCK_BYTES_MAX} bytes")
    parsed = _parsed(raw)
    block = parsed.block
    _check_fields(block, parsed.count)
    _require(block.network == network, BlockFault.NETWORK, "it was made for another network")
    _check_signature(members, block.sp, parsed)
    body = memoryview(raw)[-parsed.body_bytes :]
    same = parsed.count == len(block.entries) and hashlib.sha256(body).digest() == parsed.digest
    _require(same, BlockFault.DIGEST, "its entries are not those that its author signed")
    return block


def archived_block(raw: bytes) -> Block:
    """A block that was opened when it was archived: nothing is checked again but its form."""
    return _parsed(raw).block


def head_digest(raw: bytes) -> bytes:
    """A digest of a block's first bytes, among them its signed header: it tells blocks apart.

    Unlike that of the whole it costs no more for a large block than for a small one.
    """
    return hashlib.sha256(raw[:_FRAME_BYTES_MAX]).digest()


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The parts of a block. count, digest: of the entries, as signed. body_bytes: what the digest is of."""

    block: Block
    count: int
    digest: bytes
    body_bytes: int
    protected: bytes
    payload: bytes
    signature: bytes


def _parsed(raw: bytes) -> _Parsed:
    try:
        signed, *entries = _at_least_one(cbor.decode_byte_strings(raw))
        protected, payload, signature = _sign1_parts(signed)
        _signer(protected)
        block, count, digest = _header(payload, entries)
    except cbor.CborInvalidError as error:
        raise BlockInvalidError(BlockFault.MALFORMED, str(error)) from error
    body_bytes = len(raw) - len(cbor.head(cbor.ARRAY, 1 + len(entries))) - _framed_bytes(signed)
    return _Parsed(block, count, digest, body_bytes, protected, payload, signature)


def leading_that_fit(entries: Iterable[bytes]) -> int:
    """How many of `entries`, from the first, go into one block."""
    room = BLOCK_BYTES_MAX - _FRAME_BYTES_MAX
    count = 0
    for entry in entries:
        room -= len(entry) + _ENTRY_HEAD_BYTES
        if room < 0 or count == BLOCK_ENTRIES_MAX:
            break
        count += 1
    return count


def key_id(key: Ed25519PublicKey) -> bytes:
    """The name of a signing key in a block: the first 16 bytes of the SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:16]


def _sign1(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    protected = cbor.encode({_ALGORITHM: _EDDSA, _KEY_ID: key_id(key.public_key())})
    return cbor.encode([protected, {}, payload, key.sign(_signed_bytes(protected, payload))])


def _signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """What is signed: Sig_structure of RFC 9052, section 4.4, without external data."""
    return cbor.encode(["Signature1", protected, b"", payload])


def _at_least_one(parts: list[bytes]) -> list[bytes]:
    if not parts:
        raise cbor.CborInvalidError("the array is empty")
    return parts


def _sign1_parts(signed: bytes) -> tuple[bytes, bytes, bytes]:
    """The protected header, payload and signature of a COSE_Sign1 structure without unprotected header."""
    protected, unprotected, payload, signature = cbor.as_record(
        cbor.decode(signed), bytes, dict, bytes, bytes
    )
    if unprotected:
        raise cbor.CborInvalidError("there are unprotected parameters")
    return protected, payload, signature


def _header(payload: bytes, entries: list[bytes]) -> tuple[Block, int, bytes]:
    """The block, and the count and digest of the entries that its author signed."""
    kinds = (int, bytes, str, int, int, int, bytes)
    version, network, sp, seq, time, count, digest = cbor.as_record(cbor.decode(payload), *kinds)
    return Block(version, network, sp, seq, time, tuple(entries)), count, digest


def _signer(protected: bytes) -> bytes:
    """The key id in the protected header."""
    match cbor.decode(protected):
        case {1: -8, 4: bytes(kid), **rest} if not rest:
            return kid
    raise cbor.CborInvalidError("the protected header is not EdDSA and a key id")


def _framed_bytes(item: bytes) -> int:
    """The length of `item` as a byte string."""
    return len(cbor.head(cbor.BYTES, len(item))) + len(item)


def _check_fields(block: Block, count: int) -> None:
    _require(block.version == BLOCK_VERSION, BlockFault.VERSION, f"version {block.version} is not known here")
    _require(len(block.network) == NETWORK_ID_BYTES, BlockFault.LIMIT, "a network id has 32 bytes")
    named = SP_NAME.fullmatch(block.sp) is not None
    _require(named, BlockFault.LIMIT, "an SP's name is a-z, 0-9 and -, at most 32 characters")
    _require(1 <= block.seq <= INTEGER_MAX, BlockFault.LIMIT, "the number is out of range")
    _require(0 <= block.time <= INTEGER_MAX, BlockFault.LIMIT, "the time is out of range")
    limit = f"a block has 1 to {BLOCK_ENTRIES_MAX} entries"
    _require(1 <= count <= BLOCK_ENTRIES_MAX, BlockFault.LIMIT, limit)


def _check_signature(members: Mapping[str, Ed25519PublicKey], sp: str, parsed: _Parsed) -> None:
    key = members.get(sp)
    if key is None:
        raise BlockInvalidError(BlockFault.MEMBER, f"{sp} is not a member")
    known = _signer(parsed.protected) == key_id(key)
    _require(known, BlockFault.KEY, f"its key is not the one that {sp} has here")
    try:
        key.verify(parsed.signature, _signed_bytes(parsed.protected, parsed.payload))
    except InvalidSignature as error:
        raise BlockInvalidError(BlockFault.SIGNATURE, f"not signed by {sp}, or altered since") from error


def _require(holds: object, reason: BlockFault, text: str) -> None:
    if not holds:
        raise BlockInvalidError(reason, text)
