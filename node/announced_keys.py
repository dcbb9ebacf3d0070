"""The keys that SPs have announced for coming days, by delegation: part of the register."""

import base64
import datetime
from collections.abc import Callable

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from node.keys import PublicKeyInvalidError, encryption_public_key, signing_public_key
from node.network import Delegation, Network, delegation_id
from node.proposals import ActRefusedError


class AnnouncedKeys:
    """Who has other keys now may have lost the old ones: what was announced ends with its delegation."""

    def __init__(self, network: Network) -> None:
        self._day_keys: dict[bytes, dict[datetime.date, str]] = {}
        self._delegations = _by_id(network)

    def follow(self, network: Network) -> None:
        """Take notice of the delegations as they are now."""
        self._delegations = _by_id(network)
        self._day_keys = {at: keys for at, keys in self._day_keys.items() if at in self._delegations}

    def announce(self, sp: str, delegation: bytes, day: datetime.date, public: bytes) -> None:
        """An SP's key of one day for what it acts with for an institution. Raises ActRefusedError."""
        if self._delegations.get(delegation) != sp:
            raise ActRefusedError(f"{sp} announces keys for an institution that it does not act for")
        text = base64.b64encode(public).decode()
        check_key(text, encryption_public_key)
        self._day_keys.setdefault(delegation, {})[day] = text

    def days(self, lei: str, delegation: Delegation) -> frozenset[datetime.date]:
        """The days for which there are keys."""
        return frozenset(self._day_keys.get(delegation_id(lei, delegation), ()))

    def reader(self, lei: str, delegation: Delegation, day: datetime.date) -> MLKEM768X25519PublicKey:
        """The key by which the SP of a delegation reads a day."""
        announced = self._day_keys.get(delegation_id(lei, delegation), {}).get(day)
        return encryption_public_key(announced or delegation.encryption_key)


def _by_id(network: Network) -> dict[bytes, str]:
    """The SP of each delegation."""
    return {delegation_id(i.lei, d): d.sp for i in network.institutions for d in i.delegations}


def check_key(text: str, read: Callable[[str], object] = signing_public_key) -> None:
    """Raise ActRefusedError where `text` is no key of its kind."""
    try:
        read(text)
    except PublicKeyInvalidError as error:
        raise ActRefusedError(str(error)) from error
