"""Frames between the daemon and its FIX engine child: one socket, both ways, shared by both ends.

    frame  = length of the rest (4 bytes) · length of the header (4 bytes) · header (JSON) · body (bytes)

The body is native FIX text and never interpreted here. A frame's kind is the header's "kind"; the lists
below name what else stands in the header. Both ends are ours and start together, so there is no version.
"""

import asyncio
import json
import socket
import struct
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FRAME_BYTES_MAX = 256 * 1024 * 1024
_PREFIX = struct.Struct(">II")
_LENGTH_BYTES = 4


class Kind(StrEnum):
    """What a frame says."""

    # daemon to child
    CONFIGURE = "configure"  # sessions, state_dir, limits: the first frame, once
    STORED = "stored"  # token: the bytes handed over under it are stored
    SEND = "send"  # id, client, lot: of which none is sent after one that was not; body: the message
    STOP = "stop"  # log out politely and end
    # child to daemon
    READY = "ready"  # port: where the engine takes connections
    ARRIVED = "arrived"  # token, client, origin; body: the message
    REFUSED = "refused"  # token, client, split; body: message, then at `split` the engine's reject
    SENT = "sent"  # id
    AWAY = "away"  # id
    UNSENDABLE = "unsendable"  # id, reason
    LOGGED_ON = "logged_on"  # client, connected
    EVENT = "event"  # client, event: a line for the log


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    header: dict[str, Any]
    body: bytes = b""

    @property
    def kind(self) -> str:
        """What the frame says."""
        return str(self.header["kind"])


class TornFrameError(Exception):
    """The other end sent lengths that cannot be: it is broken, and the connection with it."""


def packed(kind: Kind, body: bytes = b"", **words: Any) -> bytes:
    """A frame's bytes."""
    header = json.dumps({"kind": kind, **words}, separators=(",", ":")).encode()
    return _PREFIX.pack(_LENGTH_BYTES + len(header) + len(body), len(header)) + header + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame, None at the end of the stream."""
    try:
        rest, header_length = _lengths(await reader.readexactly(_PREFIX.size))
        payload = await reader.readexactly(rest - _LENGTH_BYTES)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return _frame(payload, header_length)


class BlockingWire:
    """The child's end: any thread writes, one thread reads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reading = connection.makefile("rb", buffering=256 * 1024)
        self._writing = threading.Lock()

    def write(self, kind: Kind, body: bytes = b"", **words: Any) -> None:
        """Write one frame; raises OSError where the daemon is gone."""
        frame = packed(kind, body, **words)
        with self._writing:
            self._connection.sendall(frame)

    def read(self) -> Frame | None:
        """The next frame, None where the daemon is gone."""
        prefix = self._reading.read(_PREFIX.size)
        if len(prefix) < _PREFIX.size:
            return None
        rest, header_length = _lengths(prefix)
        payload = self._reading.read(rest - _LENGTH_BYTES)
        return _frame(payload, header_length) if len(payload) == rest - _LENGTH_BYTES else None


def _lengths(prefix: bytes) -> tuple[int, int]:
    rest, header_length = _PREFIX.unpack(prefix)
    if not _LENGTH_BYTES <= rest <= FRAME_BYTES_MAX or header_length > rest - _LENGTH_BYTES:
        raise TornFrameError(f"frame of {rest} bytes with a header of {header_length}")
    return rest, header_length


def _frame(payload: bytes, header_length: int) -> Frame:
    return Frame(json.loads(payload[:header_length]), payload[header_length:])


def free_port() -> int:
    """A port for the engine to listen on, which cannot say which it was given.

    Where another process takes it first, the engine ends and is started anew.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
