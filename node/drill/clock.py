"""One node's clock is an hour ahead, then an hour behind: nothing of the ledger may hang on it."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

from node.demo.programme import programme
from node.demo.providers import Part, Provider, prepare
from node.drill.account import Account, Asked, ImpossibleError
from node.drill.stage import Stage
from node.pulse import read_pulse

BLOCKS: Final = 40
SP: Final = "sp2"  # its one client exchanges files: FIX engines end a session whose clock is two minutes off
HOUR_SECONDS: Final = 3600
TOLERANCE_SECONDS: Final = 60
LIBRARY: Final = "libfaketimeMT.so.1"


async def clock(asked: Asked, account: Account) -> None:
    """Ahead for the first half of the day, behind for the second."""
    library = _library()

    def prepared(folder: Path) -> tuple[Provider, ...]:
        providers = prepare(folder)
        _set(next(provider for provider in providers if provider.sp == SP), library, HOUR_SECONDS)
        return providers

    async with Stage(asked, account, programme(BLOCKS, asked.seed), prepared) as stage:
        provider = stage.providers[SP]
        await _is_off(stage, provider, HOUR_SECONDS)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(asked.seconds), name="load")
            await stage.until(0.5)
            await stage.kill(SP, Part.DAEMON)
            _set(provider, library, -HOUR_SECONDS)
            await provider.start()
            await _is_off(stage, provider, -HOUR_SECONDS)
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold()
        stage.hold_quiet()


def _library() -> Path:
    """libfaketime, which gives a process another clock. Raises ImpossibleError."""
    places = sorted(Path("/usr/lib").glob(f"**/faketime/{LIBRARY}")) if sys.platform == "linux" else []
    if not places:
        raise ImpossibleError(f"{LIBRARY} is not there: install faketime (Debian, Ubuntu) to play this drill")
    return places[0]


def _set(provider: Provider, library: Path, seconds: int) -> None:
    """Have the daemon see another time of day. Its monotonic clock stays: a machine's does too."""
    provider.environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


async def _is_off(stage: Stage, provider: Provider, seconds: int) -> None:
    """Wait until the daemon's own sign of life shows that the clock is as it should be."""

    def is_off() -> bool:
        pulse = read_pulse(provider.data)
        return pulse is not None and abs(pulse.written - time.time() - seconds) < TOLERANCE_SECONDS

    await stage.until_true(is_off, f"the clock of {SP} is {seconds} seconds off")
    stage.account.tell(f"the daemon of {SP} runs with a clock that is {seconds:+d} seconds off")
