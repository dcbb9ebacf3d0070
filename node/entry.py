"""An entry: one record of the ledger, opaque to the block that carries it.

    encode_entry(entry) -> bytes            decode_entry(raw) -> Entry

The byte form is a deterministic CBOR array [kind, …]. A kind that this version does not know still decodes,
as an UnknownEntry, so that a node can keep it, count it and pass over it.
"""

import datetime
from collections.abc import Callable, Mapping

from node import cbor
from node.entry_records import (
    BOX_BYTES_MAX,
    BOXES_MAX,
    DAYS_MAX,
    DELEGATION_ID_BYTES,
    DOCUMENT_BOX_BYTES_MAX,
    ENTRY_BYTES_MAX,
    ENTRY_ID_BYTES,
    KEY_ID_BYTES,
    KIND_MAX,
    SUITE_MAX,
    TEXT_BYTES_MAX,
    ActEntry,
    CheckpointEntry,
    DayKeysEntry,
    DocumentEntry,
    Entry,
    EntryKind,
    GrantEntry,
    KeyEntry,
    KnownEntry,
    PublicEntry,
    RetireEntry,
    SealedEntry,
    TimeEntry,
    UnknownEntry,
)

__all__ = [
    "BOXES_MAX",
    "BOX_BYTES_MAX",
    "DAYS_MAX",
    "DELEGATION_ID_BYTES",
    "DOCUMENT_BOX_BYTES_MAX",
    "ENTRY_BYTES_MAX",
    "ENTRY_ID_BYTES",
    "KEY_ID_BYTES",
    "KIND_MAX",
    "SUITE_MAX",
    "TEXT_BYTES_MAX",
    "ActEntry",
    "CheckpointEntry",
    "DayKeysEntry",
    "DocumentEntry",
    "Entry",
    "EntryInvalidError",
    "EntryKind",
    "GrantEntry",
    "KeyEntry",
    "KnownEntry",
    "PublicEntry",
    "RetireEntry",
    "SealedEntry",
    "TimeEntry",
    "UnknownEntry",
    "decode_entry",
    "encode_entry",
]

_SIZE_RULE = f"an entry has at most {ENTRY_BYTES_MAX} bytes"
_KEY_RULE = f"a key entry is a suite, a key id of {KEY_ID_BYTES} bytes, a day, and 1 to {BOXES_MAX} boxes"
_GRANT_RULE = f"a grant is a suite, a key id of {KEY_ID_BYTES} bytes, a day, and one box"
_TEXT_RULE = f"a checkpoint or an act has 1 to {TEXT_BYTES_MAX} bytes"
_RETIRE_RULE = f"what retires a secret is its key id of {KEY_ID_BYTES} bytes"
_DOCUMENT_RULE = (
    f"a document is a suite, an id of {KEY_ID_BYTES} bytes, 1 to {BOXES_MAX} boxes for readers, and a box of"
    f" at most {DOCUMENT_BOX_BYTES_MAX} bytes"
)
_DAYS_RULE = f"day keys are a delegation, the first day, and 1 to {DAYS_MAX} public keys"
_SEALED_RULE = (
    f"a sealed entry is a suite, a key id of {KEY_ID_BYTES} bytes, an id of {ENTRY_ID_BYTES}, and a box"
)


class EntryInvalidError(Exception):
    """The bytes are no entry; the text says why. Nodes keep their place in the order and pass over them."""


def encode_entry(entry: Entry) -> bytes:
    """The byte form of `entry`, within the limits, else EntryInvalidError."""
    raw = entry.raw if isinstance(entry, UnknownEntry) else cbor.encode(_record(entry))
    _require(len(raw) <= ENTRY_BYTES_MAX, _SIZE_RULE)
    return raw


def _record(entry: KnownEntry) -> list[cbor.Item]:
    """The array that says `entry`, checked."""
    match entry:
        case KeyEntry():
            _check_key(entry)
            return [EntryKind.KEY, entry.suite, entry.key_id, entry.day.isoformat(), entry.boxes]
        case SealedEntry():
            _check_sealed(entry)
            return [entry.kind, entry.suite, entry.key_id, entry.entry_id, entry.box]
        case GrantEntry():
            _check_grant(entry)
            return [EntryKind.GRANT, entry.suite, entry.key_id, entry.day.isoformat(), entry.box]
        case CheckpointEntry(text) | ActEntry(text):
            _check_text(text)
            kind = EntryKind.ACT if isinstance(entry, ActEntry) else EntryKind.CHECKPOINT
            return [kind, text]
        case RetireEntry(key_id):
            _require(len(key_id) == KEY_ID_BYTES, _RETIRE_RULE)
            return [EntryKind.RETIRE, key_id]
        case DayKeysEntry(delegation, first_day, keys):
            _check_day_keys(entry)
            return [EntryKind.DAY_KEYS, delegation, first_day.isoformat(), keys]
        case TimeEntry():
            return [EntryKind.TIME]
        case DocumentEntry():
            _check_document(entry)
            return [EntryKind.DOCUMENT, entry.suite, entry.document_id, entry.boxes, entry.box]


def decode_entry(raw: bytes) -> Entry:
    """The entry in `raw`; EntryInvalidError where it is not in deterministic form or breaks a limit."""
    _require(len(raw) <= ENTRY_BYTES_MAX, _SIZE_RULE)
    try:
        item = cbor.decode(raw)
        kind = _kind(item)
        decoder = _DECODERS.get(kind)
        return UnknownEntry(kind, raw) if decoder is None else decoder(item)
    except cbor.CborInvalidError as error:
        raise EntryInvalidError(f"entry refused: {error}") from error


def _kind(item: object) -> int:
    kind = item[0] if type(item) is list and item else None
    if type(kind) is not int or not 1 <= kind <= KIND_MAX:
        raise EntryInvalidError("entry refused: not an array that begins with a kind")
    return kind


def _key_entry(item: object) -> KeyEntry:
    _, suite, key_id, day, boxes = cbor.as_record(item, int, int, bytes, str, list)
    entry = KeyEntry(suite, key_id, _day(day), tuple(boxes))
    _check_key(entry)
    return entry


def _sealed_entry(item: object) -> SealedEntry:
    kind, suite, key_id, entry_id, box = cbor.as_record(item, int, int, bytes, bytes, bytes)
    entry = SealedEntry(suite, key_id, entry_id, box, EntryKind(kind))
    _check_sealed(entry)
    return entry


def _grant_entry(item: object) -> GrantEntry:
    _, suite, key_id, day, box = cbor.as_record(item, int, int, bytes, str, bytes)
    entry = GrantEntry(suite, key_id, _day(day), box)
    _check_grant(entry)
    return entry


def _checkpoint_entry(item: object) -> CheckpointEntry:
    _, note = cbor.as_record(item, int, bytes)
    _check_text(note)
    return CheckpointEntry(note)


def _act_entry(item: object) -> ActEntry:
    _, act = cbor.as_record(item, int, bytes)
    _check_text(act)
    return ActEntry(act)


def _retire_entry(item: object) -> RetireEntry:
    _, key_id = cbor.as_record(item, int, bytes)
    _require(len(key_id) == KEY_ID_BYTES, _RETIRE_RULE)
    return RetireEntry(key_id)


def _day_keys_entry(item: object) -> DayKeysEntry:
    _, delegation, first_day, keys = cbor.as_record(item, int, bytes, str, list)
    entry = DayKeysEntry(delegation, _day(first_day), tuple(keys))
    _check_day_keys(entry)
    return entry


def _time_entry(item: object) -> TimeEntry:
    cbor.as_record(item, int)
    return TimeEntry()


def _document_entry(item: object) -> DocumentEntry:
    _, suite, document_id, boxes, box = cbor.as_record(item, int, int, bytes, list, bytes)
    entry = DocumentEntry(suite, document_id, tuple(boxes), box)
    _check_document(entry)
    return entry


_DECODERS: Mapping[int, Callable[[object], Entry]] = {
    EntryKind.KEY: _key_entry,
    EntryKind.SEALED: _sealed_entry,
    EntryKind.CHECKPOINT: _checkpoint_entry,
    EntryKind.ACT: _act_entry,
    EntryKind.GRANT: _grant_entry,
    EntryKind.RETIRE: _retire_entry,
    EntryKind.DAY_KEYS: _day_keys_entry,
    EntryKind.ATTESTATION: _sealed_entry,
    EntryKind.TIME: _time_entry,
    EntryKind.DOCUMENT: _document_entry,
}


def _day(text: str) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError as error:
        raise EntryInvalidError("entry refused: a day is written as 2026-11-20") from error
    _require(day.isoformat() == text, "a day is written as 2026-11-20")  # ISO 8601 knows other forms
    return day


def _check_key(entry: KeyEntry) -> None:
    boxes_hold = all(_is_box(box) for box in entry.boxes)
    _require(_header_holds(entry) and 1 <= len(entry.boxes) <= BOXES_MAX and boxes_hold, _KEY_RULE)


def _check_grant(entry: GrantEntry) -> None:
    _require(_header_holds(entry) and _is_box(entry.box), _GRANT_RULE)


def _check_sealed(entry: SealedEntry) -> None:
    _require(_header_holds(entry) and len(entry.entry_id) == ENTRY_ID_BYTES and entry.box, _SEALED_RULE)


def _check_text(text: bytes) -> None:
    _require(1 <= len(text) <= TEXT_BYTES_MAX, _TEXT_RULE)


def _check_day_keys(entry: DayKeysEntry) -> None:
    named = len(entry.delegation) == DELEGATION_ID_BYTES
    _require(named and 1 <= len(entry.keys) <= DAYS_MAX and all(map(_is_box, entry.keys)), _DAYS_RULE)


def _check_document(entry: DocumentEntry) -> None:
    has_readers = 1 <= len(entry.boxes) <= BOXES_MAX and all(map(_is_box, entry.boxes))
    is_named = 1 <= entry.suite <= SUITE_MAX and len(entry.document_id) == KEY_ID_BYTES
    _require(is_named and has_readers and 1 <= len(entry.box) <= DOCUMENT_BOX_BYTES_MAX, _DOCUMENT_RULE)


def _is_box(box: object) -> bool:
    return type(box) is bytes and 1 <= len(box) <= BOX_BYTES_MAX


def _header_holds(entry: KeyEntry | SealedEntry | GrantEntry) -> bool:
    return 1 <= entry.suite <= SUITE_MAX and len(entry.key_id) == KEY_ID_BYTES


def _require(holds: object, rule: str) -> None:
    if not holds:
        raise EntryInvalidError(f"entry refused: {rule}")
