"""kill -9 of servers, daemons and FIX children, one, two or all at once, again and again under load."""

import asyncio
from random import Random
from typing import Final

from node.demo.programme import programme
from node.demo.providers import Part
from node.drill.account import Account, Asked
from node.drill.stage import Stage

BLOCKS_PER_SECOND: Final = 3
SERVER, DAEMON, BOTH = (Part.LEDGER,), (Part.DAEMON,), (Part.DAEMON, Part.LEDGER)
KINDS: Final = (
    (3, BOTH),
    (1, SERVER),
    (2, BOTH),
    (3, SERVER),
    (1, DAEMON),
    (2, SERVER),
    (1, (Part.FIX,)),
    (3, DAEMON),
    (1, BOTH),
)
"""How many providers are hit, and what of each is killed."""


async def kills(asked: Asked, account: Account) -> None:
    """asked.count kills within asked.seconds."""
    scenario = programme(round(BLOCKS_PER_SECOND * asked.seconds), asked.seed)
    async with Stage(asked, account, scenario) as stage:
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(asked.seconds), name="load")
            await _kill_again_and_again(stage, asked)
        account.tell(f"{stage.sent} messages and files are sent; waiting for the rest of the answers")
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()


async def _kill_again_and_again(stage: Stage, asked: Asked) -> None:
    random = Random(asked.seed)  # noqa: S311 - chooses what is killed, the same each time
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(asked.count):
        await asyncio.sleep(began + (number + random.random()) * asked.seconds / asked.count - loop.time())
        many, parts = KINDS[number % len(KINDS)]
        sps = random.sample(["sp1", "sp3"] if parts == (Part.FIX,) else sorted(stage.providers), many)
        what = f"{' and '.join(parts)} of {', '.join(sps)}"
        stage.account.tell(f"kill -9, {number + 1} of {asked.count}: {what}")
        for sp in sps:
            await stage.kill(sp, *parts)
        for sp in sps if Part.DAEMON in parts else ():
            await stage.providers[sp].start()
