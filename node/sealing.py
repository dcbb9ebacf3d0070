"""Who can read what: day secrets sealed to their readers, and messages sealed under a day secret.

    seal_secret(secret, recipients) -> KeyEntry       open_secret(entry, network, keys) -> OpenedSecret | None
    grant_secret(secret, reader) -> GrantEntry        open_grant(entry, network, keys) -> OpenedSecret | None
    seal(secret, sp, plaintext) -> SealedEntry        open_sealed(entry, secret, sp) -> bytes

Suite 1. A day secret S is 32 random bytes for one relationship and one business day. Its key id commits to S,
the network, both parties, the day, the relationship's previous secret and the number of acts so far
(SHA-256), so that nobody can hand two readers different secrets under one id: AES-GCM alone would allow it. S
travels in HPKE base mode (RFC 9180) with X-Wing (ML-KEM-768 and X25519), HKDF-SHA256 and AES-256-GCM. Each
message has its own key, HMAC-SHA256(S, label | entry id), used once and therefore with a nonce of zeros; its
header and its author are associated data. Lengths are hidden in size classes of 1, 2, 4 … 512 KiB.

    SealingError
    ├── SealBrokenError        altered, moved to another place, or sealed under something else
    └── SealUnsupportedError   of a suite that this version does not know
"""

import datetime
import hmac
import secrets
from collections.abc import Mapping, Sequence
from random import SystemRandom
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from node import cbor
from node.day_secret import DaySecret, RandomBytes
from node.entry import (
    BOXES_MAX,
    ENTRY_ID_BYTES,
    EntryKind,
    GrantEntry,
    KeyEntry,
    SealedEntry,
)
from node.keys import new_encryption_key

SUITE = 1
SIZE_CLASS_MIN = 1024
SIZE_CLASS_MAX = 512 * 1024
PLAINTEXT_BYTES_MAX = SIZE_CLASS_MAX - 1  # one byte marks where the padding starts

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_BOX_LABEL = b"yakujo key box 1\x00"
_MESSAGE_LABEL = b"yakujo sealed message 1\x00"
_ZERO_NONCE = bytes(12)
_SLOTS_MULTIPLE = 4  # boxes are made up to a multiple of it, so that their number tells little
_BOX_PLAINTEXT_BYTES = 256
_BOX_BYTES = 1120 + _BOX_PLAINTEXT_BYTES + 16  # X-Wing's encapsulation, padded plaintext, GCM tag
_GRANT_SLOT = 255  # no box of a key entry has it

Readers = Mapping[str, Sequence[MLKEM768X25519PrivateKey]]
"""Own keys that a box may be sealed to, by the name of their owner."""


class SealingError(Exception):
    """Something sealed could not be opened, or may not be sealed."""


class SealBrokenError(SealingError):
    """Altered, moved, or not of this secret."""


class SealUnsupportedError(SealingError):
    """A suite that this version does not know: a newer version of this node is needed to read it."""


class OpenedSecret(NamedTuple):
    """A day secret found in a key entry. reader: the name of the own key that opened it."""

    secret: DaySecret
    reader: str


def seal_secret(secret: DaySecret, recipients: Sequence[MLKEM768X25519PublicKey]) -> KeyEntry:
    """The key entry by which each of `recipients`, and nobody else, learns `secret` and what it is for.

    Boxes that nobody can open fill up the number, and the order is random.
    """
    slots = -(-len(recipients) // _SLOTS_MULTIPLE) * _SLOTS_MULTIPLE
    if not 1 <= slots <= BOXES_MAX:
        raise SealingError(f"a day secret has 1 to {BOXES_MAX} readers, not {len(recipients)}")
    readers = [*recipients, *(new_encryption_key().public for _ in range(slots - len(recipients)))]
    SystemRandom().shuffle(readers)
    plaintext = _box_plaintext(secret)
    boxes = (
        _HPKE.encrypt(plaintext, reader, _box_info(secret.network, secret.key_id, slot))
        for slot, reader in enumerate(readers)
    )
    return KeyEntry(SUITE, secret.key_id, secret.day, tuple(boxes))


def grant_secret(secret: DaySecret, reader: MLKEM768X25519PublicKey) -> GrantEntry:
    """The grant by which `reader` learns `secret` later."""
    info = _box_info(secret.network, secret.key_id, _GRANT_SLOT)
    return GrantEntry(SUITE, secret.key_id, secret.day, _HPKE.encrypt(_box_plaintext(secret), reader, info))


def open_secret(entry: KeyEntry, network: bytes, keys: Readers) -> OpenedSecret | None:
    """The secret in `entry` if one of `keys` opens a box of it, else None: it is for others.

    Raises SealBrokenError where a box opens but holds something else than the entry commits to: whoever made
    it tried to give its readers different secrets. Costs about 0.15 ms per box and key.
    """
    _check_suite(entry.suite)
    for slot, box in enumerate(entry.boxes):
        if opened := _opened(box, entry, network, keys, slot):
            return opened
    return None


def open_grant(entry: GrantEntry, network: bytes, keys: Readers) -> OpenedSecret | None:
    """The secret in a grant if it is for one of `keys`; see open_secret."""
    _check_suite(entry.suite)
    return _opened(entry.box, entry, network, keys, _GRANT_SLOT)


def seal(
    secret: DaySecret,
    sp: str,
    plaintext: bytes,
    kind: EntryKind = EntryKind.SEALED,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> SealedEntry:
    """`plaintext`, readable with `secret` alone, and only in a block of `sp`, as what `kind` says.

    random_bytes: the system's randomness, except in tests: an entry id must never come twice under a secret.
    """
    if len(plaintext) > PLAINTEXT_BYTES_MAX:
        raise SealingError(f"a message has at most {PLAINTEXT_BYTES_MAX} bytes, this one {len(plaintext)}")
    entry_id = random_bytes(ENTRY_ID_BYTES)
    header = _message_header(secret, entry_id, sp, kind)
    padded = _padded(plaintext, _size_class(len(plaintext) + 1))
    box = AESGCM(secret.message_key(entry_id)).encrypt(_ZERO_NONCE, padded, header)
    return SealedEntry(SUITE, secret.key_id, entry_id, box, kind)


def open_sealed(entry: SealedEntry, secret: DaySecret, sp: str) -> bytes:
    """The plaintext of `entry`, found in a block of `sp`; SealBrokenError if not exactly that was sealed."""
    _check_suite(entry.suite)
    if not hmac.compare_digest(entry.key_id, secret.key_id):
        raise SealBrokenError("the entry was sealed under another secret")
    header = _message_header(secret, entry.entry_id, sp, entry.kind)
    try:
        padded = AESGCM(secret.message_key(entry.entry_id)).decrypt(_ZERO_NONCE, entry.box, header)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("the entry was altered, or put into another SP's block or network") from error
    plaintext = _unpadded(padded)
    if len(padded) != _size_class(len(plaintext) + 1):
        raise SealBrokenError("the entry is not of the size class that its length asks for")
    return plaintext


def _check_suite(suite: int) -> None:
    if suite != SUITE:
        raise SealUnsupportedError(f"suite {suite} is not known here: install a newer version to read it")


def _box_info(network: bytes, key_id: bytes, slot: int) -> bytes:
    """What a box is bound to; every part but the label has a fixed length."""
    return _BOX_LABEL + network + bytes([SUITE, slot]) + key_id


def _opened(
    box: bytes, entry: KeyEntry | GrantEntry, network: bytes, keys: Readers, slot: int
) -> OpenedSecret | None:
    if len(box) != _BOX_BYTES:
        return None
    info = _box_info(network, entry.key_id, slot)
    for reader, owned in keys.items():
        for key in owned:
            try:
                plaintext = _HPKE.decrypt(box, key, info)
            except InvalidTag:
                continue
            return OpenedSecret(_committed_secret(plaintext, entry, network), reader)
    return None


def _box_plaintext(secret: DaySecret) -> bytes:
    day = secret.day.isoformat()
    told: list[cbor.Item] = [secret.broker, secret.investor, day, secret.previous, secret.acts]
    return _padded(cbor.encode([*told, secret.value]), _BOX_PLAINTEXT_BYTES)


def _committed_secret(plaintext: bytes, entry: KeyEntry | GrantEntry, network: bytes) -> DaySecret:
    """The secret in an opened box, checked against the commitment before anyone uses it."""
    try:
        broker, investor, day, previous, acts, value = _box_parts(cbor.decode(_unpadded(plaintext)))
        on = datetime.date.fromisoformat(day)
        secret = DaySecret(network, broker, investor, on, value, previous, acts)
    except ValueError as error:
        raise SealBrokenError("a key box holds no day secret: its maker is broken or malicious") from error
    if not hmac.compare_digest(secret.key_id, entry.key_id) or secret.day != entry.day:
        raise SealBrokenError("a key box holds another secret than its entry commits to: distrust its maker")
    return secret


def _box_parts(item: object) -> tuple[str, str, str, bytes, int, bytes]:
    match item:
        case [str(broker), str(investor), str(day), bytes(previous), int(acts), bytes(value)] if acts >= 0:
            return broker, investor, day, previous, acts, value
    raise ValueError("not a broker, an investor, a day, a key id, a number of acts and a secret")


def _message_header(secret: DaySecret, entry_id: bytes, sp: str, kind: EntryKind) -> bytes:
    """The associated data; every part but the last has a fixed length, so that no two headers look alike."""
    return _MESSAGE_LABEL + secret.network + bytes([SUITE, kind]) + secret.key_id + entry_id + sp.encode()


def _size_class(length: int) -> int:
    """The smallest size class, in bytes, that holds `length` bytes."""
    return max(SIZE_CLASS_MIN, 1 << (length - 1).bit_length())


def _padded(plaintext: bytes, size: int) -> bytes:
    """`plaintext`, a byte 0x80, and zeros up to `size` (ISO/IEC 7816-4)."""
    return (plaintext + b"\x80").ljust(size, b"\x00")


def _unpadded(padded: bytes) -> bytes:
    plaintext = padded.rstrip(b"\x00")
    if plaintext[-1:] != b"\x80":
        raise SealBrokenError("the padding is broken")
    return plaintext[:-1]
