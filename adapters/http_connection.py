"""Connections that are bounded in number, and in the time that they may take without asking anything."""

import asyncio
from collections.abc import Callable

MakeProtocol = Callable[[], asyncio.Protocol]


class Connections:
    """Makes the protocol of each new connection: `make`'s, watched.

    count_max: a connection above it is cut off at once. idle_seconds: one that has no request under way is
    cut off after so long.
    """

    def __init__(self, make: MakeProtocol, count_max: int, idle_seconds: float) -> None:
        self._make = make
        self.count_max = count_max
        self.idle_seconds = idle_seconds
        self.open: dict[asyncio.BaseTransport, Watched] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return Watched(self._make(), self)

    def begin(self, transport: asyncio.BaseTransport | None) -> None:
        """A request has come in whole on a connection: its time is the handler's now."""
        if transport is not None and (found := self.open.get(transport)) is not None:
            found.rest()

    def end(self, transport: asyncio.BaseTransport | None) -> None:
        """Its reply is ready to go out: from now on the connection is idle again."""
        if transport is not None and (found := self.open.get(transport)) is not None:
            found.watch()


class Watched(asyncio.Protocol):
    """One connection: all is handed on to another protocol."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.BaseTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it, or cut it off where there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._inner.connection_made(transport)
        self._transport = transport
        is_one_too_many = len(self._connections.open) >= self._connections.count_max
        self._connections.open[transport] = self
        if is_one_too_many:
            transport.abort()
        else:
            self.watch()

    def data_received(self, data: bytes) -> None:
        """Hand on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Hand on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.rest()
        if self._transport is not None:
            self._connections.open.pop(self._transport, None)
        self._inner.connection_lost(exc)

    def watch(self) -> None:
        """Give it so much time from now on."""
        self.rest()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._connections.idle_seconds, self._cut_off)

    def rest(self) -> None:
        """Give it all the time that it wants."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.abort()
