"""What nats alone does with the same bytes on the same servers: each body one message of a stream.

    async with plain_stream(server, members) as plain: ...      await plain.publish(bodies, in_flight)

The stream has as many copies as the ledger's, and its leader on the same server, so that neither has a
shorter way.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StorageType

from node.nats_server import EmbeddedServer
from node.startup import STREAM

ANSWER_SECONDS = 30.0
LEADER_SECONDS = 30.0
_PLAIN, _SUBJECT = "PLAIN", "plain"
_LOOK_SECONDS = 0.1


class PlainStream:
    """A stream beside the ledger's, and a connection to publish on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._contexts: dict[int, JetStreamContext] = {}

    async def publish(self, bodies: Sequence[bytes], in_flight: int) -> float:
        """Publish with up to `in_flight` messages that are not acknowledged yet; messages per second."""
        if in_flight not in self._contexts:
            self._contexts[in_flight] = self._client.jetstream(
                timeout=ANSWER_SECONDS, publish_async_max_pending=in_flight
            )
        stream = self._contexts[in_flight]
        began = time.perf_counter()
        async with asyncio.timeout(ANSWER_SECONDS):
            if in_flight == 1:
                for body in bodies:
                    await stream.publish(_SUBJECT, body)
            else:
                await asyncio.gather(*[await stream.publish_async(_SUBJECT, body) for body in bodies])
        return len(bodies) / (time.perf_counter() - began)


@asynccontextmanager
async def plain_stream(server: EmbeddedServer, members: int) -> AsyncIterator[PlainStream]:
    """Make the stream, with its leader where the ledger's is; that one must be there."""
    client = await nats.connect(server.url, user=server.user, password=server.password)
    try:
        await client.jetstream().add_stream(
            name=_PLAIN, subjects=[_SUBJECT], storage=StorageType.FILE, num_replicas=members
        )
        await _lead_together(client)
        yield PlainStream(client)
    finally:
        await client.close()


async def _lead_together(client: Client) -> None:
    """Have both streams led by one server. Where there is only one, there is nothing to lead."""
    async with asyncio.timeout(LEADER_SECONDS):
        while (leader := await _leader(client, STREAM)) != await _leader(client, _PLAIN):
            wish = json.dumps({"placement": {"preferred": leader}}).encode()
            await client.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{_PLAIN}", wish, timeout=ANSWER_SECONDS)
            await asyncio.sleep(_LOOK_SECONDS)


async def _leader(client: Client, stream: str) -> str | None:
    cluster = (await client.jetstream().stream_info(stream)).cluster
    return cluster.leader if cluster is not None else None
