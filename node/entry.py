"""An entry: one record of the ledger, opaque to the block that carries it.

    encode_entry(entry) -> bytes            decode_entry(raw) -> KeyEntry | SealedEntry | UnknownEntry

The byte form is a deterministic CBOR array [kind, …]. A kind that this version does not know (public
governance records and checkpoints will come) still decodes, as an UnknownEntry, so that a node can keep it,
count it and pass over it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from node import cbor

ENTRY_BYTES_MAX = 512 * 1024 + 256  # the largest size class of a sealed message, its header and tag
ENTRY_ID_BYTES = 16
KEY_ID_BYTES = 32
BOXES_MAX = 64
BOX_BYTES_MAX = 4096
SUITE_MAX = 255
KIND_MAX = 65_535

_SIZE_RULE = f"an entry has at most {ENTRY_BYTES_MAX} bytes"
_KEY_RULE = f"a key entry is a suite, a key id of {KEY_ID_BYTES} bytes, and 1 to {BOXES_MAX} boxes"
_SEALED_RULE = (
    f"a sealed entry is a suite, a key id of {KEY_ID_BYTES} bytes, an id of {ENTRY_ID_BYTES}, and a box"
)


class EntryKind(IntEnum):
    """What an entry is. Numbers are never used again for something else."""

    KEY = 1
    SEALED = 2


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A day secret for those who may read that day of a relationship, one sealed box per reader.

    suite: the algorithms (node.sealing). key_id: the commitment to the secret and what it is for, 32 bytes;
    sealed entries name it. boxes: in no order that says anything.
    """

    suite: int
    key_id: bytes
    boxes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One encrypted message. entry_id: 16 random bytes, of which its key is derived. box: ciphertext."""

    suite: int
    key_id: bytes
    entry_id: bytes
    box: bytes


@dataclass(frozen=True, slots=True)
class UnknownEntry:
    """An entry of a later version: kept and counted as `raw`, not understood."""

    kind: int
    raw: bytes


Entry: TypeAlias = KeyEntry | SealedEntry | UnknownEntry


class EntryInvalidError(Exception):
    """The bytes are no entry; the text says why. Nodes keep their place in the order and pass over them."""


def encode_entry(entry: Entry) -> bytes:
    """The byte form of `entry`, within the limits, else EntryInvalidError."""
    if isinstance(entry, UnknownEntry):
        raw = entry.raw
    elif isinstance(entry, KeyEntry):
        _check_key(entry)
        raw = cbor.encode([int(EntryKind.KEY), entry.suite, entry.key_id, entry.boxes])
    else:
        _check_sealed(entry)
        raw = cbor.encode([int(EntryKind.SEALED), entry.suite, entry.key_id, entry.entry_id, entry.box])
    _require(len(raw) <= ENTRY_BYTES_MAX, _SIZE_RULE)
    return raw


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
    _, suite, key_id, boxes = cbor.as_record(item, int, int, bytes, list)
    entry = KeyEntry(suite, key_id, tuple(boxes))
    _check_key(entry)
    return entry


def _sealed_entry(item: object) -> SealedEntry:
    _, suite, key_id, entry_id, box = cbor.as_record(item, int, int, bytes, bytes, bytes)
    entry = SealedEntry(suite, key_id, entry_id, box)
    _check_sealed(entry)
    return entry


_DECODERS: Mapping[int, Callable[[object], Entry]] = {
    EntryKind.KEY: _key_entry,
    EntryKind.SEALED: _sealed_entry,
}


def _check_key(entry: KeyEntry) -> None:
    sizes_hold = all(type(box) is bytes and 1 <= len(box) <= BOX_BYTES_MAX for box in entry.boxes)
    _require(_header_holds(entry) and 1 <= len(entry.boxes) <= BOXES_MAX and sizes_hold, _KEY_RULE)


def _check_sealed(entry: SealedEntry) -> None:
    _require(_header_holds(entry) and len(entry.entry_id) == ENTRY_ID_BYTES and entry.box, _SEALED_RULE)


def _header_holds(entry: KeyEntry | SealedEntry) -> bool:
    return 1 <= entry.suite <= SUITE_MAX and len(entry.key_id) == KEY_ID_BYTES


def _require(holds: object, rule: str) -> None:
    if not holds:
        raise EntryInvalidError(f"entry refused: {rule}")
