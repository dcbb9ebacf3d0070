"""One node's disk gets low, then full, and has room again."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from node.demo.answers import REFUSED
from node.demo.market import MANAGER_A, MANAGER_B
from node.demo.providers import Provider, prepare
from node.demo.scenario import Block, Expected
from node.drill.account import Account, Asked, ImpossibleError
from node.drill.stage import Stage
from node.drill.trades import matched, trades
from node.pulse import read_pulse

SP: Final = MANAGER_A.sp
ROOMY_BYTES: Final = 2 * 2**30
LOW_BYTES: Final = 200 * 2**20
FULL_BYTES: Final = 64 * 2**10
NO_ROOM: Final = "has no room now"
RESIZES_MAX: Final = 100  # until nothing is written meanwhile


async def full_disk(asked: Asked, account: Account) -> None:
    """The disk is low, then full, each for asked.seconds."""
    scenario = trades([*matched(MANAGER_A, 2), *matched(MANAGER_B, 2)] * 4, asked.seed)
    before, low, full, after = (scenario.blocks[n * 4 : n * 4 + 4] for n in range(4))
    with _disk(asked.folder / SP / "data") as disk:

        def prepared(folder: Path) -> tuple[Provider, ...]:
            providers = prepare(folder)
            disk.mount()
            return providers

        async with Stage(asked, account, scenario, prepared) as stage:
            await stage.play_over(1, before)
            await _heard(stage, before)
            disk.leave(LOW_BYTES)
            account.tell(f"the disk of {SP} has {LOW_BYTES} bytes left")
            await asyncio.sleep(asked.seconds)
            await stage.play_over(1, low)
            await stage.until_true(lambda: not _unrefused(stage, low), f"{SP} refuses input")
            text = "input is refused in the client's own format while the disk is low"
            account.must(text, _unrefused(stage, low))
            disk.leave(FULL_BYTES)
            account.tell(f"the disk of {SP} has {FULL_BYTES} bytes left")
            await stage.play_over(asked.seconds, full)
            disk.leave(ROOMY_BYTES)
            account.tell(f"the disk of {SP} has room again")
            await stage.until_true(lambda: _sees_room(stage), f"{SP} sees that")
            await stage.level()
            await _send_refused_again(stage, [*low, *full])
            await stage.play_over(1, after)
            await stage.settle()
            account.tell(f"at rest: {stage.heads()}")
            await stage.hold()
            stage.hold_quiet()


def _sees_room(stage: Stage) -> bool:
    """Whether the node has looked since there is room: from then on it takes input."""
    pulse = read_pulse(stage.providers[SP].data)
    return pulse is not None and pulse.guard is not None and (pulse.guard.free_bytes or 0) >= ROOMY_BYTES // 2


async def _heard(stage: Stage, blocks: Sequence[Block]) -> None:
    """Return when all that is due about these trades has been told."""

    def is_told() -> bool:
        stage.listen()
        statuses = {key: {heard.status for heard in told} for key, told in stage.verdict.heard.items()}
        return all(one.final in statuses.get((one.client, one.reference), ()) for one in _expected(blocks))

    await stage.until_true(is_told, "all trades are confirmed")


def _unrefused(stage: Stage, blocks: Sequence[Block]) -> list[str]:
    """What the asset manager at the full disk has said and was not refused for want of room."""
    stage.listen()
    own = [one for one in _expected(blocks) if one.client == MANAGER_A.client]
    return [f"{one.reference} was not refused" for one in own if not _is_refused(stage, one)]


def _is_refused(stage: Stage, expected: Expected) -> bool:
    told = stage.verdict.heard.get((expected.client, expected.reference), ())
    return any(heard.status == REFUSED and NO_ROOM in "".join(heard.problems) for heard in told)


async def _send_refused_again(stage: Stage, blocks: Sequence[Block]) -> None:
    """The asset manager does what the refusals say: it sends again what was refused, later."""
    own = [one for one in _expected(blocks) if one.client == MANAGER_A.client]

    def is_answered() -> bool:
        stage.listen()
        return all((one.client, one.reference) in stage.verdict.heard for one in own)

    await stage.until_true(is_answered, f"every message to {SP} is answered")
    refused = {one.reference: one for one in own if _is_refused(stage, one)}
    for reference, one in refused.items():
        stage.verdict.expected[one.client, reference] = replace(one, refusals=((NO_ROOM,),))
    again = [sending for block in blocks for sending in block.sendings if sending.client == MANAGER_A.client]
    again = [sending for sending in again if Path(sending.name).stem in refused]
    stage.account.tell(
        f"{len(own) - len(again)} messages were taken late; {len(again)} were refused, and are sent again"
    )
    for sending in again:
        await stage.clients[sending.client].send(sending)


def _expected(blocks: Sequence[Block]) -> list[Expected]:
    return [one for block in blocks for one in block.expected]


@dataclass(slots=True)
class Disk:
    """A file system in memory, whose size can be changed while it is used."""

    folder: Path
    is_mounted: bool = False

    def mount(self) -> None:
        """Raises ImpossibleError where this user may not mount."""
        self.folder.mkdir(mode=0o700)
        options = f"size={ROOMY_BYTES},mode=0700"
        try:
            _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        except (OSError, subprocess.CalledProcessError) as error:
            said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise ImpossibleError(f"mount does not work here: {said}") from error
        self.is_mounted = True

    @retry(
        retry=retry_if_exception_type(subprocess.CalledProcessError),
        stop=stop_after_attempt(RESIZES_MAX),
        reraise=True,
    )
    def leave(self, free: int) -> None:
        """Change the size, so that so many bytes are free.

        The kernel refuses less than is used: what is written between question and answer is asked for again.
        """
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _run("mount", "-o", f"remount,size={used + free}", str(self.folder))

    def unmount(self) -> None:
        """What is on it stays, in the folder itself."""
        kept = self.folder.with_name(f"{self.folder.name}.kept")
        shutil.copytree(self.folder, kept)
        _run("umount", str(self.folder))
        self.folder.rmdir()
        kept.rename(self.folder)


@contextmanager
def _disk(folder: Path) -> Iterator[Disk]:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise ImpossibleError("a small file system can be mounted by root on Linux alone")
    disk = Disk(folder)
    try:
        yield disk
    finally:
        if disk.is_mounted:
            disk.unmount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
