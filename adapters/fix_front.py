"""The door in front of the FIX engine: where clients of acceptor sessions connect.

quickfix binds to every address of the host, stalls all sessions while one peer has not finished its first
message, and buffers whatever length a peer announces. So clients connect here, in the daemon, and the
engine listens on a port of its own that takes connections from this host alone. The door keeps to the
address in the settings, wants a logon in time, and cuts off a client whose message is too long; bytes
pass through unchanged. TLS, where a client wants it, ends here too.
"""

import asyncio
import re
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from adapters.fix_sessions import FixSession

LOGON_SECONDS_MAX = 10.0
ENGINE_SECONDS_MAX = 10.0
CONNECTIONS_MAX = 256
LOGON_BYTES_MAX = 4096
_CHUNK = 64 * 1024
_HEAD = re.compile(rb"8=FIX[^\x01]{1,8}\x019=(\d{1,12})\x01")
_HEAD_BYTES_MAX = 40
_TRAILER_BYTES = 7  # 10=nnn and its separator

log = structlog.get_logger(__name__)


class BrokenStreamError(Exception):
    """The bytes are no FIX stream that we take: too long a message, or none at all."""


class FixFront:
    """Listens for clients while it is entered; passes them on while the engine is open."""

    def __init__(self, sessions: Iterable[FixSession], message_bytes_max: int) -> None:
        self._addresses = sorted({(session.host, session.port) for session in sessions})
        self._message_bytes_max = message_bytes_max
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._port = 0
        self._open = asyncio.Event()

    async def __aenter__(self) -> Self:
        for host, port in self._addresses:
            self._servers.append(await asyncio.start_server(self._accept, host, port, limit=_CHUNK))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._hang_up()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def open_to(self, port: int) -> None:
        """The engine listens on `port`."""
        self._port = port
        self._open.set()

    def close_engine(self) -> None:
        """The engine is gone: clients are cut off, and those who connect wait for the next."""
        self._open.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except BrokenStreamError as error:
            log.warning("fix_connection_refused", reason=str(error))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one of both ends is gone, or we hang up: FIX goes on with the next connection
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(LOGON_SECONDS_MAX):
            first = await _first_message(reader)
        async with asyncio.timeout(ENGINE_SECONDS_MAX):
            await self._open.wait()
        engine_reader, engine_writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_CHUNK)
        try:
            gauge = Gauge(self._message_bytes_max)
            gauge.pass_on(first)
            engine_writer.write(first)
            await _until_one_ends(_pass(reader, engine_writer, gauge), _pass(engine_reader, writer, None))
        finally:
            engine_writer.close()


class Gauge:
    """Follows the message lengths in a stream of FIX messages without keeping their bytes.

    Where a message does not end as its length says, FIX has it ignored: the next beginning is looked for.
    """

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._head = b""
        self._skip = 0

    def pass_on(self, chunk: bytes) -> None:
        """These bytes go by. BrokenStreamError where a message is over the limit."""
        at = min(self._skip, len(chunk))
        self._skip -= at
        if self._head and at < len(chunk):
            chunk, self._head = self._head + chunk[at:], b""
            at = 0
        while at < len(chunk):
            at = self._begin(chunk, at)

    def _begin(self, chunk: bytes, at: int) -> int:
        """The place where the message that begins at `at` or later ends, as far as this chunk goes."""
        found = _HEAD.search(chunk, at)
        if found is None:
            self._head = chunk[max(at, len(chunk) - _HEAD_BYTES_MAX) :]
            return len(chunk)
        whole = found.end() - found.start() + int(found[1]) + _TRAILER_BYTES
        if whole > self._message_bytes_max:
            raise BrokenStreamError(
                f"a message of {whole} bytes; at most {self._message_bytes_max} are taken"
            )
        end = found.start() + whole
        self._skip = max(0, end - len(chunk))
        return min(end, len(chunk))


async def _first_message(reader: asyncio.StreamReader) -> bytes:
    """The whole logon: the engine shall never wait for the rest of it."""
    try:
        first = await reader.readuntil(b"\x0110=")
        first += await reader.readuntil(b"\x01")
    except asyncio.LimitOverrunError as error:
        raise BrokenStreamError("no logon") from error
    if len(first) > LOGON_BYTES_MAX or b"\x0135=A\x01" not in first:
        raise BrokenStreamError("no logon")
    return first


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gauge: Gauge | None) -> None:
    while chunk := await reader.read(_CHUNK):
        if gauge is not None:
            gauge.pass_on(chunk)
        writer.write(chunk)
        await writer.drain()


async def _until_one_ends(*directions: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(direction, name="fix front") for direction in directions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
