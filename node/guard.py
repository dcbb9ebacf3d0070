"""The guard of a node's own nats-server: it lets no damaged copy of the ledger be served.

    guard = ServerGuard(server_settings, guard_settings, archived=..., accepting=...)
    async with guard.server as server: ...      the store is examined before each start (node.guard_admission)
        await guard.run()                       and the server looked at every LOOK_SECONDS from then on
    guard.state                                 for `yakujo status`

A server whose copy proves damaged is stopped and let in again by way of the admission, which resynchronises
it. The node goes on meanwhile: its connection comes back by itself, and nothing in its outbox is lost.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import structlog

from node.guard_admission import Admission, LedgerDamagedError, Verdict
from node.guard_blocks import Sweep
from node.guard_disk import DiskMarks, DiskWatch
from node.guard_look import Look, looked, missing_members
from node.guard_state import GuardState, Report, Word
from node.lasting import Lasting
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer
from node.server_store import ServerStore

__all__ = ["GuardSettings", "LedgerDamagedError", "ServerGuard"]

TICK_SECONDS = 1.0
LOOK_SECONDS = 10.0
SILENT_SECONDS = 60.0  # without an answer of its monitoring, a server is restarted
ILL_SECONDS = 60.0  # a server that has just started is ill for some seconds, a change of leader takes some
STALL_SECONDS = 120.0  # without a new block while it lacks some
GROUP_SECONDS = 20.0  # a group that is being made has no node for a moment
OFF_SECONDS = 60.0  # between two restarts of a server that switches JetStream off
SWEEP_SECONDS = 24 * 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What is guarded.

    stream: the ledger's. replicas: of it. members: names of all members' servers, which are those of the SPs.
    folder: of the node's own data. disk: the watermarks.
    """

    stream: str
    replicas: int
    members: tuple[str, ...]
    folder: Path
    disk: DiskMarks = field(default_factory=DiskMarks)


def _ignored(_: bool) -> None:  # noqa: FBT001 - the form of the callback
    """What is told where nobody takes input."""


class ServerGuard:
    """The guard of an embedded server, which it makes.

    archived: the last sequence that the stream must have, as this node's archive has it; 0 while the stream
    may still have to be made. accepting: told False when the disk is low, and True when it is no more.
    """

    def __init__(
        self,
        server: ServerSettings,
        settings: GuardSettings,
        *,
        archived: Callable[[], int],
        accepting: Callable[[bool], None] = _ignored,
    ) -> None:
        self._own = server.name
        self._settings = settings
        self._archived = archived
        self._report = Report()
        self._store = ServerStore(server.directory, settings.stream)
        self._admission = Admission(
            server,
            self._store,
            replicas=settings.replicas,
            members=settings.members,
            archived=archived,
            report=self._report,
        )
        self._disk = DiskWatch((server.directory, settings.folder), settings.disk, accepting, self._report)
        self._sweep = Sweep(self._store.blocks, server.directory / "blocks.json")
        self._swept = 0.0
        self._switched_on = 0.0
        self._restarted_in_vain = False
        self._silent, self._down, self._ill = Lasting(), Lasting(), Lasting()
        self._behind, self._groupless = Lasting(), Lasting()
        self.server = EmbeddedServer(server, self._admission.admit)

    @property
    def state(self) -> GuardState:
        """How it stands now."""
        return self._report.state

    async def run(self) -> NoReturn:
        """Watch until cancelled. Raises LedgerDamagedError where only a person can go on."""
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while True:
            self._disk.look()
            if self._admission.hopeless is not None:
                raise self._admission.hopeless
            if self.server.ready and loop.time() >= next_look:
                await self._look(loop.time())
                is_quick = self._report.word in {Word.RESYNCHRONISING, Word.CHECKING}
                next_look = loop.time() + (TICK_SECONDS if is_quick else LOOK_SECONDS)
            if self.server.ready and self._report.word is Word.WELL:
                await self._sweep_on(loop.time())
            self._tell_trouble(loop.time())
            await asyncio.sleep(TICK_SECONDS)

    def _tell_trouble(self, now: float) -> None:
        """A server that does not start is a person's business after a while, unless it is known why."""
        trouble = None if self.server.ready or self._disk.low is not None else self.server.trouble
        known = self._report.word not in {Word.WELL, Word.CHECKING}
        if self._down.seconds("down" if trouble else None, now) >= ILL_SECONDS and not known:
            self._report.say(Word.NEEDS_A_PERSON, f"it does not start: {trouble}")

    async def _look(self, now: float) -> None:
        try:
            look = await looked(self.server.monitoring, self._settings.stream, self._settings.replicas)
        except (OSError, ValueError) as error:
            if self._silent.seconds("silent", now) >= SILENT_SECONDS:
                await self._restart(f"its monitoring has not answered for a minute: {error}")
            return
        self._silent.seconds(None, now)
        self._report.looks += 1
        self._report.sequence = look.copy.last if look.copy is not None else None
        await self._judge(look, now)

    async def _judge(self, look: Look, now: float) -> None:
        """Do what the gravest thing that was seen asks for."""
        if look.corruption is not None:
            await self._condemn(Verdict(look.corruption, whole=True))
        elif look.off:
            await self._switch_on(now)
        elif self._report.target is not None:
            await self._refill(look, self._report.target, now)
        elif look.damage is not None:
            await self._condemn(Verdict(look.damage, whole=False))
        elif look.findings:
            self._report.say(Word.NEEDS_A_PERSON, "; ".join(map(str, look.findings)))
        elif not await self._is_stuck(look, now):
            await self._nurse(look, now)

    async def _condemn(self, verdict: Verdict) -> None:
        """Stop the server before anything else; then the admission resynchronises it, or nobody can."""
        self._restarted_in_vain = False
        await self.server.fence()
        self._admission.condemn(verdict)
        self.server.unfence()

    async def _restart(self, why: str) -> None:
        """Stop the server and start it again, by way of the admission."""
        for each in (self._silent, self._ill, self._behind, self._groupless):
            each.end()
        self._report.restarted += 1
        log.warning("the guard restarts the own server", reason=why)
        self._report.say(Word.CHECKING, f"restarted, since {why}")
        await self.server.fence()
        self.server.unfence()

    async def _switch_on(self, now: float) -> None:
        """JetStream that has switched itself off, as it does on a full disk, stays off until a restart."""
        if self._disk.low is not None:
            self._report.say(Word.CHECKING, "JetStream is off for want of room: restarted when there is some")
        elif now - self._switched_on >= OFF_SECONDS or not self._switched_on:
            self._switched_on = now
            await self._restart("JetStream had switched itself off")

    async def _refill(self, look: Look, target: int, now: float) -> None:
        """Watch Raft fill the server anew, up to `target`."""
        last = look.copy.last if look.copy is not None else 0
        if look.damage is None and last >= target:
            self._report.target = None
            self._report.resynchronised += 1
            self._sweep.forget()
            with suppress(OSError):  # what is left of them takes room, which the watermark sees
                await asyncio.to_thread(self._store.drop_old_asides)
            state = self._report.state
            text = f"resynchronised in {state.written - state.since:.0f} seconds: {last} blocks, none missing"
            self._report.say(Word.WELL, text)
        elif self._behind.seconds(("refill", last), now) >= STALL_SECONDS:
            why = look.damage or look.illness or "its peers send nothing"
            self._report.say(Word.NEEDS_A_PERSON, await self._stalled(last, target, why))
        else:
            self._report.say(Word.RESYNCHRONISING, f"{last} of {target} blocks are back")

    async def _stalled(self, last: int, target: int, why: str) -> str:
        text = f"resynchronising stands still at {last} of {target} blocks: {why}{await self._away()}"
        return f"{text}. Start the other members' nodes; if they have lost their data too: `yakujo rebuild`"

    async def _is_stuck(self, look: Look, now: float) -> bool:
        """Whether the copy gets nothing more while others go on: restarted once, then resynchronised."""
        why = None
        if self._groupless.seconds("groupless" if look.is_groupless else None, now) >= GROUP_SECONDS:
            why = f"it does not take part in Raft: {look.illness}"
        copy = look.copy
        led = copy is not None and copy.leader not in {"", self._own}
        behind = copy.last if copy is not None and led and copy.last < self._archived() else None
        if self._behind.seconds(behind, now) >= STALL_SECONDS:
            why = f"its copy stays at block {behind}, this node has archived {self._archived()}"
        if why is None:
            return False
        if self._restarted_in_vain:
            await self._condemn(Verdict(why, whole=True))
        else:
            self._restarted_in_vain = True
            await self._restart(why)
        return True

    async def _nurse(self, look: Look, now: float) -> None:
        """Nothing is damaged: is it well besides."""
        if self._ill.seconds("ill" if look.illness else None, now) >= ILL_SECONDS:
            text = f"it is not well: {look.illness}{await self._away()}"
            self._report.say(Word.NEEDS_A_PERSON, text)
        elif look.illness is None:
            if look.copy is None or look.copy.last >= self._archived():
                self._restarted_in_vain = False
            held = f"{look.copy.last} blocks, none missing" if look.copy is not None else "no stream yet"
            self._report.say(Word.WELL, held)

    async def _away(self) -> str:
        missing = await missing_members(self.server.monitoring, self._settings.members, self._own)
        return f"; not connected: {', '.join(missing)}" if missing else ""

    async def _sweep_on(self, now: float) -> None:
        """One more file of the sweep, which begins once a day."""
        if self._sweep.done and (not self._swept or now - self._swept >= SWEEP_SECONDS):
            self._swept = now
            self._sweep.begin()
        if (changed := await self._sweep.step()) is not None:
            self._sweep.forget()
            await self._restart(f"the block file {changed} is not what it was: all of them are examined")
