"""Promises about checkpoints: what a node says of the ledger is one thing, whoever reads or merges it."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.checkpoint import (
    SIZE_MAX,
    Checkpoint,
    CheckpointInvalidError,
    cosigner,
    member_cosigned_at,
    member_key,
    merge_checkpoints,
    network_origin,
    parse_checkpoint,
    sign_checkpoint,
)
from node.note import (
    Note,
    NoteInvalidError,
    cosigned_at,
    decode_note,
    encode_note,
    sign_text,
    verifier_key,
)

NETWORK = bytes(range(32))
ORIGIN = network_origin("scene", NETWORK)
KEYS = {f"sp{number}": Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, 5)}
AT = Checkpoint(ORIGIN, 1_000, hashlib.sha256(b"root").digest(), hashlib.sha256(b"state").digest())
NOW = 1_770_000_000


def signed(sp: str, checkpoint: Checkpoint = AT, time: int = NOW) -> bytes:
    return sign_checkpoint(checkpoint, sp, KEYS[sp], time)


@given(st.integers(0, SIZE_MAX), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_as_it_was_signed(size: int, root: bytes, state: bytes):
    checkpoint = Checkpoint(ORIGIN, size, root, state)
    read, [signature] = parse_checkpoint(signed("sp1", checkpoint))
    assert read == checkpoint
    assert cosigner(read, signature) == "sp1"
    assert member_cosigned_at(read, signature, "sp1", KEYS["sp1"].public_key()) == NOW


def test_it_has_the_form_of_the_standard():
    """Origin, size, root, then what is ours alone; public tools read the rest, and the key as a vkey."""
    raw = signed("sp1")
    lines = raw.decode().splitlines()
    assert lines[:2] == ["yakujo/scene/0001020304050607", "1000"]
    assert base64.b64decode(lines[2]) == AT.root
    assert lines[3] == f"state {base64.b64encode(AT.state).decode()}"
    assert lines[5].startswith("— yakujo/scene/0001020304050607/sp1 ")
    key = verifier_key(member_key(ORIGIN, "sp1", KEYS["sp1"].public_key()).text)
    note = decode_note(raw)
    assert cosigned_at(note.text, note.signatures[0], key) == NOW


@pytest.mark.parametrize(
    ("name", "path"),
    [("scene", "scene"), ("東京 1", "-1"), ("a+b/c%", "a-b-c-"), ("a-b.c", "a-b.c"), ("約" * 34, "-")],
)
def test_any_name_of_a_network_makes_an_origin(name: str, path: str):
    origin = network_origin(name, NETWORK)
    assert origin == f"yakujo/{path}/0001020304050607"
    checkpoint = Checkpoint(origin, 1, bytes(32), bytes(32))
    assert parse_checkpoint(signed("sp1", checkpoint))[0] == checkpoint


def test_every_flipped_bit_is_noticed():
    raw = signed("sp1")
    for place in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(CheckpointInvalidError):
            _check(bytes(altered))


def _check(raw: bytes) -> None:
    checkpoint, [signature] = parse_checkpoint(raw)
    member_cosigned_at(checkpoint, signature, cosigner(checkpoint, signature), KEYS["sp1"].public_key())


def test_what_several_nodes_say_alike_becomes_one_note():
    """In whatever order and grouping the notes come, and however often."""
    notes = [signed("sp3"), signed("sp1"), signed("sp2")]
    merged = merge_checkpoints(notes)
    checkpoint, signatures = parse_checkpoint(merged)
    assert checkpoint == AT
    assert [cosigner(AT, signature) for signature in signatures] == ["sp1", "sp2", "sp3"]
    for signature in signatures:
        sp = cosigner(AT, signature)
        assert member_cosigned_at(AT, signature, sp, KEYS[sp].public_key()) == NOW
    assert merge_checkpoints([merged, *notes]) == merged
    assert merge_checkpoints([merge_checkpoints(notes[:2]), notes[2], notes[0]]) == merged


def test_a_node_that_says_it_again_counts_once():
    later = merge_checkpoints([signed("sp1", time=NOW + 5), signed("sp1", time=NOW)])
    [signature] = parse_checkpoint(later)[1]
    assert signature.time == NOW + 5


@pytest.mark.parametrize(
    "other",
    [
        Checkpoint(ORIGIN, 1_001, AT.root, AT.state),
        Checkpoint(ORIGIN, 1_000, AT.state, AT.state),
        Checkpoint(ORIGIN, 1_000, AT.root, AT.root),
        Checkpoint(network_origin("scene", bytes(32)), 1_000, AT.root, AT.state),
    ],
)
def test_what_differs_is_not_merged(other: Checkpoint):
    """Another root, state, size or network: a signature never comes to stand under what it is not for."""
    with pytest.raises(CheckpointInvalidError, match="2 different ones"):
        merge_checkpoints([signed("sp1"), signed("sp2", other)])


def test_nothing_is_not_merged():
    with pytest.raises(CheckpointInvalidError, match="0 different ones"):
        merge_checkpoints([])


def test_a_cosignature_is_its_members_alone():
    checkpoint, [signature] = parse_checkpoint(signed("sp1"))
    for sp, key in (("sp2", "sp1"), ("sp1", "sp2"), ("sp2", "sp2")):
        with pytest.raises(CheckpointInvalidError):
            member_cosigned_at(checkpoint, signature, sp, KEYS[key].public_key())


def test_a_line_of_a_stranger_is_told():
    stranger = Checkpoint(ORIGIN.replace("scene", "other"), 1, bytes(32), bytes(32))
    _, [signature] = parse_checkpoint(signed("sp1", stranger))
    with pytest.raises(CheckpointInvalidError, match=r"yakujo/other/.*/sp1 is not the name of a member"):
        cosigner(AT, signature)


ROOT = base64.b64encode(bytes(32)).decode()
CUT = base64.b64encode(bytes(31)).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a\n5\n{ROOT}\n", "not an origin"),
        (f"a\n5\n{ROOT}\nstate {ROOT}\nmore\n", "not an origin"),
        (f"a\n5\n{ROOT}\nState {ROOT}\n", "not an origin"),
        (f"\n5\n{ROOT}\nstate {ROOT}\n", "not an origin"),
        (f"a\n05\n{ROOT}\nstate {ROOT}\n", "not an origin"),
        (f"a\n-5\n{ROOT}\nstate {ROOT}\n", "not an origin"),
        (f"a\n5_0\n{ROOT}\nstate {ROOT}\n", "not an origin"),
        (f"a\n５\n{ROOT}\nstate {ROOT}\n", "not an origin"),
        (f"a\n{SIZE_MAX + 1}\n{ROOT}\nstate {ROOT}\n", "out of range"),
        (f"a\n5\n{CUT}\nstate {ROOT}\n", "32 bytes"),
        (f"a\n5\n{ROOT}\nstate {CUT}\n", "32 bytes"),
        (f"a\n5\n{ROOT[:-2]}B=\nstate {ROOT}\n", "one form"),
        (f"a\n5\n{ROOT}\nstate {ROOT[:-1]}\n", "base64"),
        (f"a\n5\n{ROOT}\nstate  {ROOT}\n", "base64"),
        (f"a b\n5\n{ROOT}\nstate {ROOT}\n", "no space"),
        (f"a+b\n5\n{ROOT}\nstate {ROOT}\n", "no space and no"),
    ],
)
def test_a_text_of_another_form_is_refused_with_its_reason(text: str, said: str):
    key = KEYS["sp1"]
    note = encode_note(Note(text, (sign_text(text, "a/sp1", key),)))
    with pytest.raises(CheckpointInvalidError, match=f"checkpoint refused: .*{said}"):
        parse_checkpoint(note)


def test_lines_out_of_order_twice_or_of_another_type_are_refused():
    """One set of cosignatures has one byte form, so one digest."""
    merged = merge_checkpoints([signed("sp1"), signed("sp2")])
    note = decode_note(merged)
    first, second = note.signatures
    text_alone = sign_text(note.text, f"{ORIGIN}/sp3", KEYS["sp3"])
    for lines in ((second, first), (first, first), (first, second, second)):
        with pytest.raises(CheckpointInvalidError, match="not in order, or one stands twice"):
            parse_checkpoint(encode_note(Note(note.text, lines)))
    with pytest.raises(CheckpointInvalidError, match=f"the line of {ORIGIN}/sp3 is no cosignature"):
        parse_checkpoint(encode_note(Note(note.text, (first, second, text_alone))))


def test_both_keys_of_a_member_that_changed_its_own_may_stand_there():
    new = sign_checkpoint(AT, "sp1", KEYS["sp4"], NOW)
    _, signatures = parse_checkpoint(merge_checkpoints([signed("sp1"), new]))
    assert [cosigner(AT, signature) for signature in signatures] == ["sp1", "sp1"]


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("a b", 1, bytes(32), bytes(32)),
        Checkpoint("", 1, bytes(32), bytes(32)),
        Checkpoint("a", -1, bytes(32), bytes(32)),
        Checkpoint("a", SIZE_MAX + 1, bytes(32), bytes(32)),
        Checkpoint("a", 1, bytes(31), bytes(32)),
        Checkpoint("a", 1, bytes(32), b""),
    ],
)
def test_what_nobody_could_read_is_not_signed(checkpoint: Checkpoint):
    with pytest.raises((CheckpointInvalidError, NoteInvalidError)):
        signed("sp1", checkpoint)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_with_a_reason(raw: bytes):
    with pytest.raises(CheckpointInvalidError, match="checkpoint refused: "):
        parse_checkpoint(raw)
