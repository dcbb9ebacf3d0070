"""The secret of one relationship for one business day, what commits to it, and the keys made of it."""

import datetime
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from node import cbor
from node.entry import KEY_ID_BYTES

SECRET_BYTES = 32
LEI_CHARACTERS = 20  # ISO 17442
FIRST = bytes(KEY_ID_BYTES)  # the previous secret of a relationship's first

_COMMITMENT_LABEL = "yakujo day secret 1"
_MESSAGE_KEY_LABEL = b"yakujo message key 1\x00"

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class DaySecret:
    """The secret of one relationship for one business day, never shown in a repr.

    network: the network's id, 32 bytes. broker, investor: their LEIs. day: the business day. value: S.
    previous: the key id of the relationship's secret before this one. acts: how many acts were in effect when
    it was made: who may read it is as of then. key_id: the commitment, 32 bytes; what entries name.
    """

    network: bytes
    broker: str
    investor: str
    day: datetime.date
    value: bytes = field(repr=False)
    previous: bytes = FIRST
    acts: int = 0
    key_id: bytes = field(init=False)
    _keyed: tuple["hashlib._Hash", "hashlib._Hash"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not len(self.value) == len(self.network) == len(self.previous) == SECRET_BYTES:
            raise ValueError("a day secret, a network id and a key id have 32 bytes each")
        if not len(self.broker) == len(self.investor) == LEI_CHARACTERS:
            raise ValueError("a party of a relationship is named by an LEI of 20 characters")
        relationship: list[cbor.Item] = [self.network, self.broker, self.investor, self.day.isoformat()]
        committed = cbor.encode([_COMMITMENT_LABEL, *relationship, self.previous, self.acts, self.value])
        object.__setattr__(self, "key_id", hashlib.sha256(committed).digest())
        object.__setattr__(self, "_keyed", _keyed(self.value))

    def message_key(self, entry_id: bytes) -> bytes:
        """The key of one message, 32 bytes: HMAC-SHA256(S, label | entry id)."""
        inner, outer = self._keyed[0].copy(), self._keyed[1].copy()
        inner.update(entry_id)
        outer.update(inner.digest())
        return outer.digest()


def new_secret(
    network: bytes,
    broker: str,
    investor: str,
    day: datetime.date,
    previous: bytes = FIRST,
    *,
    acts: int = 0,
) -> DaySecret:
    """A fresh secret for one relationship and day, from the system's randomness."""
    return DaySecret(network, broker, investor, day, secrets.token_bytes(SECRET_BYTES), previous, acts)


def _keyed(value: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The two states of HMAC (RFC 2104, section 4) after key and label, made once per secret.

    hmac.digest would set up the key anew for each message, which costs more than the rest of it.
    """
    block = value.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + _MESSAGE_KEY_LABEL)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    return inner, outer
