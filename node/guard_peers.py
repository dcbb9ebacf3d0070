"""What the other members hold, asked while the own server is down.

A server without a store joins the cluster under another name; by way of it the stream's leader is asked. Its
word alone decides: only the leader knows who is behind.
"""

import asyncio
import hashlib
import json
import secrets
import string
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats.errors
from nats.aio.client import Client

from node.guard_findings import FIRST_SEQUENCE
from node.monitoring import monitored
from node.nats_config import USER, ServerSettings, asking_config
from node.nats_process import NatsProcess, usable_binary
from node.private_file import write_private

START_SECONDS = 20.0
ASK_SECONDS = 10.0
REQUEST_SECONDS = 1.0
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Others:
    """The other members' servers, as their leader sees them.

    connected: names of those that could be reached at all. leader: of the stream, None where there is none.
    holders: names of those, the leader among them, that have all of it. messages, first, last: of the leader.
    serves: whether the own server is one of those that should hold the stream.
    """

    connected: tuple[str, ...]
    leader: str | None = None
    holders: tuple[str, ...] = ()
    messages: int = 0
    first: int = 0
    last: int = 0
    serves: bool = True


def obstacle(others: Others, *, members: Iterable[str], replicas: int, archived: int) -> str | None:
    """Why the own server must not begin with nothing yet; None where the others hold everything.

    A majority of all replicas must be others, complete: then an empty server can neither be elected, nor
    elect somebody who lacks a block. archived: the last sequence of the node's archive.
    """
    away = sorted(set(members) - set(others.connected))
    missing = f"; not connected: {', '.join(away)}" if away else ""
    majority = replicas // 2 + 1
    if others.leader is None:
        return f"the other members have no leader of the ledger{missing}"
    if others.messages != max(0, others.last - FIRST_SEQUENCE + 1):
        return f"{others.leader}, which leads, has {others.messages} of {others.last} blocks itself"
    if others.last < archived:
        return f"the other members have {others.last} blocks, this node's archive has {archived}"
    if len(others.holders) < majority:
        complete = ", ".join(others.holders)
        return f"only {complete} holds all of the ledger, {majority} other members must{missing}"
    return None


def others_in(info: Mapping[str, Any], connected: Iterable[str], own: str) -> Others:
    """What an answer of STREAM.INFO says of the others. own: the name of this node's server."""
    cluster = info.get("cluster") or {}
    leader = str(cluster.get("leader") or "") or None
    peers = cluster.get("replicas") or ()
    current = [str(peer.get("name")) for peer in peers if peer.get("current") and not peer.get("offline")]
    state = info.get("state") or {}
    return Others(
        connected=tuple(sorted(set(connected))),
        leader=None if leader == own else leader,
        holders=tuple(sorted({name for name in (leader, *current) if name and name != own})),
        messages=int(state.get("messages") or 0),
        first=int(state.get("first_seq") or 0),
        last=int(state.get("last_seq") or 0),
        serves=any(own == peer.get("name") or peer_id(own) == peer.get("peer") for peer in peers),
    )


def peer_id(name: str) -> str:
    """How Raft calls the server of this name: a leader that has never seen it knows no other name."""
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in hashlib.sha256(name.encode()).digest()[:8])


async def asked(settings: ServerSettings, stream: str) -> Others:
    """Join the cluster for a moment and ask. Raises ServerError or OSError where that cannot be done."""
    password = secrets.token_hex(32)
    config = _config_file(settings)
    config.with_suffix(".log").unlink(missing_ok=True)
    write_private(config, asking_config(settings, password).encode())
    process = NatsProcess(await usable_binary(settings), config)
    found: dict[str, str] = {}

    async def ready() -> None:
        found.update(await process.ports())

    try:
        await process.start(ready, START_SECONDS)
        info = await _stream_info(found["nats"], password, stream)
        routes = await monitored(found["monitoring"], "/routez")
    finally:
        await process.stop()
    names = (str(route.get("remote_name")) for route in routes.get("routes") or ())
    return others_in(info, names, settings.name)


async def end_asking(settings: ServerSettings) -> None:
    """End a server that was asking when its daemon was killed."""
    await NatsProcess(Path(), _config_file(settings)).end_orphan()


def _config_file(settings: ServerSettings) -> Path:
    return settings.directory / "asking.conf"


async def _stream_info(url: str, password: str, stream: str) -> dict[str, Any]:
    """The leader's answer, or an empty one where none came in time."""
    client = Client()
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await client.connect(url, user=USER, password=password, error_cb=_unheard)
            while True:
                with suppress(nats.errors.Error):
                    answer = await client.request(f"$JS.API.STREAM.INFO.{stream}", timeout=REQUEST_SECONDS)
                    info: dict[str, Any] = json.loads(answer.data)
                    if (info.get("cluster") or {}).get("leader"):
                        return info
                await asyncio.sleep(REQUEST_SECONDS / 4)
    except (TimeoutError, nats.errors.Error):
        return {}
    finally:
        await client.close()


async def _unheard(error: Exception) -> None:
    """The connection lives for seconds: what goes wrong with it shows in the answer that is not there."""
    del error
