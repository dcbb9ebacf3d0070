"""X-Wing key pairs (ML-KEM-768 and X25519) from 32-byte seeds: what day secrets are sealed to."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

SEED_BYTES = 32
MLKEM_PUBLIC_BYTES = 1184
ENCRYPTION_PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + 32
_MLKEM_SEED_BYTES = 64


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """An X-Wing key pair. public_bytes: 1,216 bytes as in the X-Wing draft, ML-KEM's key, then X25519's."""

    private: MLKEM768X25519PrivateKey = field(repr=False)
    public: MLKEM768X25519PublicKey = field(repr=False)
    public_bytes: bytes = field(repr=False)

    @property
    def public_text(self) -> str:
        """The public key as text, for `node.keys.encryption_public_key`."""
        return base64.b64encode(self.public_bytes).decode()


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
