"""The nats-server that a daemon runs for itself: one member of the cluster that orders blocks.

    async with EmbeddedServer(settings) as server: ...     server.url, server.user, server.password

Inside the block the server is started anew whenever it ends, unless it is fenced. Before each start the guard
(node.guard) may look at its store, and mend it or keep it from starting.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from node.ledger import LedgerError
from node.nats_config import USER, ServerSettings, server_config, settings_problems
from node.nats_process import (
    NatsProcess,
    ServerError,
    ServerMissingError,
    ServerSettingsError,
    ServerStartError,
    usable_binary,
)
from node.private_file import secret_in, write_private

__all__ = [
    "EmbeddedServer",
    "ServerError",
    "ServerMissingError",
    "ServerSettingsError",
    "ServerStartError",
    "usable_binary",
]

READY_SECONDS = 120.0  # a large store takes a while to be read
SETTLED_SECONDS = 3.0  # a server that lived so long is started again at once: what ended it came from outside
RESTART_SECONDS_MIN, RESTART_SECONDS_MAX = 0.2, 30.0
START_ATTEMPTS = 3

log = structlog.get_logger(__name__)


async def _nothing() -> None:
    """What is done before a start where nobody guards the server."""


class EmbeddedServer:
    """A supervised nats-server, for use with `async with`.

    settings: checked when entering. before_start: awaited before each start; where it raises LedgerError,
    ServerError or OSError, that start is off. restarts: how often it had to be started again. trouble: why it
    could not be started, the last time; None once it was.
    """

    def __init__(
        self, settings: ServerSettings, before_start: Callable[[], Awaitable[None]] = _nothing
    ) -> None:
        self._settings = settings
        self._before_start = before_start
        self._process: NatsProcess | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._ready = False
        self.user = USER
        self.password = ""
        self.url = f"nats://127.0.0.1:{settings.client_port}"
        self.monitoring = f"http://127.0.0.1:{settings.monitor_port}"
        self.restarts = 0
        self.trouble: str | None = None

    async def __aenter__(self) -> Self:
        """Start the server and wait until it answers; ServerError or what `before_start` raises if not."""
        settings = self._settings
        for problem in settings_problems(settings):
            raise ServerSettingsError(problem)
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.directory.chmod(0o700)
        self.password = secret_in(settings.directory / "client.password")
        config = settings.directory / "nats.conf"
        write_private(config, server_config(settings, self.password).encode())
        self._process = NatsProcess(await usable_binary(settings), config)
        await self._process.end_orphan()
        try:
            await self._start_at_last(self._process)
        except BaseException:
            await self._process.stop()
            raise
        supervision = self._supervise(self._process)
        self._supervision = asyncio.create_task(supervision, name=f"nats-server {settings.name}")
        return self

    async def _start_at_last(self, process: NatsProcess) -> None:
        """Start the server, again where it ends at once: whatever killed it may be over."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(ServerStartError),
            stop=stop_after_attempt(START_ATTEMPTS),
            wait=wait_fixed(RESTART_SECONDS_MIN),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await process.stop()
                await self._start(process)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._supervision is not None:
            self._supervision.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervision
        if self._process is not None:
            if self._settings.routes and self._ready:
                await self._process.hand_over()
            await self._process.stop()

    @property
    def pid(self) -> int | None:
        """The process id of the running server; None while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def ready(self) -> bool:
        """Whether it runs and has answered since its last start."""
        return self._ready and self.pid is not None

    async def fence(self) -> None:
        """Stop it, and keep it stopped until `unfence`."""
        self._open.clear()
        if self._process is not None:
            await self._process.stop()

    def unfence(self) -> None:
        """Let supervision start it again, by way of `before_start`."""
        self._open.set()

    async def _supervise(self, process: NatsProcess) -> None:
        """Start the server again for as long as this daemon lives, more slowly where it keeps ending."""
        pause = RESTART_SECONDS_MIN
        while True:
            lived = await _lifetime(process)
            pause = RESTART_SECONDS_MIN if lived >= SETTLED_SECONDS or not self._open.is_set() else pause
            if self._open.is_set():
                last = process.last_log_line()
                log.warning("nats-server ended and is started again", lived_seconds=round(lived), last=last)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RESTART_SECONDS_MAX)
            await self._open.wait()
            self.restarts += 1
            try:
                await self._start(process)
            except (LedgerError, ServerError, OSError) as error:
                self.trouble = str(error)
                log.error("nats-server does not start", reason=self.trouble)  # noqa: TRY400 - the text says all
                await process.stop()

    async def _start(self, process: NatsProcess) -> None:
        self._ready = False
        await self._before_start()
        if self._open.is_set():  # nobody has fenced it meanwhile
            await process.start(self._greets, READY_SECONDS)
            self._ready, self.trouble = True, None

    async def _greets(self) -> None:
        assert self._process is not None, "it is made before it is started"
        await self._process.answers_as(self._settings.name, self._settings.client_port)


async def _lifetime(process: NatsProcess) -> float:
    """Wait for the process to end; the seconds that took, none where it does not run."""
    if process.pid is None:
        return 0.0
    loop = asyncio.get_running_loop()
    began = loop.time()
    await process.wait()
    return loop.time() - began
