"""SIGSTOP: the server that leads the ledger, then a daemon, stand still under load and go on."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from node.demo.programme import programme
from node.demo.providers import DemoError, Part
from node.drill.account import Account, Asked
from node.drill.engine import engine_of, leader
from node.drill.stage import Stage

BLOCKS: Final = 60
DAEMON: Final = "sp3"
BREATH_SECONDS: Final = 2.0


async def pauses(asked: Asked, account: Account) -> None:
    """Each stands still for asked.seconds."""
    async with Stage(asked, account, programme(BLOCKS, asked.seed)) as stage:
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(2 * asked.seconds + 2 * BREATH_SECONDS), name="load")
            await asyncio.sleep(BREATH_SECONDS)
            leads = await _leader(stage)
            async with _stopped(stage, leads, Part.LEDGER, asked.seconds):
                await _another_leads(stage, leads)
            await asyncio.sleep(BREATH_SECONDS)
            async with _stopped(stage, DAEMON, Part.DAEMON, asked.seconds):
                pass
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()


async def _leader(stage: Stage, *, but: str = "") -> str:
    """Which SP's server leads, asked of one that runs."""
    asks = next(provider for sp, provider in stage.providers.items() if sp != but)
    async with engine_of(asks) as client:
        for _ in range(30):
            found = await leader(client)
            if found is not None and found != but:
                return found
            await asyncio.sleep(1)
    raise DemoError("no server leads the ledger")


async def _another_leads(stage: Stage, leads: str) -> None:
    found = await _leader(stage, but=leads)
    stage.account.tell(f"the server of {found} leads now")


@asynccontextmanager
async def _stopped(stage: Stage, sp: str, part: Part, seconds: float) -> AsyncIterator[None]:
    """A process stands still for so many seconds, or for as long as the block takes."""
    provider = stage.providers[sp]
    stage.account.tell(f"SIGSTOP: the {part} of {sp}")
    provider.signal(part, signal.SIGSTOP)
    try:
        rest = asyncio.create_task(asyncio.sleep(seconds))
        yield
        await rest
    finally:
        provider.signal(part, signal.SIGCONT)
        stage.account.tell(f"SIGCONT: the {part} of {sp}")
