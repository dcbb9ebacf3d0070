"""Promises about blocks: what an SP signed is what every node reads, and nothing else passes."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from node import cbor
from node.block import (
    BLOCK_BYTES_MAX,
    BLOCK_ENTRIES_MAX,
    INTEGER_MAX,
    Block,
    BlockFault,
    BlockInvalidError,
    head_digest,
    key_id,
    leading_that_fit,
    open_block,
    sign_block,
)
from node.nats_config import PAYLOAD_BYTES_MAX

NETWORK = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
MEMBERS = {"sp1": KEY.public_key(), "sp2": OTHER_KEY.public_key()}
SMALL = Block(1, NETWORK, "sp1", 7, 1_700_000_000_000_000, (b"first", b"", b"third"))

blocks = st.builds(
    Block,
    version=st.just(1),
    network=st.just(NETWORK),
    sp=st.just("sp1"),
    seq=st.integers(1, INTEGER_MAX),
    time=st.integers(0, INTEGER_MAX),
    entries=st.lists(st.binary(max_size=300), min_size=1, max_size=40).map(tuple),
)


@given(blocks)
def test_a_block_reads_as_it_was_signed(block: Block) -> None:
    """Every node sees exactly the entries, in the order, that the SP gave."""
    assert open_block(sign_block(block, KEY), MEMBERS, NETWORK) == block


@given(st.binary(min_size=2_000, max_size=3_000), st.integers(0, 2_000 * 8 - 1))
def test_the_head_tells_blocks_apart(entry: bytes, bit: int) -> None:
    """What differs far behind the head, or in its signature alone, has another name."""
    altered = bytearray(entry)
    altered[bit // 8] ^= 1 << bit % 8
    one, other = (replace(SMALL, entries=(bytes(2_000), last)) for last in (entry, bytes(altered)))
    signed = [sign_block(one, KEY), sign_block(other, KEY), sign_block(one, OTHER_KEY)]
    assert len({head_digest(raw) for raw in signed}) == 3
    assert head_digest(signed[0]) == head_digest(sign_block(one, KEY))


def test_every_flipped_bit_is_refused() -> None:
    """A block altered anywhere, by anyone, is never applied."""
    raw = sign_block(SMALL, KEY)
    for place in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(BlockInvalidError):
            open_block(bytes(altered), MEMBERS, NETWORK)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    """Whatever somebody puts on the ledger, a node goes on and can say why it passed over it."""
    with pytest.raises(BlockInvalidError) as caught:
        open_block(raw, MEMBERS, NETWORK)
    assert isinstance(caught.value.reason, BlockFault)


@pytest.mark.parametrize("length", [0, 1, 40, 100, 150, -1])
def test_a_cut_block_is_refused(length: int) -> None:
    """Half a block is no block."""
    assert _fault(sign_block(SMALL, KEY)[:length]) is BlockFault.MALFORMED


def _signed_by(sp: str, key: Ed25519PrivateKey) -> bytes:
    return sign_block(Block(1, NETWORK, sp, 1, 0, (b"x",)), key)


def _forged(change: Callable[[dict[str, object]], None]) -> bytes:
    """A block whose structure is changed before it is signed, as a malicious member could."""
    entries = [b"x"]
    body = cbor.encode(entries)[1:]
    parts: dict[str, object] = {
        "protected": {1: -8, 4: key_id(KEY.public_key())},
        "unprotected": {},
        "payload": [1, NETWORK, "sp1", 1, 0, 1, hashlib.sha256(body).digest()],
    }
    change(parts)
    protected, payload = (cbor2.dumps(parts[name], canonical=True) for name in ("protected", "payload"))
    signature = KEY.sign(cbor.encode(["Signature1", protected, b"", payload]))
    signed = cbor2.dumps([protected, parts["unprotected"], payload, signature], canonical=True)
    return cbor.encode([signed, *entries])


def test_the_forger_of_these_tests_can_make_a_good_block() -> None:
    """Otherwise the refusals below would prove nothing."""
    assert open_block(_forged(lambda _: None), MEMBERS, NETWORK).entries == (b"x",)


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        ("payload", [2, NETWORK, "sp1", 1, 0, 1, b""], BlockFault.VERSION),
        ("payload", [1, NETWORK[1:], "sp1", 1, 0, 1, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "SP 1", 1, 0, 1, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "sp1", 0, 0, 1, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "sp1", 2**63, 0, 1, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "sp1", 1, -1, 1, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "sp1", 1, 0, 0, b""], BlockFault.LIMIT),
        ("payload", [1, NETWORK, "sp1", True, 0, 1, b""], BlockFault.MALFORMED),
        ("payload", [1, NETWORK, "sp1", 1, 0.0, 1, b""], BlockFault.MALFORMED),
        ("payload", [1, NETWORK, "sp1", 1, 0, 1], BlockFault.MALFORMED),
        ("payload", [1, NETWORK, "sp1", 1, 0, 2, b""], BlockFault.DIGEST),
        ("payload", [1, NETWORK, "sp1", 1, 0, 1, bytes(32)], BlockFault.DIGEST),
        ("payload", [1, bytes(32), "sp1", 1, 0, 1, b""], BlockFault.NETWORK),
        ("payload", [1, NETWORK, "sp9", 1, 0, 1, b""], BlockFault.MEMBER),
        ("payload", [1, NETWORK, "sp2", 1, 0, 1, b""], BlockFault.KEY),
        ("protected", {1: -7, 4: b"k"}, BlockFault.MALFORMED),
        ("protected", {1: -8}, BlockFault.MALFORMED),
        ("protected", {1: -8, 4: b"k", 5: 1}, BlockFault.MALFORMED),
        ("unprotected", {4: b"k"}, BlockFault.MALFORMED),
    ],
)
def test_a_signed_block_that_breaks_a_rule_is_refused(place: str, value: object, fault: BlockFault) -> None:
    """A member cannot get around a rule by signing what breaks it."""

    def change(parts: dict[str, object]) -> None:
        parts[place] = value

    assert _fault(_forged(change)) is fault


def test_a_signature_counts_for_its_own_member_alone() -> None:
    """Nobody publishes in the name of another SP."""
    assert _fault(_signed_by("sp2", KEY)) is BlockFault.KEY
    assert _fault(_signed_by("sp9", KEY)) is BlockFault.MEMBER
    moved = _signed_by("sp1", KEY).replace(key_id(KEY.public_key()), key_id(OTHER_KEY.public_key()))
    assert _fault(moved.replace(b"\x63sp1", b"\x63sp2")) is BlockFault.SIGNATURE


def test_a_block_of_another_network_is_refused() -> None:
    """What was said on one network cannot be played on another."""
    with pytest.raises(BlockInvalidError) as caught:
        open_block(sign_block(SMALL, KEY), MEMBERS, bytes(32))
    assert caught.value.reason is BlockFault.NETWORK


@pytest.mark.parametrize(
    "item",
    [
        b"\x9f\x41x\xff",  # indefinite length
        b"\x98\x01\x41x",  # a head longer than it need be
        b"\x81\x58\x01x",
        b"\xc2\x41\x01",  # a tag
        b"\x81\xd8\x23\x61(",  # a tag that a lenient reader would compile as a pattern
        b"\x81" * 40 + b"\x41x",  # nested deeper than any block
        b"\x81\x41x\x00",  # something after the end
    ],
)
def test_other_byte_forms_are_refused(item: bytes) -> None:
    """One block has one byte form, so one digest."""
    assert _fault(item) is BlockFault.MALFORMED


def test_limits_hold_for_writing_and_reading() -> None:
    """A block never exceeds what the engine carries, and no stranger's block what a node will read."""
    assert BLOCK_BYTES_MAX < PAYLOAD_BYTES_MAX
    for entries in ((), (b"",) * (BLOCK_ENTRIES_MAX + 1), (bytes(BLOCK_BYTES_MAX),)):
        with pytest.raises(BlockInvalidError) as caught:
            sign_block(Block(1, NETWORK, "sp1", 1, 0, entries), KEY)
        assert caught.value.reason is BlockFault.LIMIT
    assert _fault(bytes(BLOCK_BYTES_MAX + 1)) is BlockFault.LIMIT


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 200_000), max_size=60))
def test_what_is_said_to_fit_does_fit(lengths: list[int]) -> None:
    """Filling a block from the queue never makes one that cannot be signed."""
    entries = [bytes(length) for length in lengths]
    count = leading_that_fit(entries)
    if count:
        longest = Block(1, NETWORK, "sp1", INTEGER_MAX, INTEGER_MAX, tuple(entries[:count]))
        assert open_block(sign_block(longest, KEY), MEMBERS, NETWORK) == longest
    assert count == len(entries) or sum(lengths[: count + 1]) > BLOCK_BYTES_MAX - 1_000


def test_a_block_is_full_at_a_thousand_entries() -> None:
    """Many small entries are shared out over blocks."""
    assert leading_that_fit([b"x"] * 5_000) == BLOCK_ENTRIES_MAX


def _fault(raw: bytes) -> BlockFault:
    with pytest.raises(BlockInvalidError) as caught:
        open_block(raw, MEMBERS, NETWORK)
    return caught.value.reason
