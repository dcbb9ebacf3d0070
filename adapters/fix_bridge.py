"""What the FIX engine's callbacks do, without quickfix: per session, between the engine and the daemon.

Nothing is sent from here: quickfix holds its session's lock during a callback. Nothing that a message
says is logged.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.fix_handover import Handover, Received
from adapters.fix_incoming import Incoming, message_type
from adapters.fix_sent import Note, SentRecord
from adapters.fix_sessions import FixSession, relaxed_dictionary, relaxed_path
from adapters.fix_store import PowerCut, StoredMark, store_epoch
from adapters.fix_wire import BlockingWire, Kind

_MAY_RESTART_NUMBERS = frozenset((b"A", b"4", b"5"))
_ADMINISTRATIVE = frozenset((b"0", b"1", b"2", b"3", b"4", b"5", b"A"))
_EVENTS_WITHOUT_CONTENT = (
    "Allows connections",
    "Already sent ResendRequest",
    "Connecting to",
    "Connection succeeded",
    "Deny connections",
    "Disconnecting",
    "Initiated log",
    "Logon contains ResetSeqNumFlag",
    "MsgSeqNum too",
    "Received ResendRequest",
    "Received SequenceReset",
    "Received log",
    "ResendRequest for messages",
    "Responding to logon",
    "Sending logout",
    "Sent ResendRequest",
    "Sent SequenceReset",
    "Timed out",
)


class SessionBook:
    """What the child knows of one session: what came, what is stored of it, what was sent.

    Made before quickfix opens its store, whose numbers it may correct.
    """

    def __init__(self, settings: FixSession, state_dir: Path) -> None:
        self.settings = settings
        self.client = settings.client
        self.incoming = Incoming()
        self.sent = SentRecord(state_dir, settings.name)
        self._state_dir = state_dir
        mark = StoredMark(state_dir, settings.name)
        mark.go_back()
        self.received = Received(mark.set)
        self._power_cut = PowerCut(state_dir, settings.name)
        self._power_cut.skip_numbers()
        self._given_up = 0
        self.dictionary = relaxed_path(settings, state_dir)
        self.dictionary.write_bytes(relaxed_dictionary(settings.dictionary.read_bytes()))

    def ended(self) -> None:
        """The process ends because the daemon said so."""
        self._power_cut.ended_well()

    def epoch(self) -> str:
        """The present number space."""
        return store_epoch(self._state_dir, self.settings.name)

    def in_turn(self, lot: int, send: Callable[[], tuple[Kind, str]]) -> tuple[Kind, str]:
        """What becomes of a delivery. Nothing of a lot is sent after what was not: it would overtake that."""
        if self._given_up == lot:
            return Kind.AWAY, ""
        kind, reason = send()
        if kind is not Kind.SENT:
            self._given_up = lot
        return kind, reason

    def note_sent(self, number: int, delivery: str) -> None:
        """A delivery is about to enter quickfix's store under this number."""
        self.sent.note(Note(self.epoch(), number, delivery))


class Bridge:
    """From quickfix's callbacks to the daemon."""

    def __init__(self, wire: BlockingWire) -> None:
        self._wire = wire
        self.handover = Handover(wire.write)

    def logged_on(self, book: SessionBook) -> None:
        """The client is there."""
        self._tell(book, connected=True)

    def logged_out(self, book: SessionBook) -> None:
        """The client is away. Its numbers may restart now, so nothing may be under way."""
        self.handover.drain()
        self._tell(book, connected=False)

    def came(self, book: SessionBook, raw: bytes) -> None:
        """Bytes of one message came; the engine has not yet judged them."""
        if message_type(raw) in _MAY_RESTART_NUMBERS:
            self.handover.drain()
        book.incoming.keep(raw)

    def accepted(self, book: SessionBook, number: int, parsed: Callable[[], str]) -> None:
        """The engine accepts a business message, and counts it as received when this returns."""
        raw = book.incoming.take(number) or octets(parsed())
        origin = f"{book.settings.name}/{book.epoch()}/{number}"
        self.handover.send(book.received, number, raw, client=book.client, origin=origin)

    def administered(self, book: SessionBook, number: int, expected: int) -> None:
        """The engine deals with its own message. One that overtook others says nothing about those."""
        self.handover.done_up_to(book.received, number if number == expected else expected - 1)

    def rejects(self, book: SessionBook, number: int | None, reject: str) -> None:
        """The engine is about to reject a message: the daemon keeps both."""
        raw = book.incoming.refuse(number)
        if raw is not None:
            both = raw + octets(reject)
            self.handover.send_and_wait(Kind.REFUSED, both, client=book.client, split=len(raw))

    def noticed(self, book: SessionBook, event: str) -> None:
        """The engine has something for a log."""
        if event.startswith(_EVENTS_WITHOUT_CONTENT):
            self._wire.write(Kind.EVENT, event=event[:200], client=book.client)

    def _tell(self, book: SessionBook, **words: Any) -> None:
        book.incoming.clear()
        self._wire.write(Kind.LOGGED_ON, client=book.client, **words)


def octets(text: str) -> bytes:
    """The bytes that quickfix handed to Python as text."""
    return text.encode("utf-8", "surrogateescape")


def sendable(raw: bytes) -> str:
    """A business message as quickfix takes it: UTF-8 without NUL, at which its store would cut it off.

    ValueError says why a message is none.
    """
    if b"\0" in raw:
        raise ValueError("a NUL byte")
    if message_type(raw) in _ADMINISTRATIVE | {b""}:
        raise ValueError("not a business message")
    return raw.decode("utf-8")
