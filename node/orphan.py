"""Ending a child process that outlived the daemon which started it."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import structlog

_POLL_SECONDS = 0.05

log = structlog.get_logger(__name__)


async def end_orphan(pid_file: Path, argument: str, seconds: float) -> None:
    """End the process that `pid_file` names if its command line has `argument`; any other is left alone.

    seconds: how long it may take to end by itself before it is killed.
    """
    pid = _pid_in(pid_file)
    if pid is None or argument not in _command_line(pid):
        return
    log.warning("ending a process that outlived its daemon", pid=pid)
    for number, wait in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if await _gone(pid, argument, wait):
            return


async def _gone(pid: int, argument: str, seconds: float) -> bool:
    """Whether the process ends within `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while argument in _command_line(pid):
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _pid_in(pid_file: Path) -> int | None:
    """The number in a pid file; None where there is none to act on."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return pid if pid > 1 else None


def _command_line(pid: int) -> str:
    """The command line of a process; empty if it has ended, also while its parent has not collected it."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""
