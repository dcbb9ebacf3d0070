"""How a node is: questions to its store, answered without disturbing it.

    with reading(settings) as view:
        status_of(view)            beside it: node.trades (lists), node.tracing (one trade's whole way)

Everything here only reads, beside a running node or without one, and gives plain data that `--json` prints.
"""

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from canonical.base import Canonical
from node.act_records import stored_register
from node.block import Block, archived_block
from node.contract_wait import ContractWait, NodeState, contract_findings, contract_wait, state_of
from node.guard_state import GRAVE, GuardState
from node.ledger_time import moment
from node.network import Network, load_network
from node.nightly import read_report
from node.pulse import Pulse, Session, read_pulse
from node.register import Register
from node.replica import Head, head
from node.scrub_report import ScrubReport
from node.settings import NodeSettings
from node.standing import Expiry, Member, agreed_size, expiries, members
from node.store import STORE_FILE, each, read_store, setting
from node.time_standing import TimeStanding, time_findings, time_standing
from node.trade_query import TRADES

SILENT_SECONDS_MAX = 15.0
UNREAD_SECONDS_MAX = 60.0
UNDELIVERED_SECONDS_MAX = 900.0

Record = TypeVar("Record", bound=Canonical)


class Shown(BaseModel):
    """Base of what is told: plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Queue(Shown):
    """The deliveries to one client. oldest: when the one that waits longest was queued."""

    client: str
    waiting: int
    delivered: int
    oldest: datetime | None


class Alarm(Shown):
    """What a person must look at, since `raised`."""

    about: str
    text: str
    raised: datetime


class Disk(Shown):
    """The file system of the data folder, and the size of the store on it."""

    free_bytes: int
    used_percent: float
    store_bytes: int


class NodeStatus(Shown):
    """How a node is.

    sequence: of its last block; size: entries; root: of the tree over them, equal at nodes that are as far.
    time: of the ledger, None before the first block.
    agreed_size: up to which all members have signed the same; members: how each stands. passed_over: blocks
    that do not count. results: of entries, by how far they hold. alarms: what is not over yet. disk: where
    the store lies. expiring: delegations and keys that end soon. outbox: entries not yet on the ledger.
    in_flight: whether a block is under way. arrivals: raw messages by state. silent_seconds: since the last
    sign of life. guard: of the ledger's server, while the node runs. last_scrub: of the archive.
    state: in one word; waits: for which contract. findings: what a person should look at; empty when all is
    well.
    """

    sp: str
    network: str
    state: NodeState
    waits: ContractWait | None
    running: bool
    pid: int | None
    silent_seconds: float | None
    sequence: int
    size: int
    root: str
    time: TimeStanding | None
    last_block: datetime | None
    last_block_sp: str | None
    agreed_size: int | None
    members: tuple[Member, ...]
    passed_over: int
    results: dict[str, int]
    alarms: tuple[Alarm, ...]
    disk: Disk
    guard: GuardState | None
    last_scrub: ScrubReport | None
    expiring: tuple[Expiry, ...]
    outbox: int
    in_flight: bool
    arrivals: dict[str, int]
    deliveries: tuple[Queue, ...]
    sessions: tuple[Session, ...]
    trades: dict[str, int]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """A node's store, open for reading. network: as it was founded."""

    settings: NodeSettings
    network: Network
    connection: sqlite3.Connection

    @cached_property
    def register(self) -> Register:
        """The network as it is now, by the acts in the store."""
        return stored_register(self.connection, self.network)

    def record(self, key: str, kind: type[Record]) -> Record | None:
        """A record of the contracts' state."""
        row = self.connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return kind.model_validate_json(row[0]) if row else None

    def name_of(self, lei: str | None) -> str:
        """What an institution is called."""
        institution = self.register.now.by_lei.get(lei or "")
        return institution.name if institution else (lei or "")


@contextmanager
def reading(settings: NodeSettings) -> Iterator[View]:
    """The store of a node, as of now. Raises StoreError where it has none yet, and NetworkError."""
    network = load_network(settings.network_file)
    with closing(read_store(settings.data_folder / STORE_FILE)) as connection:
        connection.execute("BEGIN")  # one moment for all questions
        yield View(settings, network, connection)


def status_of(view: View) -> NodeStatus:
    """How the node is now."""
    connection, folder, register = view.connection, view.settings.data_folder, view.register
    running = is_running(folder)
    pulse = read_pulse(folder) if running else None
    queues, at, last = _queues(connection), head(connection), _last_block(view)
    silent = round(time.time() - pulse.written, 1) if pulse else None
    clock = time_standing(connection, [member.sp for member in register.now.members])
    waits = contract_wait(connection, register.contracts, at.size)
    standing, alarms = members(connection, register, at.size), _alarms(connection)
    today = datetime.now(ZoneInfo(view.network.time_zone)).date()
    expiring = tuple(expiries(register, view.settings.sp, today))
    return NodeStatus(
        sp=view.settings.sp,
        network=setting(connection, "network") or view.network.id.hex(),
        state=state_of(waits, running=running),
        waits=waits,
        running=running,
        pid=pulse.pid if pulse else None,
        silent_seconds=silent,
        sequence=at.sequence,
        size=at.size,
        root=at.root,
        time=clock,
        last_block=moment(last.time) if last else None,
        last_block_sp=last.sp if last else None,
        agreed_size=agreed_size(standing),
        members=standing,
        passed_over=_count(connection, "archive WHERE fault IS NOT NULL"),
        results=_by(connection, "SELECT finality, COUNT(*) FROM decided GROUP BY finality ORDER BY finality"),
        alarms=alarms,
        disk=_disk(folder),
        guard=pulse.guard if pulse else None,
        last_scrub=read_report(folder),
        expiring=expiring,
        outbox=_count(connection, "outbox"),
        in_flight=_count(connection, "flight") > 0,
        arrivals=_by(connection, "SELECT state, COUNT(*) FROM raw GROUP BY state"),
        deliveries=queues,
        sessions=pulse.sessions if pulse else (),
        trades=_by(connection, f"SELECT status, COUNT(*) FROM ({TRADES}) GROUP BY status ORDER BY status"),  # noqa: S608 - a constant
        findings=(
            *_pulse_findings(pulse, running=running),
            *(alarm.text for alarm in alarms),
            *time_findings(clock),
            *_expiry_findings(expiring),
            *contract_findings(register, at.size),
            *_store_findings(connection, queues),
        ),
    )


def _alarms(connection: sqlite3.Connection) -> tuple[Alarm, ...]:
    rows = each(connection, "SELECT key, text, raised FROM alarm WHERE cleared IS NULL ORDER BY raised")
    return tuple(Alarm(about=row[0], text=row[1], raised=moment(row[2])) for row in rows)


def _disk(folder: Path) -> Disk:
    usage = shutil.disk_usage(folder)
    size = sum(path.stat().st_size for path in folder.glob(f"{STORE_FILE}*"))
    used = round(100 * (usage.total - usage.free) / usage.total, 1)
    return Disk(free_bytes=usage.free, used_percent=used, store_bytes=size)


def head_of(settings: NodeSettings) -> Head:
    """How far a node has applied the ledger. Raises StoreError."""
    with closing(read_store(settings.data_folder / STORE_FILE)) as connection:
        return head(connection)


def is_running(data_folder: Path) -> bool:
    """Whether a daemon holds the lock of this data folder."""
    try:
        with (data_folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _last_block(view: View) -> Block | None:
    row = view.connection.execute(
        "SELECT block FROM archive WHERE fault IS NULL ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return archived_block(row[0]) if row else None


def _queues(connection: sqlite3.Connection) -> tuple[Queue, ...]:
    rows = each(
        connection,
        "SELECT client, SUM(delivered IS NULL), COUNT(delivered),"
        " MIN(CASE WHEN delivered IS NULL THEN queued END) FROM delivery GROUP BY client ORDER BY client",
    )
    return tuple(
        Queue(client=r[0], waiting=r[1], delivered=r[2], oldest=moment(r[3]) if r[3] else None) for r in rows
    )


def _pulse_findings(pulse: Pulse | None, *, running: bool) -> Iterator[str]:
    if not running:
        yield "the node does not run: start it with `yakujo run`"
    elif pulse is not None and (silent := time.time() - pulse.written) > SILENT_SECONDS_MAX:
        yield f"the node has given no sign of life for {silent:.0f} seconds: look at its log"
    guard = pulse.guard if pulse else None
    if guard is not None and guard.word in GRAVE:
        yield f"the guard of the ledger's server: {guard.word.value}: {guard.text}"


def _expiry_findings(expiring: tuple[Expiry, ...]) -> Iterator[str]:
    for one in expiring:
        yield f"the {one.what} of {one.institution} end on {one.last_day}: have them renewed"


def _store_findings(connection: sqlite3.Connection, queues: tuple[Queue, ...]) -> Iterator[str]:
    now = datetime.now(UTC)
    row = connection.execute("SELECT MIN(received) FROM raw WHERE state = 'stored'").fetchone()
    if row[0] is not None and (waits := (now - moment(row[0])).total_seconds()) > UNREAD_SECONDS_MAX:
        yield f"a message has waited {waits:.0f} seconds to be read: look at the node's log"
    if unwritten := _count(connection, "unwritten"):
        yield f"{unwritten} answers cannot be said in their clients' formats: see the store's table unwritten"
    for queue in queues:
        waits = (now - queue.oldest).total_seconds() if queue.oldest else 0.0
        if waits > UNDELIVERED_SECONDS_MAX:
            count = f"{queue.waiting} deliveries wait" if queue.waiting > 1 else "a delivery waits"
            yield f"{count} for {queue.client}, the oldest for {waits / 60:.0f} minutes: can it be reached?"


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0])  # noqa: S608 - our own words


def _by(connection: sqlite3.Connection, query: str) -> dict[str, int]:
    return {row[0]: row[1] for row in each(connection, query)}
