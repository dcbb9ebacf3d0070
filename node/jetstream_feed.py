"""A push consumer on a stream, with flow control and heartbeats, whose order is checked message by message.

Two numbers come with each message. The consumer's own must rise by one, or something was lost on the way and
the feed is made anew. The stream's must rise by one too, or the engine no longer has what lies between: that
is a gap, and no reading again will fill it from this server.
"""

import asyncio
from contextlib import suppress
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from node.ledger import LedgerGapError

HEARTBEAT_SECONDS = 1
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
INACTIVE_SECONDS = 30  # after which the server forgets a consumer that nobody reads
_NANOSECONDS = 1_000_000_000


class FeedLostError(Exception):
    """Nothing more will come, or something was lost on the way: make a new feed from the last sequence."""


class Feed:
    """One consumer, from just after sequence `after`.

    path: stream and consumer name, for the API. request: what makes the consumer.
    """

    def __init__(self, client: Client, stream: str, after: int) -> None:
        self._client = client
        # Bounded by the server's flow control.
        self._queue: asyncio.Queue[Msg | FeedLostError] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._inbox = client.new_inbox()
        self._sequence = after
        self._delivered = 0
        self.path = f"{stream}.{self._inbox.rpartition('.')[2]}"
        self.request = {"stream_name": stream, "config": self._config()}

    async def open(self) -> None:
        """Subscribe, so that nothing is missed once the consumer is made."""
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._queue.put, pending_bytes_limit=0
        )

    async def next(self) -> tuple[int, bytes]:
        """The next sequence and block; FeedLostError after silence or a loss, LedgerGapError at a gap."""
        while True:
            message = await self._message()
            if message.headers and "Status" in message.headers:
                await self._control(message, message.headers)
                continue
            self._count(message)
            return self._sequence, message.data

    def interrupt(self, reason: str) -> None:
        """Have `next` raise FeedLostError once what has arrived is read."""
        self._queue.put_nowait(FeedLostError(reason))

    async def close(self) -> None:
        """Stop; the server forgets the consumer by itself."""
        if self._subscription is not None:
            with suppress(nats.errors.Error):
                await self._subscription.unsubscribe()

    async def _message(self) -> Msg:
        try:
            if self._queue.empty():
                async with asyncio.timeout(SILENCE_SECONDS):
                    message = await self._queue.get()
            else:
                message = self._queue.get_nowait()
        except TimeoutError as error:
            raise FeedLostError(f"no heartbeat for {SILENCE_SECONDS} seconds") from error
        if isinstance(message, FeedLostError):
            raise message
        return message

    async def _control(self, message: Msg, headers: dict[str, str]) -> None:
        """Answer flow control, compare heartbeats, and give up on anything else."""
        if headers["Status"] != "100":
            raise FeedLostError(f"the server ended the feed: {headers.get('Description', headers['Status'])}")
        answer = message.reply or headers.get("Nats-Consumer-Stalled")
        if answer:
            await self._client.publish(answer)
        last = headers.get("Nats-Last-Consumer")
        if last is not None and int(last) != self._delivered:
            raise FeedLostError("messages were lost on the way")

    def _count(self, message: Msg) -> None:
        sequence = message.metadata.sequence
        if sequence.consumer != self._delivered + 1:
            raise FeedLostError("messages were lost on the way")
        if sequence.stream != self._sequence + 1:
            raise LedgerGapError(self._sequence + 1, sequence.stream)
        self._delivered = sequence.consumer
        self._sequence = sequence.stream

    def _config(self) -> dict[str, Any]:
        return {
            "name": self._inbox.rpartition(".")[2],
            "deliver_subject": self._inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._sequence + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "max_deliver": 1,
            "flow_control": True,
            "idle_heartbeat": HEARTBEAT_SECONDS * _NANOSECONDS,
            "inactive_threshold": INACTIVE_SECONDS * _NANOSECONDS,
            "num_replicas": 1,
            "mem_storage": True,
        }
