"""The private keys of a running node, and the folder they came from, so that a day's can be destroyed."""

import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.block_key import next_key
from node.key_files import destroy_day, load_keys
from node.key_wrapping import Protection, wrapping_of
from node.keys import NodeKeys


class KeyRing:
    """keys: as they are now. folder, protection: where they lie; None for keys that are in memory alone.

    signing: the SP's signing key, and the next one, where it is being replaced.
    """

    def __init__(
        self,
        keys: NodeKeys,
        folder: Path | None = None,
        protection: Protection = None,
        following: Ed25519PrivateKey | None = None,
    ) -> None:
        self.keys = keys
        self.signing = (keys.signing, *([following] if following is not None else []))
        self._folder = folder
        self._protection = protection

    @classmethod
    def load(cls, folder: Path, protection: Protection) -> "KeyRing":
        """The keys in a folder. Raises KeyFileError."""
        wrapping = wrapping_of(protection)  # kept: its slow step is done once
        return cls(load_keys(folder, wrapping), folder, wrapping, next_key(folder, wrapping))

    def has_day(self, lei: str, day: datetime.date) -> bool:
        """Whether the key of an institution's day is still there."""
        own = self.keys.institutions.get(lei)
        return own is not None and day in own.days

    def destroy_day(self, lei: str, day: datetime.date) -> None:
        """Destroy it, on disk first. May be repeated."""
        own = self.keys.institutions[lei]
        if self._folder is not None:
            left = destroy_day(self._folder, lei, day, self._protection)
        else:
            left = own.days.destroyed(day)
        self.keys = self.keys.with_days(lei, left)
