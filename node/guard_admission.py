"""What must be right with the own server's store before that server may start.

It is examined each time (node.guard_examination). A copy that ends early is let in: it gets the rest from its
peers, and nats-server does not lead before. A damaged one is moved aside, so that Raft fills it anew:

    blocks are missing or unreadable      the stream alone; safe at any time, see ServerStore
    Raft's own files are damaged          the whole store, and not before a majority of others hold everything
    the data directory is lost            nothing to move, but the same wait
    the network has one replica           nothing: there is nobody to get it back from
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from node.guard_examination import end_examination, examined
from node.guard_findings import damage
from node.guard_peers import Others, asked, end_asking, obstacle
from node.guard_state import Report, Word
from node.ledger import LedgerError, LedgerUnavailableError
from node.nats_config import ServerSettings
from node.nats_process import ServerError, ServerStartError
from node.server_store import ServerStore

PEERS_SECONDS = 120.0  # as long as a node waits for a quorum at its start
PEERS_PAUSE_SECONDS = 5.0
ROOM_BYTES_MIN = 16 * 1024 * 1024  # to start at all; without any, a server ends without a word

REBUILD = (
    "There is no other replica to get it back from. The node's own archive has every block that it has read: "
    "run `yakujo scrub`, then `yakujo rebuild`; its help says how"
)

log = structlog.get_logger(__name__)


class LedgerDamagedError(LedgerError):
    """The own server's copy of the ledger is damaged, and only a person can decide what is to be done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a store must not be served from. whole: whether more than the stream's own files are in doubt."""

    reason: str
    whole: bool


class Admission:
    """Decides before each start; call `admit`.

    replicas: of the stream. members: names of all members' servers. archived: the last sequence that the
    stream must have, as this node's archive has it; 0 while the stream may still have to be made.
    hopeless: set when only a person can go on.
    """

    def __init__(
        self,
        settings: ServerSettings,
        store: ServerStore,
        *,
        replicas: int,
        members: tuple[str, ...],
        archived: Callable[[], int],
        report: Report,
    ) -> None:
        self._settings = settings
        self._store = store
        self._replicas = replicas
        self._members = tuple(name for name in members if name != settings.name)
        self._archived = archived
        self._report = report
        self._condemned: Verdict | None = None
        self.hopeless: LedgerDamagedError | None = None

    async def admit(self) -> None:
        """Return when the server may start.

        Raises LedgerDamagedError where a person must decide, LedgerUnavailableError where the others are not
        there, ServerError and OSError where there is no room or the store cannot be examined.
        """
        await end_examination(self._settings)
        await end_asking(self._settings)
        self._check_room(ROOM_BYTES_MIN, "start the server")
        if self._condemned is None and (found := await self._verdict()) is not None:
            self.condemn(found)
        if self._condemned is not None:
            await self._make_way(self._condemned)
        elif self._report.target is None:
            self._report.say(Word.CHECKING, "its store is whole; it joins the others")

    def condemn(self, verdict: Verdict) -> None:
        """Do not start again from this store. Raises LedgerDamagedError where no other has the ledger."""
        self._condemned = verdict
        self._report.fenced += 1
        if self._replicas == 1:
            text = f"the server's copy of the ledger is damaged and kept stopped: {verdict.reason}. {REBUILD}"
            self._report.say(Word.NEEDS_A_PERSON, text)
            self.hopeless = LedgerDamagedError(text)
            raise self.hopeless
        self._report.say(Word.FENCED, f"its copy of the ledger is damaged: {verdict.reason}")

    async def _verdict(self) -> Verdict | None:
        """What speaks against the store; None for one that is fit, or new as the node itself."""
        archived = self._archived()
        if not self._store.exists:
            lost = f"there is no store, yet this node has archived {archived} blocks: its directory is lost"
            return Verdict(lost, whole=True) if archived else None
        self._report.say(Word.CHECKING, "its store is read, with all checksums, before it starts")
        found = await examined(self._settings, self._store)
        if found.corrupt is not None:
            return Verdict(found.corrupt, whole=True)
        if found.copy is not None and (reason := damage(found.copy)) is not None:
            return Verdict(reason, whole=False)
        last = found.copy.last if found.copy is not None else 0
        self._report.sequence = last
        if self._replicas == 1 and last < archived:
            return Verdict(f"it ends at block {last}, this node has archived {archived}", whole=False)
        return None

    async def _make_way(self, verdict: Verdict) -> None:
        """Move aside what is damaged, as far as that is safe."""
        if self.hopeless is not None:
            raise self.hopeless
        target = self._archived()
        if verdict.whole:
            target = max(target, (await self._others()).last)
        self._check_room(self._store.size() + ROOM_BYTES_MIN, "resynchronise it")
        moved = self._store.move_all_aside() if verdict.whole else self._store.move_stream_aside()
        self._condemned = None
        self._report.target = target
        where = f"; what it had is in {moved}" if moved else ""
        text = f"it gets the ledger back from its peers, since {verdict.reason}{where}"
        self._report.say(Word.RESYNCHRONISING, text)

    async def _others(self) -> Others:
        """The others, once they hold everything; LedgerUnavailableError after a while."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PEERS_SECONDS
        while True:
            why = "they could not be asked"
            try:
                others = await asked(self._settings, self._store.stream)
                found = obstacle(
                    others, members=self._members, replicas=self._replicas, archived=self._archived()
                )
                if found is None:
                    return others
                why = found
            except (ServerError, OSError) as error:
                why = f"they could not be asked: {error}"
            if loop.time() >= deadline:
                raise self._waiting(why)
            log.info("waiting for the other members before resynchronising", reason=why)
            await asyncio.sleep(PEERS_PAUSE_SECONDS)

    def _waiting(self, why: str) -> LedgerUnavailableError:
        text = (
            f"the server is kept stopped until it can be resynchronised: {why}. Start the other members' "
            "nodes; this goes on by itself then. If most of the servers have lost their data for good, see "
            "`yakujo rebuild`"
        )
        self._report.say(Word.NEEDS_A_PERSON, text)
        return LedgerUnavailableError(text)

    def _check_room(self, needed: int, purpose: str) -> None:
        """Raise ServerStartError where the disk has no room for what is to be done."""
        free = shutil.disk_usage(self._settings.directory).free
        if free < needed:
            self._store.drop_old_asides()
            free = shutil.disk_usage(self._settings.directory).free
        if free < needed:
            text = f"no room to {purpose}: {_mega(needed)} are needed at {self._settings.directory}"
            raise ServerStartError(f"{text}, {_mega(free)} are free; it goes on by itself when there is more")


def _mega(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB"
