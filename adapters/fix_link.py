"""FIX sessions as a link: the daemon's side of the FIX engine, which is a child process.

    link = FixLink(sessions, state_dir)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.run(receive))
        ...
        await link.send(delivery)

What arrives is counted as received in the FIX session after `receive` has returned; where that did not
happen the client's engine sends it again, under the same origin. What is sent enters the FIX session
once per delivery id, whatever is killed meanwhile. A dead child is replaced and goes on from its store.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from adapters.fix_front import FixFront
from adapters.fix_sessions import FixSession, check_sessions
from adapters.fix_wire import Frame, Kind, TornFrameError, packed, read_frame
from adapters.link import Arrival, ClientAwayError, Delivery, Receive

RESTART_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 3.0
MESSAGE_BYTES_MAX = 4 * 1024 * 1024  # quickfix takes up to 80 times that in memory while it parses one

EngineReject = Callable[[str, bytes, bytes], Awaitable[None]]  # client, message, the engine's reject
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A session as an operator wants to see it."""

    client: str
    session: str
    role: str
    address: str
    connected: bool
    received: int
    sent: int
    refused_by_engine: int


@dataclass(slots=True)
class _Counts:
    connected: bool = False
    received: int = 0
    sent: int = 0
    refused: int = 0


class FixLink:
    """All FIX sessions of the daemon, in one engine child.

    sessions: one per client. state_dir: the engine's store, ours alone; made with mode 0700.
    on_engine_reject: called with client, message and the engine's reject (35=3 or j) before it goes out.
    message_bytes_max: a client that sends a longer message to an acceptor is cut off.
    """

    def __init__(
        self,
        sessions: Iterable[FixSession],
        state_dir: Path,
        *,
        on_engine_reject: EngineReject | None = None,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
    ) -> None:
        self._sessions = {session.client: session for session in sessions}
        check_sessions(self._sessions.values())
        self._state_dir = state_dir.absolute()
        self._on_engine_reject = on_engine_reject
        self._counts = {client: _Counts() for client in self._sessions}
        self._acknowledged: dict[str, asyncio.Future[None]] = {}
        self._lots = 0
        self._writer: asyncio.StreamWriter | None = None
        acceptors = [session for session in self._sessions.values() if session.role == "acceptor"]
        self._front = FixFront(acceptors, message_bytes_max)
        self.child_pid: int | None = None

    async def run(self, receive: Receive) -> None:
        """Serve until cancelled, with a new child for each that ends.

        `receive` is called for many messages at once, in the order of their arrival. Where it raises, this
        ends with it: a daemon that cannot store must not go on.
        """
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state_dir.chmod(0o700)
        loop, pause = asyncio.get_running_loop(), 0.1
        async with self._front:
            while True:
                began = loop.time()
                await self._serve_child(receive)
                pause = (
                    0.1 if loop.time() - began > RESTART_SECONDS_MAX else min(2 * pause, RESTART_SECONDS_MAX)
                )
                await asyncio.sleep(pause)

    async def send(self, delivery: Delivery) -> None:
        """Return when the message is in the FIX session for good. ClientAwayError where nobody is logged on.

        ValueError where the engine cannot take it as a message at all: only a faulty format causes that.
        """
        await self.send_lot([delivery], lambda: None)

    async def send_lot(self, lot: Sequence[Delivery], taken: Callable[[], None]) -> None:
        """See LotLink. Raises as `send` does."""
        self._lots += 1
        under_way = [self._sending(delivery) for delivery in lot]
        if self._writer is not None:
            with suppress(ConnectionError):
                await self._writer.drain()
        await asyncio.wait(under_way)  # all of them: what is sent again must not meet an answer to this lot
        for delivery, acknowledged in zip(lot, under_way, strict=True):
            acknowledged.result()
            self._counts[delivery.client].sent += 1
            taken()

    def _sending(self, delivery: Delivery) -> asyncio.Future[None]:
        """What comes true when the engine has sent it. One that is under way already is not sent again."""
        if delivery.client not in self._sessions:
            raise ValueError(f"{delivery.client} has no FIX session")
        if self._writer is None or not self.connected(delivery.client):
            raise ClientAwayError(delivery.client)
        acknowledged = self._acknowledged.get(delivery.id)
        if acknowledged is None:
            acknowledged = asyncio.get_running_loop().create_future()
            self._acknowledged[delivery.id] = acknowledged
            words = {"id": delivery.id, "client": delivery.client, "lot": self._lots}
            self._writer.write(packed(Kind.SEND, delivery.raw, **words))
        return acknowledged

    def connected(self, client: str) -> bool:
        """Whether the client is logged on now."""
        return self._counts[client].connected

    def status(self) -> list[SessionStatus]:
        """All sessions, for an operator."""
        return [self._status(session) for session in self._sessions.values()]

    async def _serve_child(self, receive: Receive) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, self._writer = await asyncio.open_unix_connection(sock=ours)
            try:
                child = await _start_child(theirs.fileno())
            except BaseException:
                self._writer.close()
                raise
        self.child_pid = child.pid
        try:
            self._writer.write(packed(Kind.CONFIGURE, **self._configuration()))
            await self._listen(reader, receive)
        finally:
            self._child_gone()
            await _stop_child(child, self._writer)
            self._writer = None
        log.warning("fix_engine_ended", exit_code=child.returncode)

    def _configuration(self) -> dict[str, Any]:
        sessions = [session.model_dump(mode="json") for session in self._sessions.values()]
        return {"sessions": sessions, "state_dir": str(self._state_dir)}

    async def _listen(self, reader: asyncio.StreamReader, receive: Receive) -> None:
        with suppress(TornFrameError):
            async with asyncio.TaskGroup() as tasks:
                while (frame := await read_frame(reader)) is not None:
                    if frame.kind == Kind.ARRIVED:
                        tasks.create_task(self._arrived(frame, receive), name="fix arrival")
                    elif frame.kind == Kind.REFUSED:
                        tasks.create_task(self._refused(frame), name="fix refusal")
                    else:
                        self._heard(frame)

    async def _arrived(self, frame: Frame, receive: Receive) -> None:
        client = str(frame.header["client"])
        await receive(Arrival(client, str(frame.header["origin"]), frame.body))
        self._counts[client].received += 1
        self._stored(frame)

    async def _refused(self, frame: Frame) -> None:
        client, split = str(frame.header["client"]), int(frame.header["split"])
        log.warning("fix_message_rejected_by_engine", client=client)
        if self._on_engine_reject is not None:
            await self._on_engine_reject(client, frame.body[:split], frame.body[split:])
        self._counts[client].refused += 1
        self._stored(frame)

    def _stored(self, frame: Frame) -> None:
        if self._writer is not None:
            self._writer.write(packed(Kind.STORED, token=frame.header["token"]))

    def _heard(self, frame: Frame) -> None:
        words = frame.header
        if frame.kind == Kind.READY:
            self._front.open_to(int(words["port"]))
            log.info("fix_engine_ready", pid=self.child_pid)
        elif frame.kind == Kind.LOGGED_ON:
            self._counts[words["client"]].connected = bool(words["connected"])
            log.info(
                "fix_client_logged_on" if words["connected"] else "fix_client_away", client=words["client"]
            )
        elif frame.kind == Kind.EVENT:
            log.info("fix_engine_event", client=words["client"], text=words["event"])
        else:
            self._settle(frame)

    def _settle(self, frame: Frame) -> None:
        acknowledged = self._acknowledged.pop(str(frame.header["id"]), None)
        if acknowledged is None or acknowledged.done():
            return
        if frame.kind == Kind.SENT:
            acknowledged.set_result(None)
            return
        if frame.kind == Kind.AWAY:
            acknowledged.set_exception(ClientAwayError("not logged on"))
        else:
            acknowledged.set_exception(
                ValueError(f"not a message that FIX can carry: {frame.header['reason']}")
            )
        acknowledged.exception()  # seen: its sender may have been cancelled

    def _child_gone(self) -> None:
        """Nobody is reachable, and what was not acknowledged stays with its queue."""
        self._front.close_engine()
        self.child_pid = None
        for counts in self._counts.values():
            counts.connected = False
        for acknowledged in self._acknowledged.values():
            if not acknowledged.done():
                acknowledged.set_exception(ClientAwayError("the FIX engine ended"))
                acknowledged.exception()  # seen: its sender may have been cancelled
        self._acknowledged.clear()

    def _status(self, session: FixSession) -> SessionStatus:
        counts = self._counts[session.client]
        return SessionStatus(
            client=session.client,
            session=session.name,
            role=session.role,
            address=f"{session.host}:{session.port}",
            connected=counts.connected,
            received=counts.received,
            sent=counts.sent,
            refused_by_engine=counts.refused,
        )


async def _start_child(descriptor: int) -> asyncio.subprocess.Process:
    """The engine in a session of its own, so that Ctrl-C on a terminal reaches the daemon alone."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.fix_engine",
        str(descriptor),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        start_new_session=True,
    )


async def _stop_child(child: asyncio.subprocess.Process, writer: asyncio.StreamWriter) -> None:
    """End our child and wait for it, by force where it must be; also while this task is being cancelled."""
    try:
        with suppress(ConnectionError, TimeoutError):
            writer.write(packed(Kind.STOP))
            # Not wait_for: before Python 3.12 that loses a cancellation which comes as the child ends.
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await child.wait()
    finally:
        writer.close()
        if child.returncode is None:
            child.kill()
        await child.wait()
