"""The keys of a node: one for the SP, which signs blocks, and two for each institution that it serves.

An institution's delegation to this SP has an X-Wing key (ML-KEM-768 and X25519), to which day secrets are
sealed, and an Ed25519 key. Private keys live in node.key_files; this module makes them from their seeds and
writes public keys as text, base64 of the raw bytes, for the network file.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

SEED_BYTES = 32
_MLKEM_SEED_BYTES = 64
_MLKEM_PUBLIC_BYTES = 1184
ENCRYPTION_PUBLIC_BYTES = _MLKEM_PUBLIC_BYTES + 32
SIGNING_PUBLIC_BYTES = 32


class PublicKeyInvalidError(ValueError):
    """A text is not the public key that it should be; get it anew from its owner."""


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """An X-Wing key pair. public_bytes: 1,216 bytes as in the X-Wing draft, ML-KEM's key, then X25519's."""

    private: MLKEM768X25519PrivateKey = field(repr=False)
    public: MLKEM768X25519PublicKey = field(repr=False)
    public_bytes: bytes = field(repr=False)

    @property
    def public_text(self) -> str:
        """The public key as text, for `encryption_public_key`."""
        return base64.b64encode(self.public_bytes).decode()


@dataclass(frozen=True, slots=True)
class InstitutionKeys:
    """The keys of one institution's delegation to this SP. institution: its LEI."""

    institution: str
    encryption: EncryptionKey
    signing: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """All private keys of a node. signing: of its blocks. institutions: by LEI."""

    signing: Ed25519PrivateKey = field(repr=False)
    institutions: Mapping[str, InstitutionKeys]

    @property
    def opening_keys(self) -> dict[str, MLKEM768X25519PrivateKey]:
        """The keys that day secrets may be sealed to, by LEI, as node.sealing.open_secret takes them."""
        return {lei: keys.encryption.private for lei, keys in self.institutions.items()}


def encryption_key(seed: bytes) -> EncryptionKey:
    """The X-Wing key pair of a 32-byte seed, by the draft's expandDecapsulationKey: SHAKE256 to 96 bytes."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + 32)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
    private = MLKEM768X25519PrivateKey(mlkem, x25519)
    public_bytes = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    return EncryptionKey(private, private.public_key(), public_bytes)


def new_encryption_key() -> EncryptionKey:
    """A key pair from the system's randomness."""
    return encryption_key(secrets.token_bytes(SEED_BYTES))


def institution_keys(institution: str, seeds: bytes) -> InstitutionKeys:
    """The keys made from 64 bytes: the X-Wing seed and the Ed25519 seed."""
    encryption = encryption_key(seeds[:SEED_BYTES])
    return InstitutionKeys(institution, encryption, Ed25519PrivateKey.from_private_bytes(seeds[SEED_BYTES:]))


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
        mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyInvalidError("the text is not an encryption key: ML-KEM refuses it") from error
    return MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:]))


def _raw(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PublicKeyInvalidError(f"the text is not {what}: not base64") from error
    if len(raw) != length:
        raise PublicKeyInvalidError(f"the text is not {what}: {len(raw)} bytes instead of {length}")
    return raw
