"""The sign of life: a small file that a running node writes each second, for `yakujo status`."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from node.guard_state import GuardState

PULSE_FILE = "pulse.json"
PULSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Session(BaseModel):
    """A FIX session. connected: logged on now. received, sent, refused_by_engine: since the node's start."""

    model_config = ConfigDict(frozen=True, from_attributes=True, extra="ignore")

    client: str
    session: str
    role: str
    address: str
    connected: bool
    received: int
    sent: int
    refused_by_engine: int


class Pulse(BaseModel):
    """What a running node says of itself. written, started: seconds since 1970, UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    started: float
    written: float
    fix_engine_pid: int | None = None
    sessions: tuple[Session, ...] = ()
    guard: GuardState | None = None


async def beat(
    folder: Path,
    sessions: Callable[[], tuple[int | None, tuple[Session, ...]]],
    guard: Callable[[], GuardState | None],
) -> None:
    """Write the file in `folder` until cancelled.

    sessions: the FIX engine's process and sessions, now. guard: how the guard of the ledger's server stands.
    """
    started = time.time()
    while True:
        engine, connected = sessions()
        pulse = Pulse(
            pid=os.getpid(),
            started=started,
            written=time.time(),
            fix_engine_pid=engine,
            sessions=connected,
            guard=guard(),
        )
        try:
            await asyncio.to_thread(_write, folder / PULSE_FILE, pulse)
        except OSError as error:  # monitoring sees an old pulse; confirming trades matters more
            log.warning("the sign of life cannot be written", reason=error.strerror)
        await asyncio.sleep(PULSE_SECONDS)


def read_pulse(folder: Path) -> Pulse | None:
    """The last sign of life in `folder`; None where there is none."""
    try:
        return Pulse.model_validate_json((folder / PULSE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _write(path: Path, pulse: Pulse) -> None:
    """Replace the file as a whole. It need not outlive a power cut, so nothing waits for the disk."""
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(pulse.model_dump_json())
    part.replace(path)
