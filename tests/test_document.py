"""Promises about documents of two sides: readers get what was agreed on, and nobody is shown another."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.document import (
    TEXT_BYTES_MAX,
    About,
    Document,
    Opening,
    new_document,
    open_document,
    seal_document,
)
from node.entry import DocumentEntry, EntryInvalidError, decode_entry, encode_entry
from node.envelope import SealingError
from node.keys import EncryptionKey, encryption_key
from node.setup import SetupError
from node.statements import read_opening, write_opening

NETWORK = bytes(range(32))
BROKER, INVESTOR = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"
READERS = [encryption_key(bytes([number]) * 32) for number in range(1, 4)]
DOCUMENT = Document(NETWORK, BROKER, INVESTOR, About.RULES, b"0.0010", b"\x07" * 32)


def keys(*readers: EncryptionKey) -> dict[str, list[MLKEM768X25519PrivateKey]]:
    return {f"reader {number}": [reader.private] for number, reader in enumerate(readers)}


@given(st.binary(min_size=1, max_size=5_000), st.sampled_from(About))
def test_each_reader_reads_what_was_sealed(text: bytes, about: About):
    document = new_document(NETWORK, BROKER, INVESTOR, about, text)
    entry = decode_entry(encode_entry(seal_document(document, [one.public for one in READERS])))
    assert isinstance(entry, DocumentEntry)
    assert entry.document_id == document.id
    for reader in READERS:
        assert open_document(entry, NETWORK, keys(reader)) == document


def test_nobody_else_reads_it_and_its_length_is_hidden():
    short = seal_document(DOCUMENT, [READERS[0].public])
    longer = seal_document(replace(DOCUMENT, text=b"x" * 800), [one.public for one in READERS])
    assert open_document(short, NETWORK, keys(*READERS[1:])) is None
    assert len(encode_entry(short)) == len(encode_entry(longer))


def test_what_is_put_again_for_a_later_reader_is_the_same_document():
    first, again = (seal_document(DOCUMENT, [one.public]) for one in READERS[:2])
    assert (first.document_id, first.box) == (again.document_id, again.box)
    assert open_document(again, NETWORK, keys(READERS[1])) == DOCUMENT


@pytest.mark.parametrize(
    "other",
    [
        {"network": bytes(32)},
        {"broker": INVESTOR},
        {"investor": BROKER},
        {"about": About.CORRECTION},
        {"text": b"0.0011"},
        {"key": bytes(32)},
    ],
)
def test_an_id_is_of_one_document_alone(other: dict[str, object]):
    """Neither side can show a court another text, or say that it was for somebody else."""
    assert replace(DOCUMENT, **other).id != DOCUMENT.id  # type: ignore[arg-type] # each as it is declared


def test_every_flipped_bit_is_noticed():
    raw = encode_entry(seal_document(DOCUMENT, [READERS[0].public]))
    for place in range(0, len(raw) * 8, 7):
        altered = bytearray(raw)
        altered[place // 8] ^= 1 << place % 8
        try:
            entry = decode_entry(bytes(altered))
            found = (
                open_document(entry, NETWORK, keys(READERS[0])) if isinstance(entry, DocumentEntry) else None
            )
        except (SealingError, EntryInvalidError):
            continue
        assert found in (None, DOCUMENT)  # a box of nobody, or the kind, was altered


def test_a_maker_cannot_give_two_readers_different_texts():
    """A box with a key that opens another text than the id commits to is told apart from one for others."""
    honest = seal_document(DOCUMENT, [READERS[0].public])
    other = seal_document(replace(DOCUMENT, text=b"0.0009"), [READERS[1].public])
    mixed = replace(other, document_id=honest.document_id)
    assert open_document(mixed, NETWORK, keys(READERS[1])) is None
    swapped = replace(honest, box=other.box)
    with pytest.raises(SealingError, match="maker"):
        open_document(swapped, NETWORK, keys(READERS[0]))


def test_of_another_network_nothing_opens():
    assert open_document(seal_document(DOCUMENT, [READERS[0].public]), bytes(32), keys(READERS[0])) is None


@pytest.mark.parametrize("size", [0, TEXT_BYTES_MAX + 1])
def test_a_document_has_a_limit(size: int):
    with pytest.raises(ValueError, match="bytes"):
        new_document(NETWORK, BROKER, INVESTOR, About.CORRECTION, bytes(size))


def test_the_largest_document_fits_an_entry_with_all_its_readers():
    largest = new_document(NETWORK, BROKER, INVESTOR, About.CORRECTION, os.urandom(TEXT_BYTES_MAX))
    entry = decode_entry(encode_entry(seal_document(largest, [READERS[0].public] * 64)))
    assert isinstance(entry, DocumentEntry)
    assert open_document(entry, NETWORK, keys(READERS[0])) == largest


def test_a_document_in_a_file_is_for_this_user_alone(tmp_path: Path):
    """It is read back as it was written, and what is none is told in a sentence."""
    path = tmp_path / "document.json"
    write_opening(path, DOCUMENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Opening.from_bytes(path.read_bytes()).document(NETWORK) == DOCUMENT
    with pytest.raises(SetupError, match="not overwritten"):
        write_opening(path, DOCUMENT)
    for text in ("", "{}", '{"key":"00"}', path.read_text().replace("MC4w", "????")):
        path.write_text(text)
        with pytest.raises(SetupError, match="no document as"):
            read_opening(path, NETWORK)
    with pytest.raises(SetupError, match="cannot be read"):
        read_opening(tmp_path / "none", NETWORK)
