"""A node's store is damaged, or its whole data directory is lost: it is not served from, and comes back."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from node.demo.providers import Part
from node.drill.account import Account, Asked
from node.drill.bits import flip
from node.drill.stage import Stage
from node.drill.trades import mixed, trades
from node.sqlite_pages import PAGE_BYTES

SP: Final = "sp2"
MEND: Final = "yakujo restore"


async def damaged_store(asked: Asked, account: Account) -> None:
    """The last asked.count bytes of the store are cut; after it is restored, one bit of it is flipped."""
    scenario = trades(mixed(2), asked.seed)
    half = len(scenario.blocks) // 2
    async with Stage(asked, account, scenario) as stage:
        store = stage.providers[SP].store
        await stage.play_over(asked.seconds / 2, scenario.blocks[:half])
        await stage.level()
        await stage.kill(SP, Part.DAEMON, Part.LEDGER)
        account.tell(f"kill -9: daemon and nats-server of {SP}")
        account.tell(f"the last {_cut(store, asked.count)} bytes of the store of {SP} are cut")
        await _restored(stage, "cut")
        await stage.play_over(asked.seconds / 2, scenario.blocks[half:])
        await stage.level()
        await stage.end(SP)
        account.tell(f"bit {flip(store, Random(asked.seed))} of the store of {SP} is flipped")  # noqa: S311 - chooses one
        await _restored(stage, "flipped bit")
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()


async def lost_directory(asked: Asked, account: Account) -> None:
    """All that the node keeps is removed, its ledger's server included; keys and settings stay."""
    scenario = trades(mixed(1), asked.seed)
    half = len(scenario.blocks) // 2
    async with Stage(asked, account, scenario) as stage:
        await stage.play_over(asked.seconds / 2, scenario.blocks[:half])
        await stage.level()
        await stage.kill(SP, Part.DAEMON, Part.LEDGER)
        await asyncio.to_thread(shutil.rmtree, stage.providers[SP].data)
        account.tell(f"kill -9: daemon and nats-server of {SP}; its data directory is lost")
        await _restored(stage, "lost directory")
        await stage.play_over(asked.seconds / 2, scenario.blocks[half:])
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()


async def _restored(stage: Stage, damage: str) -> None:
    """The node refuses to run, says what to do, and comes back by that."""
    reason = await stage.refused(SP)
    said = [] if MEND in reason else [f"it says: {reason}"]
    stage.account.must(f"a node does not start with this ({damage}), and its log says what to do", said)
    began = stage.account.seconds
    await stage.command("restore", SP)
    await stage.start(SP)
    await stage.level()
    stage.account.tell(
        f"{SP} is back and equal, {stage.account.seconds - began:.1f} s after `{MEND}` was typed"
    )


def _cut(store: Path, most: int) -> int:
    """Cut whole pages off the end, at most half of the file; how many bytes.

    What still stood in the log is brought into the file first: there it would outlive the cut.
    """
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = store.stat().st_size
    left = max(size - most, size // 2) // PAGE_BYTES * PAGE_BYTES
    with store.open("r+b") as file:
        file.truncate(left)
    return size - left
