"""Promises about entries: each is kept without loss, and none that breaks the layout is half understood."""

from datetime import date

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import cbor
from node.entry import (
    BOXES_MAX,
    DAYS_MAX,
    DOCUMENT_BOX_BYTES_MAX,
    TEXT_BYTES_MAX,
    ActEntry,
    CheckpointEntry,
    DayKeysEntry,
    DocumentEntry,
    Entry,
    EntryInvalidError,
    EntryKind,
    GrantEntry,
    KeyEntry,
    RetireEntry,
    SealedEntry,
    UnknownEntry,
    decode_entry,
    encode_entry,
)

suites = st.integers(1, 255)
key_ids = st.binary(min_size=32, max_size=32)
boxes = st.binary(min_size=1, max_size=80)
texts = st.binary(min_size=1, max_size=300)

entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(
        SealedEntry,
        suite=suites,
        key_id=key_ids,
        entry_id=st.binary(min_size=16, max_size=16),
        box=st.binary(min_size=1, max_size=300),
        kind=st.sampled_from([EntryKind.SEALED, EntryKind.ATTESTATION]),
    ),
    st.builds(
        KeyEntry,
        suite=suites,
        key_id=key_ids,
        day=st.dates(),
        boxes=st.lists(boxes, min_size=1, max_size=6).map(tuple),
    ),
    st.builds(GrantEntry, suite=suites, key_id=key_ids, day=st.dates(), box=boxes),
    st.builds(RetireEntry, key_id=key_ids),
    st.builds(
        DocumentEntry,
        suite=suites,
        document_id=key_ids,
        boxes=st.lists(boxes, min_size=1, max_size=6).map(tuple),
        box=st.binary(min_size=1, max_size=300),
    ),
    st.builds(ActEntry, act=texts),
    st.builds(CheckpointEntry, note=texts),
    st.builds(
        DayKeysEntry,
        delegation=st.binary(min_size=16, max_size=16),
        first_day=st.dates(),
        keys=st.lists(boxes, min_size=1, max_size=6).map(tuple),
    ),
)


@given(entries)
def test_an_entry_reads_as_it_was_written(entry: Entry) -> None:
    """Entries are kept without loss."""
    assert decode_entry(encode_entry(entry)) == entry


def test_an_entry_of_a_later_kind_is_kept() -> None:
    """A node of this version passes over what a newer one says, and keeps its bytes."""
    raw = cbor.encode([77, "something new", {1: b"x"}])
    entry = decode_entry(raw)
    assert entry == UnknownEntry(77, raw)
    assert encode_entry(entry) == raw


ID, DAY, DELEGATION = bytes(32), "2026-11-20", bytes(16)
BROKEN: dict[str, list[object]] = {
    "no entry": [[], [0], ["1"], [True], {0: 1}, [65_536], [1]],
    "sealed": [
        [2, 1, ID, bytes(16)],
        [2, 1, ID[1:], bytes(16), b"x"],
        [2, 1, ID, bytes(15), b"x"],
        [2, 0, ID, bytes(16), b"x"],
        [2, 1, ID, bytes(16), b""],
        [8, 1, ID, bytes(16), b""],
        [8, 1, ID, bytes(16), b"x", 0],
    ],
    "key": [
        [1, 1, ID, [b"x"]],
        [1, 1, ID, DAY, []],
        [1, 1, ID, DAY, [b""]],
        [1, 1, ID, DAY, ["x"]],
        [1, 1, ID, DAY, [b"x"] * (BOXES_MAX + 1)],
        [1, 1, ID, "20261120", [b"x"]],
        [1, 1, ID, "2026-11-31", [b"x"]],
        [1, 1, ID, "2026-W47-5", [b"x"]],
        [1, 256, ID, DAY, [b"x"]],
    ],
    "grant": [[5, 1, ID, DAY, b""], [5, 1, ID, DAY, [b"x"]], [5, 1, ID[1:], DAY, b"x"], [5, 1, ID, "", b"x"]],
    "retire": [[6], [6, ID[1:]], [6, ID.hex()]],
    "act": [[4], [4, b""], [4, "act"], [4, bytes(TEXT_BYTES_MAX + 1)]],
    "checkpoint": [[3], [3, b""], [3, "note"], [3, bytes(TEXT_BYTES_MAX + 1)]],
    "document": [
        [10, 1, ID, [b"x"]],
        [10, 1, ID[1:], [b"x"], b"x"],
        [10, 0, ID, [b"x"], b"x"],
        [10, 1, ID, [], b"x"],
        [10, 1, ID, [b""], b"x"],
        [10, 1, ID, ["x"], b"x"],
        [10, 1, ID, [b"x"] * (BOXES_MAX + 1), b"x"],
        [10, 1, ID, [b"x"], b""],
        [10, 1, ID, [b"x"], bytes(DOCUMENT_BOX_BYTES_MAX + 1)],
    ],
    "day keys": [
        [7, DELEGATION, DAY],
        [7, DELEGATION, DAY, []],
        [7, DELEGATION[1:], DAY, [b"x"]],
        [7, DELEGATION, DAY, [b""]],
        [7, DELEGATION, DAY, [1]],
        [7, DELEGATION, "today", [b"x"]],
        [7, DELEGATION, DAY, [b"x"] * (DAYS_MAX + 1)],
    ],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_entry_is_refused(kind: str) -> None:
    """An entry that breaks the layout is named as such, never half understood."""
    for item in BROKEN[kind]:
        with pytest.raises(EntryInvalidError):
            decode_entry(cbor2.dumps(item, canonical=True))


@pytest.mark.parametrize("entry", [ActEntry(b""), RetireEntry(b"x"), DayKeysEntry(DELEGATION, date.max, ())])
def test_what_breaks_the_layout_is_not_written_either(entry: Entry) -> None:
    """A node never publishes what the others would have to pass over."""
    with pytest.raises(EntryInvalidError):
        encode_entry(entry)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_break_the_reader_of_entries(raw: bytes) -> None:
    """Bytes are an entry or are refused; there is no third way."""
    try:
        entry = decode_entry(raw)
    except EntryInvalidError:
        return
    assert encode_entry(entry) == raw
