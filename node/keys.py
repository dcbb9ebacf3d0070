"""The keys of a node: one for the SP, which signs blocks, and those of each institution that it serves.

An institution's delegation to this SP has a long-lived X-Wing key and one for each day, to which day secrets
are sealed, and an Ed25519 key. Private keys live in node.key_files; this module makes them from their seeds
and writes public keys as text, base64 of the raw bytes, for the network file.
"""

import base64
import binascii
import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from node.day_keys import NO_DAYS, DayTree
from node.xwing import (
    ENCRYPTION_PUBLIC_BYTES,
    MLKEM_PUBLIC_BYTES,
    SEED_BYTES,
    EncryptionKey,
    encryption_key,
)

__all__ = [
    "SEED_BYTES",
    "EncryptionKey",
    "InstitutionKeys",
    "NodeKeys",
    "PublicKeyInvalidError",
    "encryption_key",
    "encryption_public_key",
    "institution_keys",
    "new_encryption_key",
    "signing_public_key",
    "signing_text",
]

SIGNING_PUBLIC_BYTES = 32


class PublicKeyInvalidError(ValueError):
    """A text is not the public key that it should be; get it anew from its owner."""


@dataclass(frozen=True, slots=True)
class InstitutionKeys:
    """The keys of one institution's delegation to this SP. institution: its LEI.

    encryption: long-lived, for what is sealed before a day's key is announced. days: a key for each day.
    """

    institution: str
    encryption: EncryptionKey
    signing: Ed25519PrivateKey = field(repr=False)
    days: DayTree = field(default=NO_DAYS, repr=False)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """All private keys of a node. signing: of its blocks. institutions: by LEI."""

    signing: Ed25519PrivateKey = field(repr=False)
    institutions: Mapping[str, InstitutionKeys]

    def opening_keys(self, day: datetime.date) -> dict[str, list[MLKEM768X25519PrivateKey]]:
        """The keys that a secret of `day` may be sealed to, by LEI, as node.sealing.open_secret takes them.

        The day's own comes first, then the long-lived one: that alone where the day is destroyed or out of
        range.
        """
        return {
            lei: [*([keys.days.key(day).private] if day in keys.days else []), keys.encryption.private]
            for lei, keys in self.institutions.items()
        }

    def with_days(self, institution: str, days: DayTree) -> "NodeKeys":
        """These keys after a day of `institution` (LEI) is destroyed. Drop the old ones: they hold it."""
        changed = replace(self.institutions[institution], days=days)
        return replace(self, institutions={**self.institutions, institution: changed})


def new_encryption_key() -> EncryptionKey:
    """A key pair from the system's randomness."""
    return encryption_key(secrets.token_bytes(SEED_BYTES))


def institution_keys(institution: str, seeds: bytes, days: DayTree = NO_DAYS) -> InstitutionKeys:
    """The keys made from 64 bytes, the X-Wing seed and the Ed25519 seed, and the tree of the days' keys."""
    encryption = encryption_key(seeds[:SEED_BYTES])
    signing = Ed25519PrivateKey.from_private_bytes(seeds[SEED_BYTES:])
    return InstitutionKeys(institution, encryption, signing, days)


def signing_text(key: Ed25519PublicKey) -> str:
    """A signing key as text, for `signing_public_key`."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def signing_public_key(text: str) -> Ed25519PublicKey:
    """The Ed25519 key that `signing_text` wrote, else PublicKeyInvalidError."""
    return Ed25519PublicKey.from_public_bytes(_raw(text, SIGNING_PUBLIC_BYTES, "a signing key"))


def encryption_public_key(text: str) -> MLKEM768X25519PublicKey:
    """The X-Wing key that `EncryptionKey.public_text` wrote, else PublicKeyInvalidError."""
    raw = _raw(text, ENCRYPTION_PUBLIC_BYTES, "an encryption key")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_PUBLIC_BYTES])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyInvalidError("the text is not an encryption key: ML-KEM refuses it") from error
    return MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(raw[MLKEM_PUBLIC_BYTES:]))


def _raw(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PublicKeyInvalidError(f"the text is not {what}: not base64") from error
    if len(raw) != length:
        raise PublicKeyInvalidError(f"the text is not {what}: {len(raw)} bytes instead of {length}")
    return raw
