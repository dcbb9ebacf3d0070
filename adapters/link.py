"""What a link is: a transport to one or more clients. It moves bytes and understands nothing in them.

A link calls `receive` for each thing that arrives and acknowledges to its transport only after `receive`
has returned: by then the bytes are stored durably. `send` returns when the transport has taken the bytes
durably; the delivery queue calls it again with the same id where it did not return, so a link makes a
repeated id harmless where its transport allows that.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Arrival:
    """Raw bytes from a client.

    client: the client's name in the configuration.
    origin: what the transport calls this delivery; the same again if the transport repeats it
        (FIX: session and sequence number; folder: file name and digest). Empty where it has no name.
    """

    client: str
    origin: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes for a client.

    id: unique per delivery, safe as a file name; the same again if the delivery is repeated.
    kind: what it is, for the transport to sort by: "result", "refusal", "copy".
    """

    id: str
    client: str
    kind: str
    raw: bytes


Receive = Callable[[Arrival], Awaitable[None]]


class Link(Protocol):
    """A transport, made from the settings of the clients that use it."""

    async def run(self, receive: Receive) -> None:
        """Serve until cancelled; survive whatever the transport does meanwhile."""
        ...

    async def send(self, delivery: Delivery) -> None:
        """Hand `delivery` over durably. Raises ClientAwayError where the client cannot be reached now."""
        ...


@runtime_checkable
class LotLink(Link, Protocol):
    """A link that takes many deliveries with one wait for the disk, which is quicker than one by one."""

    async def send_lot(self, lot: Sequence[Delivery], taken: Callable[[], None]) -> None:
        """Hand over deliveries to one client, in order. Raises as `send` does, where one is not taken.

        taken: called for each that is. None is taken after one that was not.
        """
        ...


class ClientAwayError(Exception):
    """The client is not reachable now; the delivery stays queued and is tried again."""
