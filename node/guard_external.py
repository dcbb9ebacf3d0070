"""The guard of a nats-server that somebody else runs, as systemd does: it can look, but not mend.

    guard = ExternalGuard(monitoring, guard_settings, fence_command=...)
    await guard.check()         before the node attaches
    await guard.run()           from then on; both end the node where the server's copy is damaged

A damaged server is stopped by the operator's own command, if there is one. What is to be done then is told
step by step; a node never goes on with a server that has lost blocks.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import structlog

from node.guard import GuardSettings
from node.guard_admission import REBUILD, LedgerDamagedError
from node.guard_disk import DiskWatch
from node.guard_look import Look, looked
from node.guard_state import GuardState, Report, Word
from node.lasting import Lasting

TICK_SECONDS = 1.0
LOOK_SECONDS = 10.0
ILL_SECONDS = 60.0
COMMAND_SECONDS = 60.0

log = structlog.get_logger(__name__)


def _ignored(_: bool) -> None:  # noqa: FBT001 - the form of the callback
    """What is told where nobody takes input."""


class ExternalGuard:
    """The guard of an external server.

    monitoring: its URL, None if there is none. fence_command: what stops the server, with its arguments;
    run without a shell. accepting: told False when the disk is low, and True when it is no more.
    """

    def __init__(
        self,
        monitoring: str | None,
        settings: GuardSettings,
        *,
        fence_command: Sequence[str] = (),
        accepting: Callable[[bool], None] = _ignored,
    ) -> None:
        self._monitoring = monitoring
        self._settings = settings
        self._command = tuple(fence_command)
        self._report = Report()
        self._disk = DiskWatch((settings.folder,), settings.disk, accepting, self._report)
        self._ill = Lasting()

    @property
    def state(self) -> GuardState:
        """How it stands now."""
        return self._report.state

    async def check(self) -> None:
        """Look once. Raises LedgerDamagedError where the server must not be used.

        A server that does not answer yet is the connection's business, not the guard's.
        """
        self._disk.look()
        if self._monitoring is None:
            text = "no monitoring URL is set: whether the server's copy is whole is not known"
            self._report.say(Word.NEEDS_A_PERSON, text)
            return
        await self._look(self._monitoring, asyncio.get_running_loop().time())

    async def run(self) -> NoReturn:
        """Watch until cancelled. Raises LedgerDamagedError where only a person can go on."""
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while True:
            self._disk.look()
            if self._monitoring is not None and loop.time() >= next_look:
                await self._look(self._monitoring, loop.time())
                next_look = loop.time() + LOOK_SECONDS
            await asyncio.sleep(TICK_SECONDS)

    async def _look(self, monitoring: str, now: float) -> None:
        try:
            look = await looked(monitoring, self._settings.stream, self._settings.replicas)
        except (OSError, ValueError) as error:
            self._tell_illness(f"its monitoring at {monitoring} does not answer: {error}", now)
            return
        self._report.looks += 1
        self._report.sequence = look.copy.last if look.copy is not None else None
        if look.store_folder and (store := Path(look.store_folder)).is_dir():  # it is on this machine
            self._disk.also(store)
        if (damaged := look.damage or look.corruption) is not None:
            await self._fence(damaged, look)
        elif look.off:
            text = "JetStream is off, as after a full disk: make room, and restart the server"
            self._report.say(Word.NEEDS_A_PERSON, text)
        elif look.findings:
            self._report.say(Word.NEEDS_A_PERSON, "; ".join(map(str, look.findings)))
        elif look.illness is not None:
            self._tell_illness(f"it is not well: {look.illness}", now)
        else:
            self._ill.seconds(None, now)
            held = f"{look.copy.last} blocks, none missing" if look.copy is not None else "no copy here"
            self._report.say(Word.WELL, held)

    def _tell_illness(self, text: str, now: float) -> None:
        """What may pass by itself is a person's business after a while only."""
        if self._ill.seconds("ill", now) >= ILL_SECONDS:
            self._report.say(Word.NEEDS_A_PERSON, text)

    async def _fence(self, damaged: str, look: Look) -> NoReturn:
        """Have the server stopped, and end the node with what a person must do."""
        stopped = bool(self._command) and await self._ordered(self._command)
        self._report.fenced += int(stopped)
        text = steps(damaged, look, self._settings, stopped=stopped)
        self._report.say(Word.NEEDS_A_PERSON, text)
        raise LedgerDamagedError(text)

    async def _ordered(self, command: Sequence[str]) -> bool:
        """Run the operator's command; whether it did what it should."""
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
        except OSError as error:
            log.error("the fence command cannot be run", command=command[0], reason=error.strerror)  # noqa: TRY400 - the reason says all
            return False
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            code = await process.wait()
        if code:
            log.error("the fence command has failed", command=command[0], exit_code=code)
        return code == 0


def steps(damaged: str, look: Look, settings: GuardSettings, *, stopped: bool) -> str:
    """What a person must do about a damaged external server, in order."""
    head = f"the nats-server's copy of the ledger is damaged: {damaged}. "
    done = "It has been stopped by the fence command. " if stopped else "Stop that nats-server now. "
    if settings.replicas == 1:
        return f"{head}{done}{REBUILD}"
    store = look.store_folder or "<store_dir>/jetstream"
    if look.corruption is None:
        moved = f"the folder streams/{settings.stream} of its account in {store}"
    else:
        moved = f"all of {store}, while the other members' servers are up and have all blocks,"
    return (
        f"{head}{done}Move {moved} to another place, do not delete it. Start the server: it gets the ledger "
        "back from its peers. Then start this node again; it checks the server before it attaches"
    )
