"""A link in this process, in place of FIX sessions and folders."""

import asyncio
from collections.abc import Callable

from adapters.fix_link import EngineReject
from adapters.folder_link import RefuseTooLarge
from adapters.link import ClientAwayError, Delivery, Receive


class MemoryLink:
    """A link in this process, for all clients of a node. It keeps what it was sent.

    away: clients that cannot be reached. refuses, after_send: raise what a fault before or after raises.
    """

    def __init__(self) -> None:
        self.sent: list[Delivery] = []
        self.away: set[str] = set()
        self.receive: Receive | None = None
        self.refuse_engine: EngineReject | None = None
        self.refuse_unread: RefuseTooLarge | None = None
        self.refuses: Callable[[Delivery], None] = lambda _: None
        self.after_send: Callable[[], None] = lambda: None

    async def run(self, receive: Receive) -> None:
        """See Link."""
        self.receive = receive
        await asyncio.Event().wait()

    async def send(self, delivery: Delivery) -> None:
        """See Link."""
        await asyncio.sleep(0)
        if delivery.client in self.away:
            raise ClientAwayError(delivery.client)
        self.refuses(delivery)
        self.sent.append(delivery)
        self.after_send()

    def to(self, name: str) -> list[Delivery]:
        """What a client was sent, each id once, in the order of the first sending."""
        return list({d.id: d for d in self.sent if d.client == name}.values())
