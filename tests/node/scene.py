"""A network in one process: three SPs on one ledger in memory, with real stores, formats and mappings.

sp1  serves BROKER, whose client speaks FIX 4.4
sp2  serves INVESTOR, whose client drops CP932 files, and RIVAL, another investor
sp3  is a member and party to nothing
"""

import asyncio
import hashlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from founding import SERVED, client, founded, keys_of, network
from memory_link import MemoryLink

from adapters.fix_link import EngineReject
from adapters.folder_link import RefuseTooLarge
from adapters.link import Arrival, Link
from node import compose
from node.compose import MakeParts, application_parts
from node.duties import Pace
from node.keyring import KeyRing
from node.keys import NodeKeys
from node.ledger import Ledger
from node.ledger_time import Clock, machine_clock
from node.memory_ledger import MemoryLedger
from node.network import Network
from node.replica import Head, head
from node.settings import ClientSettings, ExternalLedger, NodeSettings
from node.store import STORE_FILE, Store

PATIENCE_SECONDS = 20.0
DAY = date(2026, 11, 20)
PACE = Pace(look=0.03, stagger=0.01)

# Where acts are found that people have given, not nodes of themselves.
FROM_ACTS = """FROM act WHERE act NOT LIKE '{"act":"installed"%'"""

# What a node has yet to do: answer, publish, deliver, attest; announce its keys; sign what has come; say what
# contracts it has.
_UNDONE = """
    SELECT (SELECT COUNT(*) FROM raw WHERE state = 'stored') + (SELECT COUNT(*) FROM outbox)
        + (SELECT COUNT(*) FROM flight) + (SELECT COUNT(*) FROM delivery WHERE delivered IS NULL)
        + (SELECT COUNT(*) FROM decided WHERE due = 1),
        (SELECT COUNT(DISTINCT delegation) FROM announced WHERE sp = :sp) >= :served,
        COALESCE((SELECT MAX(size) FROM checkpoint WHERE sp = :sp), 0)
        >= COALESCE((SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'traffic'), 0),
        NOT :founder OR EXISTS (SELECT 1 FROM act WHERE sp = :sp AND act LIKE '{"act":"installed"%')
"""


@dataclass
class Node:
    """One SP's node. It can be started, killed and started again on the same folder.

    today: the business day, as it sees it. clock: the time that its blocks have. make_parts: another
    contract, say.
    """

    sp: str
    folder: Path
    ledger: Ledger
    clients: tuple[ClientSettings, ...] = ()
    network: Network = field(default_factory=network)
    keys: NodeKeys | None = None
    link: MemoryLink = field(default_factory=MemoryLink)
    task: asyncio.Task[None] | None = None
    make_store: Callable[[Path], Store] = Store
    make_parts: MakeParts = application_parts
    today: date = DAY
    pace: Pace = PACE
    clock: Clock = machine_clock

    @property
    def settings(self) -> NodeSettings:
        """What its node.toml would say."""
        nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("/unused"))
        return NodeSettings(
            sp=self.sp,
            data_folder=self.folder,
            ledger=nowhere,
            clients=self.clients,
            provider_bic="YKJOJPJT",
        )

    async def start(self) -> None:
        """Run it until it serves its clients; raises what it ended with before that."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.link.receive = None
        ready = asyncio.Event()
        self.task = asyncio.create_task(self._run(ready), name=self.sp)
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            await self.task
        await until(lambda: self.link.receive is not None or self._ended())

    async def _run(self, ready: asyncio.Event) -> None:
        def links(_: NodeSettings, reject: EngineReject, too_large: RefuseTooLarge) -> dict[str, Link]:
            self.link.refuse_engine, self.link.refuse_unread = reject, too_large
            return {"folder": self.link} if self.clients else {}

        async with self.make_store(self.folder / STORE_FILE) as store:
            await compose.serve(
                self.settings,
                self.network,
                KeyRing(self.keys or keys_of(self.sp)),
                store,
                self.ledger,
                ready.set,
                make_links=links,
                make_parts=self.make_parts,
                today=lambda: self.today,
                pace=replace(self.pace, now=self._now),
            )

    def _now(self) -> int:
        return self.clock()  # asked each time: tests set it while the node runs

    def _ended(self) -> bool:
        return not self.clients or self.task is None or self.task.done()

    async def stop(self) -> None:
        """End it; what it ended with by itself is not told here."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def ended(self) -> list[BaseException]:
        """What it ended with, once it has."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({self.task})
        error = self.task.exception()
        return list(_leaves(error)) if error is not None else []

    async def arrives(self, name: str, raw: bytes, origin: str = "") -> None:
        """Hand over what a client sends; stored when this returns."""
        assert self.link.receive is not None
        await self.link.receive(Arrival(name, origin, raw))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query on its store, as another process would read them."""
        with closing(self._reading()) as connection:
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change its store from outside, where a test needs what would take long to come about."""
        with closing(sqlite3.connect(self.folder / STORE_FILE)) as connection, connection:
            connection.execute(statement, values)

    def is_at_rest(self) -> bool:
        """Whether it has nothing more to say to anybody."""
        served = self.network.served_by(self.sp) & set((self.keys or keys_of(self.sp)).institutions)
        founder = self.sp in self.network.signing_keys
        told = {"sp": self.sp, "served": len(served), "founder": founder}
        with closing(self._reading()) as connection:
            found = connection.execute(_UNDONE, told).fetchone()
            return bool(found == (0, 1, 1, 1))

    def alarms(self) -> dict[str, str]:
        """What a person must look at, by what it is about."""
        return dict(self.rows("SELECT key, text FROM alarm WHERE cleared IS NULL"))

    def head(self) -> Head:
        """How far it has applied."""
        with closing(self._reading()) as connection:
            return head(connection)

    def _reading(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.folder / STORE_FILE}?mode=ro", uri=True)

    def bytes_on_disk(self) -> bytes:
        """All that it has written, the store's side files included."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


@dataclass
class Scene:
    """Three nodes that run on one ledger. mortal: they may end and are started again."""

    ledger: MemoryLedger
    nodes: dict[str, Node]
    mortal: bool = False

    @property
    def sp1(self) -> Node:
        """The broker's."""
        return self.nodes["sp1"]

    @property
    def sp2(self) -> Node:
        """The investors'."""
        return self.nodes["sp2"]

    @property
    def sp3(self) -> Node:
        """A member without clients."""
        return self.nodes["sp3"]

    async def settled(self) -> None:
        """Wait until nothing is on its way and no node that runs has more to say: see Node.is_at_rest."""
        await until(lambda: self._failed() or self.is_settled())
        if failed := self._failed():
            await failed

    def _failed(self) -> asyncio.Task[None] | None:
        tasks = [node.task for node in self.nodes.values() if node.task is not None and not self.mortal]
        return next((task for task in tasks if task.done()), None)

    def is_settled(self) -> bool:
        """Whether all nodes that were not stopped are at rest and have applied the same."""
        running = [node for node in self.nodes.values() if node.task is not None]
        before = [node.head() for node in running]
        at_rest = all(node.is_at_rest() for node in running)
        return at_rest and len({*before, *(node.head() for node in running)}) == 1


def in_folder(
    root: Path,
    ledger: MemoryLedger,
    clients: Mapping[str, Iterable[str]] | None = None,
    served: Mapping[str, tuple[str, ...]] = SERVED,
    **rules: Any,
) -> Scene:
    """A scene that does not run yet.

    clients: by SP; the broker's and both investors' if not given. served: institutions by SP. rules: of all
    relationships, where not the usual.
    """
    names = clients if clients is not None else {"sp1": ["broker"], "sp2": ["investor", "rival"]}
    of_all = network() if served is SERVED and not rules else founded(served, **rules)
    nodes = {
        sp: Node(sp, root / sp, ledger, tuple(map(client, names.get(sp, ()))), of_all, keys_of(sp, own))
        for sp, own in served.items()
    }
    return Scene(ledger, nodes)


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[Scene]:
    """Start all nodes, and stop them at the end. A node that ends by itself is not told: see Node.ended."""
    try:
        for node in scene.nodes.values():
            await node.start()
        yield scene
    finally:
        for node in scene.nodes.values():
            await node.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        pause = 0.002
        while not condition():  # stores tell nobody when they have changed
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def outcomes(node: Node) -> list[tuple[Any, ...]]:
    """What the contract has said at a node."""
    return node.rows(
        "SELECT id, position, kind, trade, status, outcome FROM outcome ORDER BY position, kind, id"
    )


def first_answers(node: Node) -> Counter[str]:
    """How many receipts and rejections each source has."""
    found = node.rows(
        "SELECT source FROM said JOIN outcome USING (position) WHERE kind IN ('receipt', 'rejection')"
    )
    return Counter(source for (source,) in found)


def digest(raw: bytes) -> str:
    """SHA-256, as sources are called."""
    return hashlib.sha256(raw).hexdigest()
