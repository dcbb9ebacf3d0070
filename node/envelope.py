"""What all that is sealed is made of: how a key travels to its readers, and how a length is hidden.

    boxes_for(plaintext, readers, info) -> boxes        opened_box(box, keys, info) -> whose key, plaintext
    padded(plaintext, size)        unpadded(padded)        size_class(length)

Suite 1. HPKE in base mode (RFC 9180) with X-Wing (ML-KEM-768 and X25519), HKDF-SHA256 and AES-256-GCM, and
AES-256-GCM with a nonce of zeros where a key is used for one plaintext alone.

    SealingError
    ├── SealBrokenError        altered, moved to another place, or sealed under something else
    └── SealUnsupportedError   of a suite that this version does not know
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import SystemRandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from node.entry import BOXES_MAX
from node.keys import new_encryption_key

SUITE = 1
HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
ZERO_NONCE = bytes(12)
SIZE_CLASS_MIN = 1024
ENCAPSULATION_BYTES = 1120  # of X-Wing
TAG_BYTES = 16  # of AES-GCM

_SLOTS_MULTIPLE = 4  # boxes are made up to a multiple of it, so that their number tells little

Readers = Mapping[str, Sequence[MLKEM768X25519PrivateKey]]
"""Own keys that a box may be sealed to, by the name of their owner."""


class SealingError(Exception):
    """Something sealed could not be opened, or may not be sealed."""


class SealBrokenError(SealingError):
    """Altered, moved, or not of this secret."""


class SealUnsupportedError(SealingError):
    """A suite that this version does not know: a newer version of this node is needed to read it."""


def boxes_for(
    plaintext: bytes, recipients: Sequence[MLKEM768X25519PublicKey], info: Callable[[int], bytes]
) -> tuple[bytes, ...]:
    """A box for each of `recipients`, and others that nobody can open, in random order.

    info: what a box is bound to, by its place among the others.
    """
    slots = -(-len(recipients) // _SLOTS_MULTIPLE) * _SLOTS_MULTIPLE
    if not 1 <= slots <= BOXES_MAX:
        raise SealingError(f"1 to {BOXES_MAX} readers can be sealed to, not {len(recipients)}")
    readers = [*recipients, *(new_encryption_key().public for _ in range(slots - len(recipients)))]
    SystemRandom().shuffle(readers)
    return tuple(HPKE.encrypt(plaintext, reader, info(slot)) for slot, reader in enumerate(readers))


def opened_box(box: bytes, keys: Readers, info: bytes) -> tuple[str, bytes] | None:
    """Whose of `keys` opens a box, and the plaintext; None where it is for others."""
    for reader, owned in keys.items():
        for key in owned:
            with suppress(InvalidTag):
                return reader, HPKE.decrypt(box, key, info)
    return None


def check_suite(suite: int) -> None:
    """Raise SealUnsupportedError where this version does not know a suite."""
    if suite != SUITE:
        raise SealUnsupportedError(f"suite {suite} is not known here: install a newer version to read it")


def size_class(length: int) -> int:
    """The smallest size class, in bytes, that holds `length` bytes."""
    return max(SIZE_CLASS_MIN, 1 << (length - 1).bit_length())


def padded(plaintext: bytes, size: int) -> bytes:
    """`plaintext`, a byte 0x80, and zeros up to `size` (ISO/IEC 7816-4)."""
    return (plaintext + b"\x80").ljust(size, b"\x00")


def unpadded(padded: bytes) -> bytes:
    """What was padded; SealBrokenError where nothing was."""
    plaintext = padded.rstrip(b"\x00")
    if plaintext[-1:] != b"\x80":
        raise SealBrokenError("the padding is broken")
    return plaintext[:-1]
