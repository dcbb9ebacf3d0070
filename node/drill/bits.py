"""One bit flips in a member's copy of the stream while its server is stopped."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from node.block import BlockFault
from node.demo.ledger_view import head_of
from node.demo.providers import Provider
from node.drill.account import Account, Asked
from node.drill.engine import copy_of, engine_of, published
from node.drill.stage import PATIENCE_SECONDS, Stage
from node.drill.trades import mixed, trades
from node.guard_findings import damage
from node.server_store import ServerStore
from node.startup import STREAM

SP: Final = "sp2"
FENCED, RUNS = "fenced", "node runs"
FIRST_FILE: Final = "1.blk"  # of some 8 MiB
FILLING: Final = b"\x80"
FILLING_BYTES, FILLING_COUNT = 400_000, 30


async def flipped_bit(asked: Asked, account: Account) -> None:
    """The firms go on trading while the member with the damaged copy is started, for asked.seconds in all."""
    scenario = trades(mixed(2), asked.seed)
    half = len(scenario.blocks) // 2
    async with Stage(asked, account, scenario) as stage:
        provider = stage.providers[SP]
        await stage.play_over(asked.seconds / 2, scenario.blocks[:half])
        await stage.level()
        filling = await _fill(stage)
        await stage.end(SP)
        file = ServerStore(provider.data / "nats", STREAM).blocks / FIRST_FILE
        bit = flip(file, Random(asked.seed))  # noqa: S311 - chooses one
        account.tell(f"bit {bit} of {file.name}, of the server of {SP}, is flipped")
        logged = provider.log.stat().st_size
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(asked.seconds / 2, scenario.blocks[half:]), name="load")
            await stage.start(SP)
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        account.must("the damage is found before that server serves anybody", _unfound(provider, logged))
        account.must("that server has got everything back from the others", await _unhealed(stage, provider))
        await stage.hold(dict.fromkeys(filling, BlockFault.MALFORMED))
        stage.hold_quiet()


async def _fill(stage: Stage) -> list[int]:
    """Fill the server's first file, for what is cut off a server's last one is no hole; the sequences of it.

    Bytes that are no block do: all nodes keep them, and pass over them alike.
    """
    async with engine_of(stage.providers[SP]) as client:
        found = [await published(client, SP, FILLING + bytes(FILLING_BYTES)) for _ in range(FILLING_COUNT)]
    stage.account.tell(f"the ledger has {len(found)} times {FILLING_BYTES} bytes more, which are no blocks")
    await stage.level()
    return found


def flip(path: Path, random: Random) -> int:
    """Flip one bit in the middle half of a file; which."""
    bits = 8 * path.stat().st_size
    bit = random.randrange(bits // 4, 3 * bits // 4)
    with path.open("r+b") as file:
        file.seek(bit // 8)
        [byte] = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    return bit


def _unfound(provider: Provider, logged: int) -> Iterator[str]:
    """What the daemon's log, from this byte on, lacks: the guard's word before the node's."""
    events = list(_events(provider, logged))
    fenced = next((n for n, one in enumerate(events) if one.get("state") == FENCED), None)
    runs = next((n for n, one in enumerate(events) if one.get("event") == RUNS), len(events))
    if fenced is None:
        yield f"nothing in {provider.log} says so"
    elif fenced > runs:
        yield "it was found later: the node ran before"


def _events(provider: Provider, logged: int) -> Iterator[dict[str, Any]]:
    with provider.log.open("rb") as file:
        file.seek(logged)
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue  # a trace, or a line that is being written


async def _unhealed(stage: Stage, provider: Provider) -> list[str]:
    """How the server's copy differs from what its node has archived, once it has had time to mend."""
    due, found = head_of(provider).sequence, None
    for _ in range(round(PATIENCE_SECONDS)):
        found = await copy_of(provider)
        if found is not None and found.messages >= due and damage(found) is None:
            stage.account.tell(f"the server of {SP} holds {found.messages} blocks, none missing")
            return []
        await asyncio.sleep(1)
    return [f"{due} blocks are archived, the server says: {found}"]
