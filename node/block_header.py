"""The signed header of a block, alone: a short proof of what an SP said, without the entries.

signed_header(raw) -> bytes                 the COSE_Sign1 structure at the head of a block (node.block)
open_header(signed, keys) -> (Header, key)  what it says, and the key that signed it
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from node import cbor
from node.block import BLOCK_VERSION, BlockFault, BlockInvalidError, key_id

_EDDSA = -8  # RFC 9053, section 2.2


@dataclass(frozen=True, slots=True)
class Header:
    """What the author of a block signed. time: microseconds since 1970. digest: over `count` entries."""

    network: bytes
    sp: str
    seq: int
    time: int
    count: int
    digest: bytes


def signed_header(raw: bytes) -> bytes:
    """The signed header of the block in `raw`, else BlockInvalidError."""
    try:
        signed, *_ = cbor.decode_byte_strings(raw)
    except ValueError as error:
        raise BlockInvalidError(BlockFault.MALFORMED, str(error)) from error
    return signed


def open_header(signed: bytes, keys: Iterable[Ed25519PublicKey]) -> tuple[Header, Ed25519PublicKey]:
    """The header, and which of `keys` signed it, else BlockInvalidError."""
    try:
        protected, unprotected, payload, signature = cbor.as_record(
            cbor.decode(signed), bytes, dict, bytes, bytes
        )
        parameters = cbor.decode(protected)
        kinds = (int, bytes, str, int, int, int, bytes)
        version, *fields = cbor.as_record(cbor.decode(payload), *kinds)
    except cbor.CborInvalidError as error:
        raise BlockInvalidError(BlockFault.MALFORMED, str(error)) from error
    if version != BLOCK_VERSION:
        raise BlockInvalidError(BlockFault.VERSION, f"version {version} is not known here")
    key = next((key for key in keys if parameters == {1: _EDDSA, 4: key_id(key)}), None)
    if unprotected or key is None:
        raise BlockInvalidError(BlockFault.KEY, "its header is not signed by a key that is known here")
    try:
        key.verify(signature, cbor.encode(["Signature1", protected, b"", payload]))
    except InvalidSignature as error:
        raise BlockInvalidError(BlockFault.SIGNATURE, "its header was altered") from error
    return Header(*fields), key
