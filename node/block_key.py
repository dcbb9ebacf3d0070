"""The key that an SP signs its blocks and checkpoints with: the one that the members know it by now.

A key is replaced while the node runs. The next one is made in a folder of its own beside the one in use; the
members vote for it; and from the entry after the act on, the node that has both signs with the next one.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.key_files import load_keys
from node.key_wrapping import Protection
from node.keys import signing_text
from node.register import Register

NEXT_FOLDER = "next"  # in the keys folder
KEY_FILE = "sp.key"


class BlockKey:
    """owned: the signing keys that this node has. Used by the writer's thread alone, as the register is."""

    def __init__(self, sp: str, register: Register, owned: Sequence[Ed25519PrivateKey]) -> None:
        self._sp = sp
        self._register = register
        self._owned = {signing_text(key.public_key()): key for key in owned}

    def now(self) -> Ed25519PrivateKey | None:
        """The key to sign with; None where this SP is no member, or the members know it by another key."""
        member = next((m for m in self._register.now.members if m.sp == self._sp), None)
        return self._owned.get(member.signing_key) if member is not None else None


def next_key(folder: Path, protection: Protection) -> Ed25519PrivateKey | None:
    """The key in a keys folder that is to replace the one in use, if there is one. Raises KeyFileError."""
    if not (folder / NEXT_FOLDER / KEY_FILE).exists():
        return None
    return load_keys(folder / NEXT_FOLDER, protection).signing
