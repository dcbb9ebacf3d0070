"""The ledger on NATS JetStream: one replicated file stream that is never purged.

    async with JetStreamLedger(settings) as ledger: ...     see node.ledger.Ledger

On entering it connects, makes the stream if it is not there yet, and refuses settings that could lose blocks
(node.jetstream_settings). Reading uses a push consumer with flow control and heartbeats, made anew whenever
anything about it is in doubt; what it delivers counts only in unbroken order. A node's own server serves it
wherever that has a copy (node.jetstream_near).
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias

import nats.errors
import structlog
from nats.aio.client import Client
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from node.jetstream_errors import ApiError, SilentError, described
from node.jetstream_feed import Feed, FeedLostError
from node.jetstream_fence import Fence
from node.jetstream_near import is_of_leader, near_feed
from node.jetstream_settings import (
    REBUILD,
    absence_findings,
    monitoring_findings,
    stream_config,
    stream_findings,
    version_findings,
)
from node.ledger import Answerer, Finding, LedgerGapError, LedgerRefusedError, LedgerUnavailableError

APPEND_SECONDS = 3.0
SAY_AGAIN_SECONDS = (0.5, 1.0)  # a leader that steps down forgets what it has not put in order yet
REQUEST_SECONDS = 1.0
REWIND_SECONDS = 15.0  # how long a new leader may take to know of its last block
RECONNECT_SECONDS = 0.2
RESUME_SECONDS_MAX = 2.0

_STREAM_NOT_FOUND = 10059  # error codes of the JetStream API
_STREAM_NAME_IN_USE = 10058
_NEVER_BY_WAITING = {10074, 10065, 10052}  # no cluster for replicas, subjects taken, configuration invalid

Headers: TypeAlias = dict[str, Any] | None

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Where the ledger is.

    servers: URLs, nats://host:port. stream: its name. sp: this node's name; it publishes on ledger.<sp>.
    replicas: 1, 3 or 5. monitoring: http URL of the server's monitoring, None if there is none to ask.
    create: make the stream if absent; a node that already holds blocks says no. wait_seconds: how long to
    wait at the start for servers and their quorum.
    """

    servers: tuple[str, ...]
    user: str
    password: str = field(repr=False)
    stream: str
    sp: str
    replicas: int
    monitoring: str | None = None
    create: bool = True
    wait_seconds: float = 120.0


class JetStreamLedger:
    """A connection to the ledger, for use with `async with`."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings
        self._client = Client()
        self._trouble = "no answer yet"
        self._feeds: set[Feed] = set()
        self._fence = Fence(settings.stream, f"ledger.{settings.sp}", self._api)

    async def __aenter__(self) -> Self:
        """Connect and attach: LedgerUnavailableError after the wait, LedgerRefusedError for bad settings."""
        try:
            await self._connect()
            await self._attach()
        except BaseException:
            await self._disconnect()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._disconnect()

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:
        """See Ledger. What is not acknowledged soon is said again; the engine keeps one of it."""
        headers = {"Nats-Msg-Id": message_id, **await self._fence.condition(read)}
        for seconds in SAY_AGAIN_SECONDS:
            with suppress(SilentError):
                return self._fence.passed(await self._publish(block, headers, seconds))
        return self._fence.passed(await self._publish(block, headers, APPEND_SECONDS))

    async def append_after(self, sequence: int, block: bytes) -> None:
        """Append `block` if `sequence` is the last one, else LedgerUnavailableError. See node.refilling."""
        await self._publish(block, {"Nats-Expected-Last-Sequence": str(sequence)}, APPEND_SECONDS)

    async def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """See Ledger."""
        pause = RECONNECT_SECONDS
        while True:
            feed = None
            try:
                await self._check_not_rewound(after)
                feed = await near_feed(self._client, self._settings.stream, after, self._api)
                self._feeds.add(feed)
                while True:
                    after, block = await feed.next()
                    pause = RECONNECT_SECONDS
                    yield after, block
            except (FeedLostError, LedgerUnavailableError) as error:
                log.info("reading the ledger resumes", after=after, reason=str(error))
            finally:
                if feed is not None:
                    self._feeds.discard(feed)
                    await feed.close()
            await asyncio.sleep(pause)
            pause = min(2 * pause, RESUME_SECONDS_MAX)

    async def head(self) -> int:
        """See Ledger."""
        info = await self._stream_info()
        return int(info["state"]["last_seq"])

    async def ask(self, sp: str, question: bytes) -> bytes:
        """See Ledger."""
        return await self._asked(f"peer.{sp}", question, REQUEST_SECONDS, None)

    async def answer(self, sp: str, answerer: Answerer) -> None:
        """See Ledger."""
        subscription = await self._client.subscribe(f"peer.{sp}")
        try:
            async for message in subscription.messages:
                await message.respond(await answerer(message.data))
        finally:
            with suppress(OSError, nats.errors.Error):
                await subscription.unsubscribe()

    async def check(self) -> tuple[Finding, ...]:
        """See Ledger."""
        info = await self._stream_info()
        version = self._client.connected_server_version
        return (
            *version_findings(f"{version.major}.{version.minor}.{version.patch}"),
            *stream_findings(info["config"], self._settings.stream, self._settings.replicas),
            *await monitoring_findings(self._settings.monitoring, self._settings.stream),
        )

    async def _connect(self) -> None:
        """Connect, and from then on reconnect for as long as it takes."""
        try:
            async with asyncio.timeout(self._settings.wait_seconds):
                await self._client.connect(
                    servers=list(self._settings.servers),
                    user=self._settings.user,
                    password=self._settings.password,
                    name=f"yakujo {self._settings.sp}",
                    error_cb=self._note_trouble,
                    reconnected_cb=self._interrupt_feeds,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]  # annotated int, slept as a float
                )
        except TimeoutError as error:
            servers = ", ".join(self._settings.servers)
            raise LedgerUnavailableError(f"no connection to {servers}: {self._trouble}") from error
        except (nats.errors.Error, OSError) as error:
            raise LedgerUnavailableError(f"no connection: {described(error)}") from error

    async def _disconnect(self) -> None:
        """Close the connection, whatever state it is in."""
        if not self._client.is_connected:  # closing fails half way while there is something left to send
            self._client._pending.clear()
            self._client._pending_data_size = 0
        with suppress(OSError, nats.errors.Error):
            await self._client.close()

    async def _attach(self) -> None:
        """Wait for a quorum, make the stream if it is absent, and check everything that can be checked."""
        attempts = AsyncRetrying(
            stop=stop_after_delay(self._settings.wait_seconds),
            wait=wait_exponential(multiplier=RECONNECT_SECONDS, max=RESUME_SECONDS_MAX),
            retry=retry_if_exception_type(LedgerUnavailableError),
            before_sleep=_log_waiting,
            reraise=True,
        )
        try:
            await attempts(self._ensure_stream)
        except LedgerUnavailableError as error:
            text = f"no majority of servers after {self._settings.wait_seconds:.0f} seconds ({error}): start"
            raise LedgerUnavailableError(f"{text} the other members' nodes. {REBUILD}") from error
        findings: tuple[Finding, ...] = await attempts(self.check)
        if any(finding.refuse for finding in findings):
            raise LedgerRefusedError(findings)
        for finding in findings:
            log.warning("the ledger could not be checked in full", finding=str(finding))

    async def _ensure_stream(self) -> None:
        """Make the stream unless it is there. Nodes that do so at the same time all succeed."""
        name = self._settings.stream
        try:
            await self._stream_info()
        except ApiError as error:
            if error.code != _STREAM_NOT_FOUND:
                raise
            present = (await self._api("STREAM.NAMES", {"subject": "ledger.*"})).get("streams") or ()
            if findings := absence_findings(name, present, may_make=self._settings.create):
                raise LedgerRefusedError(findings) from error
            await self._create_stream()

    async def _create_stream(self) -> None:
        name = self._settings.stream
        try:
            await self._api(f"STREAM.CREATE.{name}", stream_config(name, self._settings.replicas))
        except ApiError as error:
            if error.code in _NEVER_BY_WAITING:
                raise LedgerRefusedError([Finding(f"the stream {name} cannot be made: {error}")]) from error
            if (
                error.code != _STREAM_NAME_IN_USE
            ):  # made by another node meanwhile; its settings are checked next
                raise

    async def _check_not_rewound(self, after: int) -> None:
        """LedgerGapError if the engine no longer has sequence `after`, though it was read before."""
        deadline = asyncio.get_running_loop().time() + REWIND_SECONDS
        while (head := await self.head()) < after:
            if asyncio.get_running_loop().time() >= deadline:
                raise LedgerGapError(after + 1, head)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _publish(self, block: bytes, headers: dict[str, Any], seconds: float) -> int:
        headers = {"Nats-Expected-Stream": self._settings.stream, **headers}
        subject = f"ledger.{self._settings.sp}"
        return int((await self._request(subject, block, seconds, headers))["seq"])

    async def _stream_info(self) -> dict[str, Any]:
        info = await self._api(f"STREAM.INFO.{self._settings.stream}", {})
        if not is_of_leader(info):
            raise LedgerUnavailableError(f"the stream {self._settings.stream} has no leader that answers")
        return info

    async def _api(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._request(f"$JS.API.{subject}", json.dumps(body).encode(), REQUEST_SECONDS, None)

    async def _request(self, subject: str, body: bytes, seconds: float, headers: Headers) -> dict[str, Any]:
        """The answer of JetStream, else LedgerUnavailableError, of the kind ApiError if it said no."""
        try:
            answer: dict[str, Any] = json.loads(await self._asked(subject, body, seconds, headers))
        except ValueError as error:
            raise LedgerUnavailableError(f"the ledger does not answer: {described(error)}") from error
        if "error" in answer:
            raise ApiError(answer["error"])
        return answer

    async def _asked(self, subject: str, body: bytes, seconds: float, headers: Headers) -> bytes:
        try:
            message = await self._client.request(subject, body, timeout=seconds, headers=headers)
        except nats.errors.TimeoutError as error:
            raise SilentError(f"the ledger has not answered within {seconds:g} seconds") from error
        except (nats.errors.Error, OSError) as error:
            raise LedgerUnavailableError(f"the ledger does not answer: {described(error)}") from error
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # Python 3.11 loses one that meets the answer
        return message.data

    async def _interrupt_feeds(self) -> None:
        """After a reconnection the server has often forgotten its consumers: do not wait for that to show."""
        for feed in self._feeds:
            feed.interrupt("the connection was lost")

    async def _note_trouble(self, error: Exception) -> None:
        """Keep what the client says while it tries to connect: it is the reason if it does not succeed."""
        if self._trouble != described(error):
            self._trouble = described(error)
            log.info("trouble with the connection to the ledger", reason=self._trouble)


def _log_waiting(state: RetryCallState) -> None:
    reason = state.outcome.exception() if state.outcome else None
    log.info("waiting for the ledger", seconds=round(state.seconds_since_start or 0, 1), reason=str(reason))
