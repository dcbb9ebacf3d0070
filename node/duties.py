"""What a node does by the clock: signs checkpoints, announces keys of coming days, ends waits, reminds.

Nothing here decides what the ledger means; it only says when this node speaks.
"""

import asyncio
import datetime
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from node.act import Installed, encode_act
from node.application import Parts
from node.deferral import deferred_shreds
from node.entry import ActEntry, DayKeysEntry
from node.keyring import KeyRing
from node.ledger_time import Clock, machine_clock
from node.network import delegation_id
from node.outbox import is_queued, queue_public
from node.reminders import Reminders
from node.results import waiting_for_the_other_side
from node.store import Store

AGAIN = 0.1  # of the pace, while a deadline is being told
ANNOUNCED_DAYS_MIN, ANNOUNCED_DAYS = 5, 10  # a node that is away over a long weekend misses none

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a node does them, in seconds. clock: seconds that never go back, for waits. now: the time.

    stagger: from one member to the next, so that one node signs first and the others sign the same size.
    """

    look: float = 1.0
    stagger: float = 0.2
    announce: float = 10.0
    clock: Callable[[], float] = time.monotonic
    now: Clock = machine_clock


class Duties:
    """Begin once the node has caught up. today: the business day, now. queued: set for what is to publish."""

    def __init__(
        self,
        sp: str,
        parts: Parts,
        ring: KeyRing,
        store: Store,
        *,
        today: Callable[[], datetime.date],
        queued: asyncio.Event,
        caught_up: asyncio.Event,
        pace: Pace | None = None,
    ) -> None:
        self._sp = sp
        self._parts = parts
        self._ring = ring
        self._store = store
        self._today = today
        self._queued = queued
        self._caught_up = caught_up
        self._pace = pace or Pace()
        self._reminders = Reminders(sp, parts, self._pace.now)
        self._waiting_since: dict[int, float] = {}
        self._announced_until: dict[bytes, datetime.date] = {}
        self._said_installed: tuple[str, ...] | None = None

    async def run(self) -> None:
        """Do them until cancelled."""
        await self._caught_up.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sign_checkpoints(), name="checkpoints")
            group.create_task(self._announce_keys(), name="keys of coming days")
            group.create_task(self._announce_contracts(), name="installed contracts")
            group.create_task(self._end_waits(), name="provisional results")
            group.create_task(self._destroy_keys(), name="destroyed days")
            group.create_task(self._remind(), name="deadlines")

    async def _sign_checkpoints(self) -> None:
        members = [member.sp for member in self._parts.register.genesis.members]
        rank = members.index(self._sp) if self._sp in members else len(members)
        await asyncio.sleep(rank * self._pace.stagger)
        while True:
            await asyncio.sleep(self._pace.look)
            await self._store.write(self._parts.checkpoints.sign)
            self._queued.set()

    async def _announce_keys(self) -> None:
        while True:
            await self._store.write(partial(self._announce, today=self._today()))
            self._queued.set()
            await asyncio.sleep(self._pace.announce)

    def _announce(self, connection: sqlite3.Connection, today: datetime.date) -> None:
        """Queue the keys of the coming days for each institution whose announced ones run out."""
        register = self._parts.register
        for lei in sorted(register.served_by(self._sp) & set(self._ring.keys.institutions)):
            announced = register.announced(lei, self._sp)
            days = [today + datetime.timedelta(days=number) for number in range(ANNOUNCED_DAYS)]
            own = next(d for d in register.now.by_lei[lei].delegations if d.sp == self._sp)
            called, needed = delegation_id(lei, own), days[:ANNOUNCED_DAYS_MIN]
            is_under_way = self._announced_until.get(called, datetime.date.min) >= needed[-1]
            if is_under_way or all(day in announced for day in needed):
                continue
            tree = self._ring.keys.institutions[lei].days
            keys = tuple(tree.key(day).public_bytes for day in days if day in tree)
            if len(keys) == len(days):  # what lies ahead is never destroyed; a set of keys may have no tree
                queue_public(connection, DayKeysEntry(called, days[0], keys))
                self._announced_until[called] = days[-1]

    async def _announce_contracts(self) -> None:
        while True:
            await self._store.write(self._say_what_is_installed)
            self._queued.set()
            await asyncio.sleep(self._pace.announce)

    def _say_what_is_installed(self, connection: sqlite3.Connection) -> None:
        """Queue the ids of the contracts that this node has, where it has said something else, or nothing."""
        ids, register = self._parts.deferral.versions.ids, self._parts.register
        if ids in (register.installed.get(self._sp), self._said_installed) or not register.is_member(
            self._sp
        ):
            return
        entry = ActEntry(encode_act(Installed(contracts=ids)))
        if not is_queued(connection, entry):
            queue_public(connection, entry)
        self._said_installed = ids

    async def _destroy_keys(self) -> None:
        """Destroy the keys of days that institutions have ordered to be, after the act's transaction.

        Looked for anew at each turn, so that a crash in between leaves none.
        """
        while True:
            for lei, days in self._parts.register.shredded.items():
                for day in days:
                    if self._ring.has_day(lei, day):
                        await self._destroy(lei, day)
            await asyncio.sleep(self._pace.look)

    async def _destroy(self, lei: str, day: datetime.date) -> None:
        """Destroy the key of a day, once the store's log does not hold any more what was purged of it."""
        if (lei, day) in await self._store.write(deferred_shreds):  # what waits is still to be opened by it
            return
        if await self._store.empty_log():  # else at the next turn: somebody reads an older state
            await asyncio.to_thread(self._ring.destroy_day, lei, day)
            log.info("the key of a day is destroyed", day=day.isoformat())

    async def _end_waits(self) -> None:
        while True:
            await asyncio.sleep(self._pace.look)
            await self._store.write(self._release_overdue)
            self._queued.set()

    async def _remind(self) -> None:
        """Have what is open told once a deadline has passed; sooner again while there is something to say."""
        while True:
            has_said = await self._store.write(self._reminders.look)
            self._queued.set()
            await asyncio.sleep(self._pace.look * (AGAIN if has_said else 1))

    def _release_overdue(self, connection: sqlite3.Connection) -> None:
        """Release provisionally what has waited as long as its relationship's rules allow.

        The wait counts from when this process first saw it, so that a clock that jumps ends none too early.
        """
        now = self._pace.clock()
        waiting = waiting_for_the_other_side(connection, self._sp)
        self._waiting_since = {position: self._waiting_since.get(position, now) for position, _ in waiting}
        for position, key_id in waiting:
            secret = self._parts.secrets.by_id(key_id)
            if secret is None or self._parts.register.agreed.missing(secret.broker, secret.investor):
                continue
            rules = self._parts.register.rules_for(secret.broker, secret.investor, secret.day, position)
            wait = rules.provisional_after_seconds
            if wait is not None and now - self._waiting_since[position] >= wait:
                self._parts.results.release_provisionally(connection, position)
