"""Who can read what: day secrets sealed to their readers, and messages sealed under a day secret.

    seal_secret(secret, recipients) -> KeyEntry       open_secret(entry, network, keys) -> OpenedSecret | None
    seal(secret, sp, plaintext) -> SealedEntry        open_sealed(entry, secret, sp) -> bytes

Suite 1. A day secret S is 32 random bytes for one relationship and one business day. Its key id commits to S,
the network, both parties and the day (SHA-256), so that nobody can hand two readers different secrets under
one id: AES-GCM alone would allow it. S travels in HPKE base mode (RFC 9180) with X-Wing (ML-KEM-768 and
X25519), HKDF-SHA256 and AES-256-GCM. Each message has its own key, HMAC-SHA256(S, label | entry id), used
once and therefore with a nonce of zeros; its header and its author are associated data. Lengths are hidden in
size classes of 1, 2, 4 … 512 KiB.

    SealingError
    ├── SealBrokenError        altered, moved to another place, or sealed under something else
    └── SealUnsupportedError   of a suite that this version does not know
"""

import datetime
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import SystemRandom

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
from node.block import NETWORK_ID_BYTES
from node.entry import BOXES_MAX, ENTRY_ID_BYTES, KeyEntry, SealedEntry
from node.keys import new_encryption_key

SUITE = 1
SECRET_BYTES = 32
SIZE_CLASS_MIN = 1024
SIZE_CLASS_MAX = 512 * 1024
PLAINTEXT_BYTES_MAX = SIZE_CLASS_MAX - 1  # one byte marks where the padding starts
LEI_CHARACTERS = 20  # ISO 17442

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_COMMITMENT_LABEL = "yakujo day secret 1"
_BOX_LABEL = b"yakujo key box 1\x00"
_MESSAGE_KEY_LABEL = b"yakujo message key 1\x00"
_MESSAGE_LABEL = b"yakujo sealed message 1\x00"
_ZERO_NONCE = bytes(12)
_SLOTS_MULTIPLE = 4  # boxes are made up to a multiple of it, so that their number tells little
_BOX_PLAINTEXT_BYTES = 256
_BOX_BYTES = 1120 + _BOX_PLAINTEXT_BYTES + 16  # X-Wing's encapsulation, padded plaintext, GCM tag
_TAG_BYTES = 16

RandomBytes = Callable[[int], bytes]


class SealingError(Exception):
    """Something sealed could not be opened, or may not be sealed."""


class SealBrokenError(SealingError):
    """What was sealed has been altered, moved, or does not belong to this secret."""


class SealUnsupportedError(SealingError):
    """A suite that this version does not know: a newer version of this node is needed to read it."""


@dataclass(frozen=True, slots=True)
class DaySecret:
    """The secret of one relationship for one business day, never shown in a repr.

    network: the network's id, 32 bytes. broker, investor: their LEIs. day: the business day. value: S.
    key_id: the commitment, 32 bytes; what entries name.
    """

    network: bytes
    broker: str
    investor: str
    day: datetime.date
    value: bytes = field(repr=False)
    key_id: bytes = field(init=False)
    _keyed: tuple["hashlib._Hash", "hashlib._Hash"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.value) != SECRET_BYTES or len(self.network) != NETWORK_ID_BYTES:
            raise ValueError("a day secret and a network id have 32 bytes each")
        if not len(self.broker) == len(self.investor) == LEI_CHARACTERS:
            raise ValueError("a party of a relationship is named by an LEI of 20 characters")
        relationship: list[cbor.Item] = [self.network, self.broker, self.investor, self.day.isoformat()]
        committed = cbor.encode([_COMMITMENT_LABEL, *relationship, self.value])
        object.__setattr__(self, "key_id", hashlib.sha256(committed).digest())
        object.__setattr__(self, "_keyed", _keyed(self.value))

    def message_key(self, entry_id: bytes) -> bytes:
        """The key of one message, 32 bytes: HMAC-SHA256(S, label | entry id)."""
        inner, outer = self._keyed[0].copy(), self._keyed[1].copy()
        inner.update(entry_id)
        outer.update(inner.digest())
        return outer.digest()


@dataclass(frozen=True, slots=True)
class OpenedSecret:
    """A day secret found in a key entry. reader: the name of the own key that opened it."""

    secret: DaySecret
    reader: str


def new_secret(
    network: bytes,
    broker: str,
    investor: str,
    day: datetime.date,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> DaySecret:
    """A fresh secret for one relationship and day. random_bytes: the system's randomness, except in tests."""
    return DaySecret(network, broker, investor, day, random_bytes(SECRET_BYTES))


def seal_secret(secret: DaySecret, recipients: Sequence[MLKEM768X25519PublicKey]) -> KeyEntry:
    """The key entry by which each of `recipients`, and nobody else, learns `secret` and what it is for.

    Boxes that nobody can open fill up the number, and the order is random.
    """
    slots = -(-len(recipients) // _SLOTS_MULTIPLE) * _SLOTS_MULTIPLE
    if not 1 <= slots <= BOXES_MAX:
        raise SealingError(f"a day secret has 1 to {BOXES_MAX} readers, not {len(recipients)}")
    readers = [*recipients, *(new_encryption_key().public for _ in range(slots - len(recipients)))]
    SystemRandom().shuffle(readers)
    parts: list[cbor.Item] = [secret.broker, secret.investor, secret.day.isoformat(), secret.value]
    plaintext = _padded(cbor.encode(parts), _BOX_PLAINTEXT_BYTES)
    boxes = (
        _HPKE.encrypt(plaintext, reader, _box_info(secret.network, secret.key_id, slot))
        for slot, reader in enumerate(readers)
    )
    return KeyEntry(SUITE, secret.key_id, tuple(boxes))


def open_secret(
    entry: KeyEntry, network: bytes, keys: Mapping[str, MLKEM768X25519PrivateKey]
) -> OpenedSecret | None:
    """The secret in `entry` if one of `keys` (name: key) opens a box of it, else None: it is for others.

    Raises SealBrokenError where a box opens but holds something else than the entry commits to: whoever made
    it tried to give its readers different secrets. Costs about 0.15 ms per box and key.
    """
    _check_suite(entry.suite)
    for slot, box in enumerate(entry.boxes):
        info = _box_info(network, entry.key_id, slot)
        for reader, key in keys.items():
            plaintext = _opened_box(box, key, info)
            if plaintext is not None:
                return OpenedSecret(_committed_secret(plaintext, entry.key_id, network), reader)
    return None


def seal(
    secret: DaySecret, sp: str, plaintext: bytes, random_bytes: RandomBytes = secrets.token_bytes
) -> SealedEntry:
    """`plaintext`, readable with `secret` alone, and only in a block of `sp`.

    random_bytes: the system's randomness, except in tests: an entry id must never come twice under a secret.
    """
    if len(plaintext) > PLAINTEXT_BYTES_MAX:
        raise SealingError(f"a message has at most {PLAINTEXT_BYTES_MAX} bytes, this one {len(plaintext)}")
    entry_id = random_bytes(ENTRY_ID_BYTES)
    header = _message_header(secret, entry_id, sp)
    padded = _padded(plaintext, _size_class(len(plaintext) + 1))
    box = AESGCM(secret.message_key(entry_id)).encrypt(_ZERO_NONCE, padded, header)
    return SealedEntry(SUITE, secret.key_id, entry_id, box)


def open_sealed(entry: SealedEntry, secret: DaySecret, sp: str) -> bytes:
    """The plaintext of `entry`, found in a block of `sp`; SealBrokenError if not exactly that was sealed."""
    _check_suite(entry.suite)
    if not hmac.compare_digest(entry.key_id, secret.key_id):
        raise SealBrokenError("the entry was sealed under another secret")
    header = _message_header(secret, entry.entry_id, sp)
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


def _opened_box(box: bytes, key: MLKEM768X25519PrivateKey, info: bytes) -> bytes | None:
    if len(box) != _BOX_BYTES:
        return None
    try:
        return _HPKE.decrypt(box, key, info)
    except InvalidTag:
        return None


def _committed_secret(plaintext: bytes, key_id: bytes, network: bytes) -> DaySecret:
    """The secret in an opened box, checked against the commitment before anyone uses it."""
    try:
        broker, investor, day, value = _box_parts(cbor.decode(_unpadded(plaintext)))
        secret = DaySecret(network, broker, investor, datetime.date.fromisoformat(day), value)
    except ValueError as error:
        raise SealBrokenError("a key box holds no day secret: its maker is broken or malicious") from error
    if not hmac.compare_digest(secret.key_id, key_id):
        raise SealBrokenError("a key box holds another secret than its entry commits to: distrust its maker")
    return secret


def _box_parts(item: object) -> tuple[str, str, str, bytes]:
    match item:
        case [str(broker), str(investor), str(day), bytes(value)]:
            return broker, investor, day, value
    raise ValueError("not a broker, an investor, a day and a secret")


def _keyed(value: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The two states of HMAC (RFC 2104, section 4) after key and label, made once per secret.

    hmac.digest would set up the key anew for each message, which costs more than the rest of it.
    """
    block = value.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + _MESSAGE_KEY_LABEL)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    return inner, outer


def _message_header(secret: DaySecret, entry_id: bytes, sp: str) -> bytes:
    """The associated data; every part but the last has a fixed length, so that no two headers look alike."""
    return _MESSAGE_LABEL + secret.network + bytes([SUITE]) + secret.key_id + entry_id + sp.encode()


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
