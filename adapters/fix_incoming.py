"""Bytes of one session between their arrival and the engine's decision about them.

quickfix gives a callback a parsed message whose fields it has re-ordered. The bytes as they came are seen
before, in its log; messages that came too early wait in quickfix while a gap is filled. So they are kept
here by sequence number until the engine accepts or rejects that number.
"""

import re

_NUMBER = re.compile(rb"\x0134=(\d{1,18})\x01")
_TYPE = re.compile(rb"\x0135=([^\x01]{1,8})\x01")
_ADMINISTRATIVE = frozenset((b"0", b"1", b"2", b"3", b"4", b"5", b"A"))


def sequence_number(raw: bytes) -> int | None:
    """Tag 34 of a message, None where it has none."""
    found = _NUMBER.search(raw)
    return int(found[1]) if found else None


def message_type(raw: bytes) -> bytes:
    """Tag 35 of a message, empty where it has none."""
    found = _TYPE.search(raw)
    return found[1] if found else b""


def checksum_holds(raw: bytes) -> bool:
    """Whether the message came through whole: its last field is the sum of all bytes before it."""
    return raw[-7:-4] + raw[-1:] == b"10=\x01" and raw[-4:-1] == b"%03d" % (sum(raw[:-7]) % 256)


class Incoming:
    """Messages of one session, by number. Used by quickfix's one thread for the session."""

    def __init__(self) -> None:
        self._waiting: dict[int, bytes] = {}
        self._last = b""
        self._decided = 0

    def keep(self, raw: bytes) -> None:
        """A message came."""
        self._last = raw
        number = sequence_number(raw)
        if number is not None and number > self._decided and message_type(raw) not in _ADMINISTRATIVE:
            self._waiting[number] = raw

    def take(self, number: int) -> bytes | None:
        """The engine accepts the message with this number."""
        self._decided = number
        return self._waiting.pop(number, None)

    def refuse(self, number: int | None) -> bytes | None:
        """The engine rejects the message with this number, or the last one where it has none.

        None for an administrative message, which is nobody's business but the engine's.
        """
        if number is None:
            return self._last or None
        self._decided = max(self._decided, number)
        return self._waiting.pop(number, None)

    def whole_but_unreadable(self) -> bytes | None:
        """The last message, where it came through whole; else the line garbled it and FIX has it ignored."""
        return self._last if checksum_holds(self._last) else None

    def clear(self) -> None:
        """The connection began or ended: the engine has forgotten what waited."""
        self._waiting.clear()
        self._decided = 0
