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
What both are made of: node.envelope.
"""

import datetime
import hmac
import secrets
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from node import cbor
from node.day_secret import DaySecret, RandomBytes
from node.entry import ENTRY_ID_BYTES, EntryKind, GrantEntry, KeyEntry, SealedEntry
from node.envelope import (
    ENCAPSULATION_BYTES,
    HPKE,
    SUITE,
    TAG_BYTES,
    ZERO_NONCE,
    Readers,
    SealBrokenError,
    SealingError,
    boxes_for,
    check_suite,
    opened_box,
    padded,
    size_class,
    unpadded,
)

SIZE_CLASS_MAX = 512 * 1024
PLAINTEXT_BYTES_MAX = SIZE_CLASS_MAX - 1  # one byte marks where the padding starts

_BOX_LABEL = b"yakujo key box 1\x00"
_MESSAGE_LABEL = b"yakujo sealed message 1\x00"
_BOX_PLAINTEXT_BYTES = 256
_BOX_BYTES = ENCAPSULATION_BYTES + _BOX_PLAINTEXT_BYTES + TAG_BYTES
_GRANT_SLOT = 255  # no box of a key entry has it


class OpenedSecret(NamedTuple):
    """A day secret found in a key entry. reader: the name of the own key that opened it."""

    secret: DaySecret
    reader: str


def seal_secret(secret: DaySecret, recipients: Sequence[MLKEM768X25519PublicKey]) -> KeyEntry:
    """The key entry by which each of `recipients`, and nobody else, learns `secret` and what it is for.

    Boxes that nobody can open fill up the number, and the order is random.
    """
    info = partial(_box_info, secret.network, secret.key_id)
    boxes = boxes_for(_box_plaintext(secret), recipients, info)
    return KeyEntry(SUITE, secret.key_id, secret.day, boxes)


def grant_secret(secret: DaySecret, reader: MLKEM768X25519PublicKey) -> GrantEntry:
    """The grant by which `reader` learns `secret` later."""
    info = _box_info(secret.network, secret.key_id, _GRANT_SLOT)
    return GrantEntry(SUITE, secret.key_id, secret.day, HPKE.encrypt(_box_plaintext(secret), reader, info))


def open_secret(entry: KeyEntry, network: bytes, keys: Readers) -> OpenedSecret | None:
    """The secret in `entry` if one of `keys` opens a box of it, else None: it is for others.

    Raises SealBrokenError where a box opens but holds something else than the entry commits to: whoever made
    it tried to give its readers different secrets. Costs about 0.15 ms per box and key.
    """
    check_suite(entry.suite)
    for slot, box in enumerate(entry.boxes):
        if opened := _opened(box, entry, network, keys, slot):
            return opened
    return None


def open_grant(entry: GrantEntry, network: bytes, keys: Readers) -> OpenedSecret | None:
    """The secret in a grant if it is for one of `keys`; see open_secret."""
    check_suite(entry.suite)
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
    filled = padded(plaintext, size_class(len(plaintext) + 1))
    box = AESGCM(secret.message_key(entry_id)).encrypt(ZERO_NONCE, filled, header)
    return SealedEntry(SUITE, secret.key_id, entry_id, box, kind)


def open_sealed(entry: SealedEntry, secret: DaySecret, sp: str) -> bytes:
    """The plaintext of `entry`, found in a block of `sp`; SealBrokenError if not exactly that was sealed."""
    check_suite(entry.suite)
    if not hmac.compare_digest(entry.key_id, secret.key_id):
        raise SealBrokenError("the entry was sealed under another secret")
    header = _message_header(secret, entry.entry_id, sp, entry.kind)
    try:
        filled = AESGCM(secret.message_key(entry.entry_id)).decrypt(ZERO_NONCE, entry.box, header)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("the entry was altered, or put into another SP's block or network") from error
    plaintext = unpadded(filled)
    if len(filled) != size_class(len(plaintext) + 1):
        raise SealBrokenError("the entry is not of the size class that its length asks for")
    return plaintext


def _box_info(network: bytes, key_id: bytes, slot: int) -> bytes:
    """What a box is bound to; every part but the label has a fixed length."""
    return _BOX_LABEL + network + bytes([SUITE, slot]) + key_id


def _opened(
    box: bytes, entry: KeyEntry | GrantEntry, network: bytes, keys: Readers, slot: int
) -> OpenedSecret | None:
    if len(box) != _BOX_BYTES:
        return None
    info = _box_info(network, entry.key_id, slot)
    opened = opened_box(box, keys, info)
    if opened is None:
        return None
    reader, plaintext = opened
    return OpenedSecret(_committed_secret(plaintext, entry, network), reader)


def _box_plaintext(secret: DaySecret) -> bytes:
    day = secret.day.isoformat()
    told: list[cbor.Item] = [secret.broker, secret.investor, day, secret.previous, secret.acts]
    return padded(cbor.encode([*told, secret.value]), _BOX_PLAINTEXT_BYTES)


def _committed_secret(plaintext: bytes, entry: KeyEntry | GrantEntry, network: bytes) -> DaySecret:
    """The secret in an opened box, checked against the commitment before anyone uses it."""
    try:
        broker, investor, day, previous, acts, value = _box_parts(cbor.decode(unpadded(plaintext)))
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
