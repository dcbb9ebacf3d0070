"""The day secrets that this node can open: which to seal with, which to open with.

Secrets live in memory; on disk they stay sealed in their key entries, so that only a holder of the
institutions' private keys can read a copied disk.
"""

import threading
from collections.abc import Iterable
from datetime import date

from node.entry import KeyEntry, SealedEntry
from node.keys import NodeKeys
from node.network import Network
from node.sealing import DaySecret, SealBrokenError, new_secret, open_secret, seal_secret


class SecretsUnreadableError(Exception):
    """A key entry that should be readable is not; the message says why."""


class DaySecrets:
    """Opens and makes day secrets. Used by the thread that seals and the one that applies."""

    def __init__(self, network: Network, keys: NodeKeys) -> None:
        self._network = network
        self._keys = keys
        self._by_id: dict[bytes, DaySecret] = {}
        self._current: dict[tuple[str, str, date], tuple[int, DaySecret]] = {}
        self._lock = threading.Lock()

    def learn(self, entry: KeyEntry, position: int, sp: str | None) -> bool:
        """Open a key entry of the ledger; whether it was for this node. Raises SealBrokenError, see sealing.

        sp: whose block it stood in; None where it was checked before. A member that acts for neither party
        could otherwise hand them a secret that it knows. Where both sides made a secret for the same day, the
        lower position is the one to seal with.
        """
        opened = open_secret(entry, self._network.id, self._keys.opening_keys)
        if opened is None:
            return False
        secret = opened.secret
        if (secret.broker, secret.investor) not in self._network.rules:
            raise SealBrokenError("a day secret names a relationship that this network does not have")
        if sp is not None and not self._network.served_by(sp) & {secret.broker, secret.investor}:
            raise SealBrokenError(f"{sp} made a day secret for two institutions that it acts for neither of")
        with self._lock:
            self._by_id[secret.key_id] = secret
            slot = (secret.broker, secret.investor, secret.day)
            if slot not in self._current or position < self._current[slot][0]:
                self._current[slot] = (position, secret)
        return True

    def learn_all(self, entries: Iterable[tuple[KeyEntry, int]]) -> None:
        """Open key entries that were opened before."""
        for entry, position in entries:
            if not self.learn(entry, position, None):
                raise SecretsUnreadableError(
                    "a day secret that this node could open before cannot be opened now: "
                    "a private key is missing from its keys folder; restore it"
                )

    def to_open(self, entry: SealedEntry) -> DaySecret | None:
        """The secret an entry names, if this node has it."""
        with self._lock:
            return self._by_id.get(entry.key_id)

    def to_seal(self, broker: str, investor: str, day: date) -> tuple[DaySecret, KeyEntry | None]:
        """The secret of a relationship for a day; where it is new, the entry to send before its first use."""
        with self._lock:
            known = self._current.get((broker, investor, day))
        if known is not None:
            return known[1], None
        secret = new_secret(self._network.id, broker, investor, day)
        entry = seal_secret(secret, self._network.readers(broker, investor))
        return secret, entry

    def keep(self, secret: DaySecret, position: int) -> None:
        """Seal with `secret` from now on. position: above all of the ledger's while it has none itself."""
        with self._lock:
            self._by_id[secret.key_id] = secret
            self._current.setdefault((secret.broker, secret.investor, secret.day), (position, secret))
