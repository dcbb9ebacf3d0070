"""The ledger's copy on the server of an SP that is no member any more, made anew on another member's server.

Who is a member is decided on the ledger; which servers keep the stream is the engine's affair and follows
by this one step, done by any member, while its server and most of the others run.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nats
import nats.errors

from node.act_records import stored_register
from node.inspection import reading
from node.ledger import LedgerUnavailableError
from node.nats_config import USER
from node.secret_files import secret_text_in
from node.settings import EmbeddedLedger, NodeSettings
from node.setup import SetupError
from node.startup import STREAM

REQUEST_SECONDS = 5.0
MOVE_SECONDS = 600.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Copies:
    """Which servers keep the stream, by their SPs; current: those that have all of it; wanted: how many."""

    servers: frozenset[str]
    current: frozenset[str]
    wanted: int

    @property
    def are_complete(self) -> bool:
        """Whether there are as many as there should be, each with all of it."""
        return self.current == self.servers and len(self.servers) == self.wanted


def relocate(settings: NodeSettings, sp: str) -> Copies:
    """Move the copy that an SP's server keeps; the servers that keep one afterwards, all current.

    Raises SetupError where the SP is a member or keeps none, or nobody can take it; LedgerUnavailableError.
    """
    with reading(settings) as view:
        if stored_register(view.connection, view.network).is_member(sp):
            raise SetupError(f"{sp} is a member: the members must remove it first, see `yakujo remove`")
    return asyncio.run(_relocated(settings, sp))


async def _relocated(settings: NodeSettings, sp: str) -> Copies:
    copies = await _copies(settings)
    if sp not in copies.servers:
        raise SetupError(
            f"the server of {sp} keeps no copy of the ledger: {', '.join(sorted(copies.servers))} do"
        )
    await _asked(settings, f"STREAM.PEER.REMOVE.{STREAM}", {"peer": sp})
    return await _moved(settings, sp)


async def _moved(settings: NodeSettings, sp: str) -> Copies:
    """The copies once there are as many as there should be; meanwhile the stream may be without a leader."""
    deadline = asyncio.get_running_loop().time() + MOVE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        with suppress(LedgerUnavailableError):
            copies = await _copies(settings)
            if sp not in copies.servers and copies.are_complete:
                return copies
        await asyncio.sleep(LOOK_SECONDS)
    raise LedgerUnavailableError("the new copy is still being made: look again with `yakujo status`")


async def _copies(settings: NodeSettings) -> Copies:
    info = await _asked(settings, f"STREAM.INFO.{STREAM}", {})
    cluster = info.get("cluster") or {}
    leader = {cluster["leader"]} if cluster.get("leader") else set[str]()
    others = cluster.get("replicas") or ()
    current = {one["name"] for one in others if one.get("current")}
    servers = leader | {one["name"] for one in others}
    return Copies(frozenset(servers), frozenset(leader | current), int(info["config"]["num_replicas"]))


async def _asked(settings: NodeSettings, subject: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of JetStream. Raises SetupError where it says no, LedgerUnavailableError where nothing."""
    servers, user, password = _access(settings)
    try:
        client = await nats.connect(
            servers, user=user, password=password, allow_reconnect=False, connect_timeout=REQUEST_SECONDS
        )
        try:
            message = await client.request(
                f"$JS.API.{subject}", json.dumps(body).encode(), timeout=REQUEST_SECONDS
            )
        finally:
            await client.close()
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise LedgerUnavailableError(f"the ledger does not answer: {error}; does the node run?") from error
    answer: dict[str, Any] = json.loads(message.data)
    if "error" in answer:
        said = answer["error"].get("description", "no reason given")
        raise SetupError(f"the servers refuse it: {said}; is there another member's server to take it over?")
    return answer


def _access(settings: NodeSettings) -> tuple[list[str], str, str]:
    """Servers, user and password of this node's own connection."""
    chosen = settings.ledger
    if isinstance(chosen, EmbeddedLedger):
        password = settings.data_folder / "nats" / "client.password"
        return [f"nats://127.0.0.1:{chosen.client_port}"], USER, secret_text_in(password)
    return list(chosen.servers), chosen.user, secret_text_in(chosen.password_file)
