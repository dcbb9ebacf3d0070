"""The keys that an audit reads with: the node's own, those in another folder, or none.

A folder may hold a node's keys (node.key_files) or the key of a later reader (node.reader_keys), to whom days
were granted.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.key_wrapping import Protection
from node.keyring import KeyRing
from node.keys import InstitutionKeys, NodeKeys, signing_text
from node.network import Network
from node.reader_keys import KEY_FILE, load_reader
from node.settings import NodeSettings
from node.startup import protection

NOBODY = "auditor"  # stands for an SP's name; it acts for nobody


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """Keys, and whose. told: in words. sp: as whose node the archive is applied.

    is_own: they are those of the node whose archive it is, so that it must have read the same. are_granted:
    they open grants alone.
    """

    told: str
    sp: str
    ring: KeyRing
    is_own: bool = False
    are_granted: bool = False

    @property
    def open_something(self) -> bool:
        """Whether there are keys at all."""
        return bool(self.ring.keys.institutions)


def no_keys() -> AuditKeys:
    """Nothing that is sealed is opened."""
    return AuditKeys("none", NOBODY, KeyRing(_only_reading({})))


def own_keys(settings: NodeSettings, *, is_own: bool) -> AuditKeys:
    """The keys of a node. is_own: for its own store. Raises KeyFileError, SecretFileError."""
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    return AuditKeys(f"those of {settings.sp}", settings.sp, ring, is_own=is_own)


def keys_in(folder: Path, protected: Protection, network: Network) -> AuditKeys:
    """The keys in a folder, a reader's or a founding member's. Raises KeyFileError."""
    if not (folder / KEY_FILE).exists():
        ring = KeyRing.load(folder, protected)
        known_as = signing_text(ring.keys.signing.public_key())
        sp = next((member.sp for member in network.members if member.signing_key == known_as), NOBODY)
        return AuditKeys(f"those of {sp}" if sp != NOBODY else f"those in {folder}", sp, ring)
    reader = load_reader(folder, protected)
    signing = Ed25519PrivateKey.generate()
    keys = _only_reading({reader.name: InstitutionKeys(reader.name, reader.encryption, signing)})
    return AuditKeys(f"that of the reader {reader.name}", NOBODY, KeyRing(keys), are_granted=True)


def _only_reading(institutions: dict[str, InstitutionKeys]) -> NodeKeys:
    """Keys that have a signing key because keys have one; an audit signs nothing."""
    return NodeKeys(Ed25519PrivateKey.generate(), institutions)
