"""Promises about signed headers: what an SP signed is shown without the entries, and as nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node import cbor
from node.block import Block, BlockFault, BlockInvalidError, sign_block
from node.block_header import Header, open_header, signed_header

NETWORK = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
RAW = sign_block(Block(1, NETWORK, "sp1", 7, 1_700_000_000_000_000, (b"first", b"second")), KEY)
SIGNED = signed_header(RAW)


def test_it_says_what_the_block_says():
    header, key = open_header(SIGNED, [OTHER.public_key(), KEY.public_key()])
    digest = header.digest
    assert header == Header(NETWORK, "sp1", 7, 1_700_000_000_000_000, 2, digest)
    assert key == KEY.public_key()
    assert RAW.startswith(b"\x83\x58" + bytes([len(SIGNED)]) + SIGNED)


def test_every_flipped_bit_is_refused():
    for place in range(len(SIGNED) * 8):
        altered = bytearray(SIGNED)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(BlockInvalidError):
            open_header(bytes(altered), [KEY.public_key()])


@pytest.mark.parametrize("keys", [[], [OTHER.public_key()]])
def test_a_header_by_another_key_is_refused(keys: list[Ed25519PrivateKey]):
    with pytest.raises(BlockInvalidError) as caught:
        open_header(SIGNED, keys)
    assert caught.value.reason is BlockFault.KEY


def test_a_header_of_a_later_version_is_told():
    protected, _, payload, signature = cbor.as_record(cbor.decode(SIGNED), bytes, dict, bytes, bytes)
    fields = cbor.decode(payload)
    assert isinstance(fields, list)
    later = cbor.encode([protected, {}, cbor.encode([2, *fields[1:]]), signature])
    with pytest.raises(BlockInvalidError) as caught:
        open_header(later, [KEY.public_key()])
    assert caught.value.reason is BlockFault.VERSION


@pytest.mark.parametrize("raw", [b"", b"\x80", b"\x81\x00", RAW[:-1]])
def test_what_is_no_block_has_no_header(raw: bytes):
    with pytest.raises(BlockInvalidError):
        signed_header(raw)
