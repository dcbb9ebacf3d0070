"""Promises about signed notes: others' tools read ours, ours read theirs, and none is altered unseen."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    TIME_MAX,
    Note,
    NoteInvalidError,
    NoteSignature,
    SignatureKind,
    VerifierKey,
    check_signed,
    cosign,
    cosigned_at,
    decode_note,
    encode_note,
    sign_text,
    verifier_key,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
SIGNER = VerifierKey("example.com/a", SignatureKind.TEXT, KEY.public_key())
COSIGNER = VerifierKey("example.com/a", SignatureKind.COSIGNATURE, KEY.public_key())
TEXT = "example.com/log\n5\n\nan empty line is allowed\n"

names = st.text(min_size=1, max_size=20).filter(
    lambda name: "+" not in name and not any(letter.isspace() or letter < " " for letter in name)
)
texts = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)) | st.just("\n")).map(
    lambda text: f"{text}\n"
)


@given(texts, names, st.integers(0, TIME_MAX))
def test_a_note_reads_as_it_was_signed(text: str, name: str, time: int):
    note = Note(text, (sign_text(text, name, KEY), cosign(text, name, KEY, time)))
    read = decode_note(encode_note(note))
    assert read == note
    signed, cosigned = read.signatures
    check_signed(read.text, signed, VerifierKey(name, SignatureKind.TEXT, KEY.public_key()))
    named = VerifierKey(name, SignatureKind.COSIGNATURE, KEY.public_key())
    assert cosigned_at(read.text, cosigned, named) == time == cosigned.time
    assert signed.time is None


def test_the_note_of_the_reference_implementation():
    """The example of golang.org/x/mod/sumdb/note: verified, and signed alike with its key."""
    key = verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    raw = f"{text}\n— PeterNeumann {line}\n".encode()
    note = decode_note(raw)
    check_signed(note.text, note.signatures[0], key)
    seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    private = Ed25519PrivateKey.from_private_bytes(seed)
    assert encode_note(Note(text, (sign_text(text, "PeterNeumann", private),))) == raw


PUBLIC_CHECKPOINT = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bf\
TW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0\
WBxtqB0DrAWfBw==
"""


def test_a_checkpoint_that_a_public_witness_cosigned():
    """A Certificate Transparency log's, with its own signature and a witness's, by their public keys."""
    note = decode_note(PUBLIC_CHECKPOINT.encode())
    log = verifier_key(
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
    )
    witness = verifier_key("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
    assert (log.kind, witness.kind) == (SignatureKind.TEXT, SignatureKind.COSIGNATURE)
    check_signed(note.text, note.signatures[0], log)
    assert cosigned_at(note.text, note.signatures[1], witness) == 1779573024
    assert encode_note(note) == PUBLIC_CHECKPOINT.encode()


def test_the_text_ends_at_the_last_empty_line():
    note = Note(TEXT, (sign_text(TEXT, "a", KEY),))
    assert decode_note(encode_note(note)).text == TEXT


def test_every_flipped_bit_is_noticed():
    """In the text, in a name, in an id or in a signature: there is no bit that does not count."""
    raw = encode_note(Note(TEXT, (cosign(TEXT, COSIGNER.name, KEY, 1_770_000_000),)))
    _check(raw)
    for place in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(NoteInvalidError):
            _check(bytes(altered))


def _check(raw: bytes) -> None:
    note = decode_note(raw)
    [signature] = note.signatures
    cosigned_at(note.text, signature, COSIGNER)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_arbitrary_bytes_are_a_note_or_are_refused(raw: bytes):
    try:
        note = decode_note(raw)
    except NoteInvalidError:
        return
    assert encode_note(note) == raw


LINE = "— a AAAAAAA=\n"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "empty line"),
        ("text\n", "empty line"),
        (f"text\n{LINE}", "empty line"),
        (f"text\n\n{LINE}".strip(), "empty line"),
        ("text\n\n\n", "empty line"),
        (f"text\n\n{LINE}\n", "em dash|empty line"),
        (f"te\txt\n\n{LINE}", "control"),
        (f"te\rxt\n\n{LINE}", "control"),
        ("text\n\n- a AAAAAAA=\n", "em dash"),
        ("text\n\n—a AAAAAAA=\n", "em dash"),
        ("text\n\n— a\n", "em dash"),
        ("text\n\n—  AAAAAAA=\n", "1 to 255"),
        ("text\n\n— a+b AAAAAAA=\n", "control character or +"),
        ("text\n\n— a\u00a0b AAAAAAA=\n", "no space"),
        ("text\n\n— a\u2003b AAAAAAA=\n", "no space"),
        ("text\n\n— a  AAAAAAA=\n", "base64"),
        ("text\n\n— a AAAAAAA= \n", "base64"),
        ("text\n\n— a AAAAAAB=\n", "one form"),
        ("text\n\n— a AAAAAAA\n", "base64"),
        ("text\n\n— a AAAA\n", "4 bytes"),
        ("text\n\n— a AAAAAA==\n", "4 bytes"),
        ("text\n\n— a _-AAAAA=\n", "base64"),
        (f"text\n\n{LINE * (SIGNATURES_MAX + 1)}", "1 to 64"),
        ("x" * NOTE_BYTES_MAX + f"\n\n{LINE}", "bytes"),
    ],
)
def test_what_is_not_in_the_one_form_is_refused_with_its_reason(raw: str, said: str):
    with pytest.raises(NoteInvalidError, match=said):
        decode_note(raw.encode())


def test_other_encodings_are_refused():
    with pytest.raises(NoteInvalidError, match="UTF-8"):
        decode_note("é\n\n— a AAAAAAA=\n".encode("latin-1", errors="replace"))


def test_sixteen_signatures_and_long_ones_pass():
    """Signed-note asks verifiers to take at least so many; those of later algorithms have kilobytes."""
    lines = tuple(NoteSignature(f"w{number}", bytes(4), bytes(2_400)) for number in range(16))
    assert decode_note(encode_note(Note("text\n", lines))).signatures == lines


@pytest.mark.parametrize(
    "note",
    [
        Note("no newline", (NoteSignature("a", bytes(4), b"x"),)),
        Note("text\n", ()),
        Note("text\n", (NoteSignature("a b", bytes(4), b"x"),)),
        Note("text\n", (NoteSignature("a", bytes(3), b"x"),)),
        Note("x" * NOTE_BYTES_MAX + "\n", (NoteSignature("a", bytes(4), b"x"),)),
    ],
)
def test_what_nobody_could_read_is_not_written(note: Note):
    with pytest.raises(NoteInvalidError):
        encode_note(note)


@given(names, st.sampled_from(SignatureKind))
def test_a_key_reads_as_it_was_written(name: str, kind: SignatureKind):
    key = VerifierKey(name, kind, KEY.public_key())
    read = verifier_key(key.text)
    assert (read.name, read.kind, read.id, read.text) == (name, kind, key.id, key.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 255"),
        ("name", "base64|known type"),
        ("name+c74f20a3", "base64|known type"),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "altered"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "altered"),
        ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "altered"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "no space"),
        ("PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "known type"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=", "known type"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", "base64"),
    ],
)
def test_what_is_no_key_is_refused_with_its_reason(text: str, said: str):
    with pytest.raises(NoteInvalidError, match=said):
        verifier_key(text)


def test_a_signature_counts_for_its_own_key_name_and_type_alone():
    """Neither another's key, nor the same key under another name or for another type."""
    signed, cosigned = sign_text(TEXT, SIGNER.name, KEY), cosign(TEXT, COSIGNER.name, KEY, 7)
    check_signed(TEXT, signed, SIGNER)
    assert cosigned_at(TEXT, cosigned, COSIGNER) == 7
    for key in (
        VerifierKey(SIGNER.name, SignatureKind.TEXT, OTHER.public_key()),
        VerifierKey("example.com/b", SignatureKind.TEXT, KEY.public_key()),
        COSIGNER,
    ):
        with pytest.raises(NoteInvalidError):
            check_signed(TEXT, signed, key)
    with pytest.raises(NoteInvalidError, match="another type"):
        cosigned_at(TEXT, cosigned, SIGNER)
    with pytest.raises(NoteInvalidError, match="72 bytes"):
        cosigned_at(TEXT, NoteSignature(COSIGNER.name, COSIGNER.id, signed.signature), COSIGNER)
    with pytest.raises(NoteInvalidError, match="altered since"):
        cosigned_at(TEXT + "more\n", cosigned, COSIGNER)


def test_a_time_out_of_range_is_refused():
    late = NoteSignature(COSIGNER.name, COSIGNER.id, b"\xff" * 72)
    with pytest.raises(NoteInvalidError, match="out of range"):
        cosigned_at(TEXT, late, COSIGNER)
