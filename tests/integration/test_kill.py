"""kill -9 of any process of a provider while messages flow: nothing is lost, done twice or told twice."""

import asyncio
from pathlib import Path

import pytest

from node.demo import Demo
from node.demo.clients import FixClient
from node.demo.programme import programme
from node.demo.providers import Part, Provider

BLOCKS = 400  # enough that a burst after an outage is not all that was left

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("sp", "parts"),
    [
        ("sp1", (Part.LEDGER, Part.FIX, Part.DAEMON)),
        ("sp2", (Part.DAEMON, Part.LEDGER)),  # no client of it is on FIX
        ("sp3", (Part.FIX, Part.DAEMON, Part.LEDGER)),
    ],
)
async def test_every_message_is_answered_once_whatever_is_killed(
    sp: str, parts: tuple[Part, ...], tmp_path: Path
):
    """An operator who loses a process starts the daemon again and has nothing else to do."""
    async with Demo(programme(BLOCKS, seed=len(parts)), tmp_path) as demo:
        engines = engine_pids(demo)
        async with asyncio.TaskGroup() as group:
            group.create_task(demo.play())
            for number, part in enumerate(parts, start=1):
                await demo.until(number / (len(parts) + 1))
                assert demo.outstanding, "there is nothing left to be disturbed"
                await there(demo.providers[sp], part)  # it may still be starting up after the kill before
                await demo.providers[sp].kill(part)
                if part is Part.DAEMON:
                    await demo.providers[sp].start()
        await demo.settle()
        assert demo.deviations() == []
        assert engine_pids(demo) == engines, "the clients' own engines notice no more than a lost connection"


async def there(provider: Provider, part: Part) -> None:
    """Wait until a provider has a process; the test's own limit ends it."""
    while not provider.has(part):  # noqa: ASYNC110 - a process tells nobody that it is there
        await asyncio.sleep(0.05)


def engine_pids(demo: Demo) -> dict[str, int | None]:
    return {n: c.engine_pid for n, c in demo.clients.items() if isinstance(c, FixClient)}
