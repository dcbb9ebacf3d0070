"""What tests of the audit need: the stores of three nodes after some trades, and whose keys to read with."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from forging import NOTHING, OTHER_KEY, applied, delegate, forged, say
from founding import INVESTOR, RIVAL, keys_of, network
from messages import block, file, report
from scene import Scene, in_folder, running

from node.audit_keys import AuditKeys
from node.audit_report import AuditReport
from node.auditing import audit
from node.keyring import KeyRing
from node.memory_ledger import MemoryLedger
from node.store import STORE_FILE


async def confirmed(scene: Scene, name: str, investor: str = "investor", **said: str) -> None:
    """Both sides report a trade, `said` by the investor otherwise than by the broker."""
    bic = {"investor": "ASMGJPJT", "rival": "RIVLJPJT"}[investor]
    await scene.sp1.arrives("broker", report(f"B-{name}", investor=bic), f"report {name}")
    await scene.settled()
    await scene.sp2.arrives(investor, file(block(f"A-{name}", order=f"B-{name}", **said)), f"file {name}")
    await scene.settled()


async def a_days_work(scene: Scene) -> None:
    """Trades, an act that counts and one that does not, and blocks that do not count."""
    await confirmed(scene, "1")
    await confirmed(scene, "2", commission="56900")
    await say(scene, scene.sp1, delegate(RIVAL, "sp1", 1), delegate(INVESTOR, "sp2", 9))
    await confirmed(scene, "3", "rival")
    ((own,),) = scene.sp1.rows("SELECT block FROM archive WHERE sp = 'sp1' AND seq = 1")
    await applied(
        scene, own, b"no block", forged("sp2", 7, NOTHING, key=OTHER_KEY), forged("sp3", 1, NOTHING)
    )
    await confirmed(scene, "4")


def stores(root: Path) -> dict[str, Path]:
    """The stores of three nodes that have done a day's work, closed."""

    async def work() -> None:
        scene = in_folder(root, MemoryLedger())
        async with running(scene):
            await a_days_work(scene)

    asyncio.run(work())
    return {sp: root / sp / STORE_FILE for sp in ("sp1", "sp2", "sp3")}


def own(sp: str) -> AuditKeys:
    """A node's keys, for its own store."""
    return AuditKeys(f"of {sp}", sp, KeyRing(keys_of(sp)), is_own=True)


def keys_of_node(sp: str) -> AuditKeys:
    """A node's keys, for another's store."""
    return AuditKeys(f"of {sp}", sp, KeyRing(keys_of(sp)))


def audited(store: Path, keys: AuditKeys) -> AuditReport:
    """The audit of a store of the scene, from outside of any loop."""
    return asyncio.run(audit(store, network(), keys))


def altered(store: Path, folder: Path, *statements: str, **values: object) -> Path:
    """A copy of a store in which somebody has changed something. values: by their names in the statements."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = Path(shutil.copy(store, folder))
    with closing(sqlite3.connect(copy)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement, values).rowcount > 0, statement
    return copy


def rows(store: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query of a store."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query, values).fetchall()


def value(store: Path, query: str, *values: object) -> Any:
    """The one value that a query of a store gives."""
    ((found,),) = rows(store, query, *values)
    return found


def flipped(raw: bytes, bit: int = -1) -> bytes:
    """Bytes with one bit flipped, that in the middle if no other is given."""
    at = bit if bit >= 0 else len(raw) * 4
    return raw[: at // 8] + bytes([raw[at // 8] ^ 1 << at % 8]) + raw[at // 8 + 1 :]
