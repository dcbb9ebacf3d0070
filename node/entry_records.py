"""What stands in the ledger's entries: one class for each kind (node.entry has their byte form)."""

import datetime
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

ENTRY_BYTES_MAX = 512 * 1024 + 256  # the largest size class of a sealed message, its header and tag
ENTRY_ID_BYTES = 16
KEY_ID_BYTES = 32
BOXES_MAX = 64
BOX_BYTES_MAX = 4096
SUITE_MAX = 255
KIND_MAX = 65_535
DOCUMENT_BOX_BYTES_MAX = 256 * 1024 + 16  # the largest size class of a document, and its tag
TEXT_BYTES_MAX = 16 * 1024  # of an act or a checkpoint
DAYS_MAX = 31
DELEGATION_ID_BYTES = 16


class EntryKind(IntEnum):
    """What an entry is. Numbers are never used again for something else."""

    KEY = 1
    SEALED = 2
    CHECKPOINT = 3
    ACT = 4
    GRANT = 5
    RETIRE = 6
    DAY_KEYS = 7
    ATTESTATION = 8
    TIME = 9
    DOCUMENT = 10


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A day secret for those who may read that day of a relationship, one sealed box per reader.

    suite: the algorithms (node.sealing). key_id: the commitment to the secret and what it is for, 32 bytes;
    sealed entries name it. day: the business day. boxes: in no order that says anything.
    """

    suite: int
    key_id: bytes
    day: datetime.date
    boxes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One encrypted submission or attestation. entry_id: 16 random bytes, of which its key is derived."""

    suite: int
    key_id: bytes
    entry_id: bytes
    box: bytes
    kind: EntryKind = EntryKind.SEALED


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """A checkpoint of the SP in whose block it stands: a signed note (node.checkpoint)."""

    note: bytes


@dataclass(frozen=True, slots=True)
class ActEntry:
    """A public act, in the byte form of node.act."""

    act: bytes


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """A day secret for one more reader, who may be anybody; the box is like those of a key entry."""

    suite: int
    key_id: bytes
    day: datetime.date
    box: bytes


@dataclass(frozen=True, slots=True)
class RetireEntry:
    """A day secret that nothing is to be sealed with any more."""

    key_id: bytes


@dataclass(frozen=True, slots=True)
class DayKeysEntry:
    """An SP's public keys of consecutive days. delegation: node.network.delegation_id, 16 bytes."""

    delegation: bytes
    first_day: datetime.date
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """Nothing but the time of its block, which is what its SP has to say (node.ledger_time)."""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document of a relationship, encrypted, with its key for each reader (node.document).

    document_id: 32 bytes, the commitment to the key and the document; acts name it. boxes: one per reader, in
    no order that says anything. box: the document. The same may be put again for later readers.
    """

    suite: int
    document_id: bytes
    boxes: tuple[bytes, ...]
    box: bytes


@dataclass(frozen=True, slots=True)
class UnknownEntry:
    """An entry of a later version: kept and counted as `raw`, not understood."""

    kind: int
    raw: bytes


PublicEntry: TypeAlias = CheckpointEntry | ActEntry | RetireEntry | DayKeysEntry | TimeEntry
KnownEntry: TypeAlias = KeyEntry | SealedEntry | GrantEntry | DocumentEntry | PublicEntry
Entry: TypeAlias = KnownEntry | UnknownEntry
