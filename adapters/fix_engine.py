"""The FIX engine: quickfix in a process of its own, started and watched by `fix_link`.

    python -m adapters.fix_engine DESCRIPTOR      (a socket to the daemon, inherited)

The only module that imports quickfix. quickfix ends or hangs its process when Python code that it calls
raises, so every callback is guarded: on what nobody foresaw it says where, without message content, and
ends the process at once. The daemon starts another, which goes on from quickfix's store. The process also
ends when the daemon is gone, so that it never holds a session for nobody.

Threads: the main thread reads frames, one thread sends, quickfix has one for its acceptor and one for its
initiator. No object of quickfix's is kept after a callback: quickfix frees it.
"""

import os
import queue
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import quickfix as fix  # type: ignore[import-untyped]  # made by SWIG, without types

from adapters.fix_bridge import Bridge, SessionBook, octets, sendable
from adapters.fix_guard import EXIT_CANNOT_START, guarded
from adapters.fix_incoming import sequence_number
from adapters.fix_sessions import FixSession, engine_settings
from adapters.fix_store import sync_store
from adapters.fix_wire import BlockingWire, Frame, Kind, free_port

SENDS_PER_SYNC_MAX = 256
ADDRESS_SPACE_BYTES_MAX = (
    4 * 1024**3
)  # quickfix buffers what a peer announces: rather lose the child than the host
Unreadable = Callable[[SessionBook], None]


def main() -> None:
    """Serve until the daemon says stop or is gone."""
    wire = BlockingWire(socket.socket(fileno=int(sys.argv[1])))
    first = wire.read()
    if first is None:
        return
    engine = guarded(Engine, EXIT_CANNOT_START)(wire, first.header)
    guarded(engine.start, EXIT_CANNOT_START)()
    guarded(engine.serve)()
    os._exit(0)  # quickfix's threads are not waited for: its store is written after each message


class Engine:
    """The process: quickfix's acceptor and initiator, the sender, and the frames from the daemon."""

    def __init__(self, wire: BlockingWire, configuration: dict[str, Any]) -> None:
        self._wire = wire
        self._state_dir = Path(configuration["state_dir"])
        settings = [FixSession.model_validate(words) for words in configuration["sessions"]]
        self._sessions = [Session(SessionBook(each, self._state_dir)) for each in settings]
        self._by_client = {session.book.client: session for session in self._sessions}
        books = {session.id.toString(): session.book for session in self._sessions}
        self._bridge = Bridge(wire)
        self._application = Application(books, self._bridge)
        self._logs = EngineLogs(books, self._bridge, self._unreadable)
        self._to_send: queue.SimpleQueue[Frame | Callable[[], None]] = queue.SimpleQueue()
        self._running: list[Any] = []  # quickfix does not keep what it was made from

    def start(self) -> None:
        """Bind, connect, and tell the daemon."""
        with suppress(ValueError, OSError):  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
        port = free_port()
        self._start("acceptor", fix.SocketAcceptor, port)
        self._start("initiator", fix.SocketInitiator, port)
        threading.Thread(target=guarded(self._send_forever), name="sender", daemon=True).start()
        self._wire.write(Kind.READY, port=port)

    def serve(self) -> None:
        """Do what the daemon says until it says stop or is gone."""
        while (frame := self._wire.read()) is not None and frame.kind != Kind.STOP:
            if frame.kind == Kind.STORED:
                self._bridge.handover.stored(int(frame.header["token"]))
            else:
                self._to_send.put(frame)
        for session in self._sessions:
            session.book.ended()

    def _start(self, role: str, maker: Any, port: int) -> None:
        chosen = [each.book.settings for each in self._sessions if each.book.settings.role == role]
        if not chosen:
            return
        path = self._state_dir / f"{role}.cfg"
        path.write_text(engine_settings(chosen, self._state_dir, port), "utf-8")
        settings, stores = fix.SessionSettings(str(path)), fix.FileStoreFactory(str(self._state_dir))
        started = maker(self._application, stores, settings, self._logs)
        self._running += [settings, stores, started]
        started.start()

    def _unreadable(self, book: SessionBook) -> None:
        """The engine could not read what came last. Whole but unreadable bytes are rejected, not ignored."""
        if raw := book.incoming.whole_but_unreadable():
            self._to_send.put(lambda: self._by_client[book.client].reject(raw))

    def _send_forever(self) -> None:
        while True:
            jobs = [self._to_send.get()]
            while len(jobs) < SENDS_PER_SYNC_MAX and not self._to_send.empty():
                jobs.append(self._to_send.get())
            self._send_all([job for job in jobs if isinstance(job, Frame)])
            for job in jobs:
                if not isinstance(job, Frame):
                    job()

    def _send_all(self, frames: list[Frame]) -> None:
        """Send, then have the disk take all of it, then tell the daemon: one wait for the disk for many."""
        outcomes = [(frame.header["id"], *self._sent_in_turn(frame)) for frame in frames]
        for client in {frame.header["client"] for frame in frames}:
            book = self._by_client[client].book
            book.sent.sync()
            sync_store(self._state_dir, book.settings.name)
        for delivery, kind, reason in outcomes:
            self._wire.write(kind, id=delivery, reason=reason)

    def _sent_in_turn(self, frame: Frame) -> tuple[Kind, str]:
        book = self._by_client[frame.header["client"]].book
        return book.in_turn(int(frame.header["lot"]), lambda: self._sent(frame))

    def _sent(self, frame: Frame) -> tuple[Kind, str]:
        session, delivery = self._by_client[frame.header["client"]], str(frame.header["id"])
        if delivery in session.book.sent:
            return Kind.SENT, ""
        if not session.live().isLoggedOn():
            return Kind.AWAY, ""
        try:
            message = session.parsed(frame.body)
        except (ValueError, fix.InvalidMessage) as error:
            return Kind.UNSENDABLE, str(error) if type(error) is ValueError else type(error).__name__
        self._application.sending.id = delivery
        entered = bool(fix.Session.sendToTarget(message, session.id))
        self._application.sending.id = None
        if not entered:
            session.book.sent.forget(delivery)
        return (Kind.SENT if entered else Kind.AWAY), ""


class Session:
    """One session at quickfix."""

    def __init__(self, book: SessionBook) -> None:
        words = book.settings
        self.book = book
        self.id = fix.SessionID(words.begin_string, words.sender_comp_id, words.target_comp_id)
        self._dictionary = fix.DataDictionary(str(book.dictionary))

    def live(self) -> Any:
        """quickfix's own object, for the moment."""
        return fix.Session.lookupSession(self.id)

    def parsed(self, raw: bytes) -> Any:
        """A business message as quickfix's own object."""
        unchecked = False  # length and checksum are the engine's to write
        return fix.Message(sendable(raw), self._dictionary, unchecked)

    def reject(self, raw: bytes) -> None:
        """Reject for the engine, and have it go on behind the message: it would ask for it again for ever."""
        number, live = sequence_number(raw), self.live()
        if number is None or live.getExpectedTargetNum() != number or not live.isLoggedOn():
            return
        reject = fix.Message()
        reject.getHeader().setField(35, "3")
        reject.setField(45, str(number))
        if self.book.settings.begin_string >= "FIX.4.4":
            reject.setField(373, "99")
        reject.setField(58, "a field has no tag, no '=' or no end, or a data field holds a field separator")
        fix.Session.sendToTarget(reject, self.id)
        live.setNextTargetMsgSeqNum(number + 1)


class Application(fix.Application):  # type: ignore[misc]  # the base is untyped
    """quickfix's callbacks, on quickfix's threads; `toApp` also on the sender's."""

    def __init__(self, books: dict[str, SessionBook], bridge: Bridge) -> None:
        super().__init__()
        self._books = books
        self._bridge = bridge
        self.sending = threading.local()

    @guarded
    def onCreate(self, arg0: Any) -> None:
        """Nothing: the session is known."""

    @guarded
    def onLogon(self, arg0: Any) -> None:
        """The client is there."""
        self._bridge.logged_on(self._books[arg0.toString()])

    @guarded
    def onLogout(self, arg0: Any) -> None:
        """The client is away."""
        self._bridge.logged_out(self._books[arg0.toString()])

    @guarded
    def fromAdmin(self, arg0: Any, arg1: Any) -> None:
        """A message that is the engine's own business came."""
        expected = int(fix.Session.lookupSession(arg1).getExpectedTargetNum())
        self._bridge.administered(self._books[arg1.toString()], int(arg0.getHeader().getField(34)), expected)

    @guarded
    def toAdmin(self, arg0: Any, arg1: Any) -> None:
        """A message of the engine's goes out; 35=3 is a reject."""
        if arg0.getHeader().getField(35) == "3":
            self._rejects(arg0, arg1)

    @guarded
    def toApp(self, arg0: Any, arg1: Any) -> None:
        """A business message goes out: a repetition, a delivery, or 35=j, the engine's other reject."""
        header, delivery = arg0.getHeader(), getattr(self.sending, "id", None)
        if header.isSetField(43):
            return
        if delivery is None:
            self._rejects(arg0, arg1)
        else:
            self._books[arg1.toString()].note_sent(int(header.getField(34)), delivery)

    @guarded
    def fromApp(self, arg0: Any, arg1: Any) -> None:
        """A business message was accepted."""
        book, number = self._books[arg1.toString()], int(arg0.getHeader().getField(34))
        self._bridge.accepted(book, number, arg0.toString)

    def _rejects(self, reject: Any, session_id: Any) -> None:
        number = int(reject.getField(45)) if reject.isSetField(45) else None
        self._bridge.rejects(self._books[session_id.toString()], number, reject.toString())


class EngineLog(fix.Log):  # type: ignore[misc]  # the base is untyped
    """quickfix's log of one session: where the bytes are seen as they came. Nothing of them is written.

    book: None for the log of no session in particular, which would get what strangers send.
    """

    def __init__(self, book: SessionBook | None, bridge: Bridge, unreadable: Unreadable) -> None:
        super().__init__()
        self._book = book
        self._bridge = bridge
        self._unreadable = unreadable

    @guarded
    def clear(self) -> None:
        """Nothing is kept."""

    @guarded
    def backup(self) -> None:
        """Nothing is kept."""

    @guarded
    def onIncoming(self, arg0: str) -> None:
        """Bytes came."""
        if self._book is not None:
            self._bridge.came(self._book, octets(arg0))

    @guarded
    def onOutgoing(self, arg0: str) -> None:
        """Nothing: the daemon has what it sent."""

    @guarded
    def onEvent(self, arg0: str) -> None:
        """The engine says what it does."""
        if self._book is None:
            return
        if arg0.startswith("Invalid message"):
            self._unreadable(self._book)
        self._bridge.noticed(self._book, arg0)


class EngineLogs(fix.LogFactory):  # type: ignore[misc]  # the base is untyped
    """Makes the logs. Disowned, for quickfix crashes on a log that Python owns."""

    def __init__(self, books: dict[str, SessionBook], bridge: Bridge, unreadable: Unreadable) -> None:
        super().__init__()
        self._books = books
        self._bridge = bridge
        self._unreadable = unreadable

    @guarded
    def create(self, *args: Any) -> EngineLog:
        """The log of one session, or of none in particular."""
        book = self._books[args[0].toString()] if args else None
        log = EngineLog(book, self._bridge, self._unreadable)
        log.__disown__()
        return log

    @guarded
    def destroy(self, arg0: Any) -> None:
        """Nothing: the process ends before."""


if __name__ == "__main__":
    main()
