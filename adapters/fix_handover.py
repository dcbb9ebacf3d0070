"""From the FIX engine's callbacks to the daemon: many messages under way at once, nothing forgotten.

A message is under way from its callback until the daemon has stored it. So many and so many bytes may be
under way at once; then the callback waits, which stalls the client's engine as a full queue should.
"""

import threading
from collections.abc import Callable
from typing import Any

from adapters.fix_guard import EXIT_NOT_STORED, end
from adapters.fix_wire import Kind

STORED_SECONDS_MAX = 30.0
UNDER_WAY_MAX = 256
BYTES_UNDER_WAY_MAX = 8 * 1024 * 1024


class Received:
    """Which numbers of one session are received, which of them are under way, and the mark behind them."""

    def __init__(self, set_mark: Callable[[int], None]) -> None:
        self._set_mark = set_mark
        self._last = 0
        self._under_way: dict[int, None] = {}

    def began(self, number: int) -> None:
        """The message with the expected number is under way."""
        self._last = number
        self._under_way[number] = None

    def stored(self, number: int) -> None:
        """It is stored."""
        del self._under_way[number]
        self._set_mark(next(iter(self._under_way), self._last + 1) - 1)

    def done_up_to(self, number: int) -> None:
        """The engine itself is done with all numbers up to this one, but for those under way."""
        self._last = number
        if not self._under_way:
            self._set_mark(number)


class Handover:
    """All that is under way from the engine to the daemon."""

    def __init__(self, write: Callable[..., None]) -> None:
        self._write = write
        self._changed = threading.Condition()
        self._under_way: dict[int, tuple[int, Received | None, int]] = {}
        self._bytes = 0
        self._tokens = 0

    def send(self, received: Received, number: int, body: bytes, **words: Any) -> None:
        """Return when the daemon will have `body`, unless one of us ends before it is stored."""
        with self._changed:
            self._wait(lambda: len(self._under_way) < UNDER_WAY_MAX and self._bytes < BYTES_UNDER_WAY_MAX)
            received.began(number)
            token = self._begun(body, received, number)
        self._write(Kind.ARRIVED, body, token=token, **words)

    def send_and_wait(self, kind: Kind, body: bytes, **words: Any) -> None:
        """Return when the daemon has stored `body`."""
        with self._changed:
            token = self._begun(body, None, 0)
        self._write(kind, body, token=token, **words)
        with self._changed:
            self._wait(lambda: token not in self._under_way)

    def stored(self, token: int) -> None:
        """The daemon has stored what was sent under `token`."""
        with self._changed:
            size, received, number = self._under_way.pop(token)
            self._bytes -= size
            if received is not None:
                received.stored(number)
            self._changed.notify_all()

    def drain(self) -> None:
        """Return when nothing is under way."""
        with self._changed:
            self._wait(lambda: not self._under_way)

    def done_up_to(self, received: Received, number: int) -> None:
        """The engine is done with a session's numbers up to this one."""
        with self._changed:
            received.done_up_to(number)

    def _begun(self, body: bytes, received: Received | None, number: int) -> int:
        self._tokens += 1
        self._bytes += len(body)
        self._under_way[self._tokens] = (len(body), received, number)
        return self._tokens

    def _wait(self, condition: Callable[[], bool]) -> None:
        if not self._changed.wait_for(condition, STORED_SECONDS_MAX):
            end("what arrived was not stored in time", EXIT_NOT_STORED)
