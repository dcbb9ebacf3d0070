"""A provider's nats-server, spoken to directly: what a member's operator can do, and a node never does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import nats
import nats.errors
from nats.aio.client import Client

from node.demo.providers import Provider
from node.guard_findings import Copy, copy_in
from node.monitoring import monitored
from node.nats_config import USER
from node.settings import EmbeddedLedger, load_settings
from node.setup import NODE_FILE
from node.startup import STREAM

ANSWER_SECONDS: Final = 2.0
ASKED_MAX: Final = 20


@asynccontextmanager
async def engine_of(provider: Provider) -> AsyncIterator[Client]:
    """A connection to a provider's nats-server, with the password that lies on its disk."""
    url = f"nats://127.0.0.1:{_ledger(provider).client_port}"
    password = (provider.data / "nats" / "client.password").read_text().strip()
    client = await nats.connect(url, user=USER, password=password)
    try:
        yield client
    finally:
        await client.close()


async def published(client: Client, sp: str, block: bytes) -> int:
    """Put bytes on the ledger as if they were a block of `sp`; the sequence at which they stand."""
    acknowledged = await client.request(f"ledger.{sp}", block, timeout=ANSWER_SECONDS)
    return int(json.loads(acknowledged.data)["seq"])


async def leader(client: Client) -> str | None:
    """The SP whose server leads the stream; None where none does now."""
    with suppress(nats.errors.Error):
        answer = await client.request(f"$JS.API.STREAM.INFO.{STREAM}", b"{}", timeout=ANSWER_SECONDS)
        found: dict[str, Any] = json.loads(answer.data)
        return (found.get("cluster") or {}).get("leader") or None
    return None


async def lead(client: Client, sp: str) -> bool:
    """Have an SP's server lead the stream; whether it does now."""
    wish = json.dumps({"placement": {"preferred": sp}}).encode()
    for _ in range(ASKED_MAX):
        if await leader(client) == sp:
            return True
        with suppress(nats.errors.Error):
            await client.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{STREAM}", wish, timeout=ANSWER_SECONDS)
        await asyncio.sleep(ANSWER_SECONDS / 4)
    return False


async def copy_of(provider: Provider) -> Copy | None:
    """What a provider's server says that it holds of the stream; None where it says nothing now."""
    url = f"http://127.0.0.1:{_ledger(provider).monitor_port}"
    with suppress(OSError, ValueError):
        return copy_in(await monitored(url, "/jsz?accounts=true&streams=true&config=true"), STREAM)
    return None


def _ledger(provider: Provider) -> EmbeddedLedger:
    ledger = load_settings(provider.folder / NODE_FILE).ledger
    assert isinstance(ledger, EmbeddedLedger), "the demo's daemons have servers of their own"
    return ledger
