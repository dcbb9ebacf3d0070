"""A feed that this node's own server serves, so that no other member's stop is felt here.

The engine puts a consumer on one of the servers that hold the stream, whichever it likes. One on another
member's server ends with that server, and its reader hears of it by silence alone: three seconds in which
nobody here is answered. So a consumer that has come to lie elsewhere is given up and made again, until one
lies here. A server without a copy of the stream can serve none; its node takes what it gets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from nats.aio.client import Client

from node.guard_peers import peer_id
from node.jetstream_feed import Feed
from node.ledger import LedgerUnavailableError

ATTEMPTS_MAX = 16  # one of three is near: all of them are elsewhere once in 650 times
AGAIN_SECONDS = 30.0  # a feed that still lies elsewhere is read for so long, then made anew

log = structlog.get_logger(__name__)

Api = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def near_feed(client: Client, stream: str, after: int, api: Api) -> Feed:
    """A new feed from just after sequence `after`, ready to be read.

    api: asks the JetStream API; what it raises is raised.
    """
    here = str(client._server_info.get("server_name"))  # it changes where a client has several to choose from
    if not holds(await api(f"STREAM.INFO.{stream}", {}), here):
        feed, server = await _made(client, stream, after, api)
        log.info(
            "the own server has no copy of the ledger, another one serves this node's reading", server=server
        )
        return feed
    for _ in range(ATTEMPTS_MAX):
        feed, server = await _made(client, stream, after, api)
        if server in {here, None}:
            return feed
        await feed.close()
        with suppress(LedgerUnavailableError):  # else the server forgets it by itself
            await api(f"CONSUMER.DELETE.{feed.path}", {})
    feed, server = await _made(client, stream, after, api)
    if server != here:
        log.info("another member's server serves this node's reading for now", server=server)
        why = f"it was the server of {server} that served it"
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, feed.interrupt, why)
    return feed


async def _made(client: Client, stream: str, after: int, api: Api) -> tuple[Feed, str | None]:
    """A feed, and the name of the server that serves it; None where servers form no cluster."""
    feed = Feed(client, stream, after)
    try:
        await feed.open()
        made = await api(f"CONSUMER.CREATE.{feed.path}", feed.request)
    except BaseException:
        await feed.close()
        raise
    return feed, (made.get("cluster") or {}).get("leader")


def holds(info: Mapping[str, Any], server: str) -> bool:
    """Whether a server is one of those that hold the stream. A leader may not know its name yet."""
    cluster = info.get("cluster") or {}
    replicas = cluster.get("replicas") or ()
    return (
        not cluster
        or server == cluster.get("leader")
        or any(server == one.get("name") or peer_id(server) == one.get("peer") for one in replicas)
    )


def is_of_leader(info: Mapping[str, Any]) -> bool:
    """Whether an answer about the stream is its leader's, which has put in order all that others have.

    What is left of a stream at a minority answers for itself alone. So may, for some seconds after its start,
    the server that the stream was made on, even where it has lost its copy and others lead. Who answers is
    not among its own replicas.
    """
    if (cluster := info.get("cluster")) is None:
        return True
    others = {one.get("name") for one in cluster.get("replicas") or ()}
    return bool(cluster.get("leader")) and cluster["leader"] not in others
