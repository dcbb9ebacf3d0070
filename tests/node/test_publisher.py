"""From the outbox to the ledger: in order, in blocks that fit, once, whatever the ledger does."""

from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from forging import NOTHING, day_secret, entries, for_both, forged
from founding import BROKER, INVESTOR, network
from mortal import CrashError, Moment, MortalStore
from scene import Node, Scene, in_folder, running, until

from node.block import BLOCK_BYTES_MAX, open_block
from node.entry import ENTRY_BYTES_MAX, EntryKind, KeyEntry, SealedEntry, encode_entry
from node.memory_ledger import Faults, MemoryLedger
from node.outbox import ENTRIES_PER_BLOCK_MAX, queue_submission
from node.store import STORE_FILE, Store, open_store

# How the entries begin by which a node announces keys and contracts, and signs checkpoints.
OWN_WORDS = {
    bytes([start, kind])
    for start, kind in ((0x84, EntryKind.DAY_KEYS), (0x82, EntryKind.CHECKPOINT), (0x82, EntryKind.ACT))
}


def small(number: int) -> bytes:
    return encode_entry(SealedEntry(1, bytes(32), number.to_bytes(16), b"x"))


def large(number: int) -> bytes:
    """The largest that an entry can be."""
    room = ENTRY_BYTES_MAX - len(small(number)) - 4
    return encode_entry(SealedEntry(1, bytes(32), number.to_bytes(16), bytes(room)))


def with_backlog(root: Path, ledger: MemoryLedger, entries: list[bytes]) -> Scene:
    """One node whose outbox holds entries from before its start."""
    scene = in_folder(root, ledger, {})
    del scene.nodes["sp2"], scene.nodes["sp3"]
    scene.sp1.folder.mkdir(parents=True)
    connection = open_store(scene.sp1.folder / STORE_FILE)
    queue = "INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')"
    connection.executemany(queue, [(entry,) for entry in entries])
    connection.close()
    return scene


def counted(node: Node) -> list[list[bytes]]:
    """The entries of each block that counts, in order, but for what the node says by itself."""
    rows = node.rows("SELECT block FROM archive WHERE fault IS NULL ORDER BY sequence")
    blocks = [open_block(raw, network().signing_keys, network().id) for (raw,) in rows]
    waited = [[entry for entry in block.entries if entry[:2] not in OWN_WORDS] for block in blocks]
    return [one for one in waited if one]


BACKLOGS = {
    "nothing": ([], []),
    "many": ([small(n) for n in range(450)], [ENTRIES_PER_BLOCK_MAX, ENTRIES_PER_BLOCK_MAX, 50]),
    "large": ([large(n) for n in range(3)], [1, 1, 1]),
    "both": ([small(1), large(2), small(3), large(4), small(5)], [3, 2]),
}


@pytest.mark.parametrize("name", BACKLOGS)
async def test_a_backlog_goes_out_in_order_in_blocks_that_fit(tmp_path: Path, name: str):
    """What waited while the ledger was away is ordered as it came, none left out, none too large."""
    entries, sizes = BACKLOGS[name]
    scene = with_backlog(tmp_path, MemoryLedger(), entries)
    async with running(scene):
        await scene.settled()
        blocks = counted(scene.sp1)
        assert [entry for block in blocks for entry in block] == entries
        assert [len(block) for block in blocks] == sizes
        lengths = scene.sp1.rows("SELECT length(block) FROM archive")
        assert all(length <= BLOCK_BYTES_MAX for (length,) in lengths)


@pytest.mark.parametrize("seed", range(3))
async def test_a_ledger_that_misbehaves_orders_each_entry_once(tmp_path: Path, seed: int):
    """Lost blocks, lost acknowledgements and blocks ordered twice: the same bytes again, counted once."""
    faults = Faults(lost=0.3, unacknowledged=0.3, duplicated=0.3, delay=0.001)
    entries = [small(n) for n in range(ENTRIES_PER_BLOCK_MAX * 4 + 1)]
    scene = with_backlog(tmp_path, MemoryLedger(faults, Random(seed)), entries)
    async with running(scene):
        await scene.settled()
        assert [entry for block in counted(scene.sp1) for entry in block] == entries


async def test_a_block_under_way_is_published_as_it_was(tmp_path: Path):
    """A node that died with a block under way publishes the very same bytes, whatever has come in since."""
    ledger = MemoryLedger()
    scene = with_backlog(tmp_path, ledger, [])
    queue, flight = (
        "INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')",
        "SELECT block FROM flight",
    )
    async with running(scene):
        await scene.settled()
        ledger.available = False
        scene.sp1.change(queue, small(1))
        await until(lambda: scene.sp1.rows(flight))
        ((block,),) = scene.sp1.rows(flight)
        scene.sp1.change(queue, b"\x00")
        await scene.sp1.stop()
        await scene.sp1.start()
        assert scene.sp1.rows(flight) == [(block,)]
        ledger.available = True
        await scene.settled()
        assert scene.sp1.rows("SELECT fault FROM archive WHERE block = ?", block) == [(None,)]
        assert [entry for one in counted(scene.sp1) for entry in one] == [small(1), b"\x00"]


class MortalArchive(MortalStore):
    """Dies around a transaction that archives. Nobody else wants to write: the next block is made in it."""

    is_waited_for = False

    def counts(self, job: Any) -> bool:
        """See MortalStore."""
        return getattr(getattr(job, "func", job), "__name__", "") == "_apply"


class NotingLedger(MemoryLedger):
    """Notes what was published under each number."""

    def __init__(self) -> None:
        super().__init__()
        self.published: dict[str, set[bytes]] = {}
        self.read_by_author: list[int | None] = []

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:
        """See Ledger."""
        self.published.setdefault(message_id.rpartition("-")[0], set()).add(block)
        self.read_by_author.append(read)
        return await super().append(block, message_id, read)


async def test_a_block_goes_out_with_how_far_its_author_has_read(tmp_path: Path):
    """By that a ledger holds back who has lost what it had published before."""
    ledger = NotingLedger()
    scene = with_backlog(tmp_path, ledger, [small(1)])
    async with running(scene):
        await scene.settled()
        assert ledger.read_by_author[0] == 0
        height = await ledger.head()
        assert height
        await scene.sp1.stop()
        ledger.read_by_author.clear()
        await scene.sp1.start()
        scene.sp1.change("INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')", small(2))
        await scene.settled()
        assert ledger.read_by_author[0] == height


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_block_that_follows_another_is_on_disk_with_it(tmp_path: Path, at: int, moment: Moment):
    """A node that dies while it archives its block publishes the same again: that block, or the next one."""
    ledger, backlog = NotingLedger(), [small(n) for n in range(ENTRIES_PER_BLOCK_MAX * 4)]
    scene = with_backlog(tmp_path, ledger, backlog)
    node = scene.sp1
    node.make_store = partial(MortalArchive, at=at, moment=moment)
    with suppress(CrashError):
        await node.start()
    assert {type(error) for error in await node.ended()} == {CrashError}
    ((seq, block),) = node.rows("SELECT seq, block FROM flight")
    assert seq == (at + 1 if moment is Moment.AFTER else at)
    node.make_store = Store
    async with running(scene):
        await scene.settled()
        counted_as = "SELECT seq FROM archive WHERE block = ? AND fault IS NULL"
        assert node.rows(counted_as, block) == [(seq,)]
        assert [entry for one in counted(node) for entry in one] == backlog
        assert {len(blocks) for blocks in ledger.published.values()} == {1}


async def test_nothing_is_published_before_all_is_read(tmp_path: Path):
    """A node that comes back says nothing that rests on less than the ledger held: here, the day's secret."""
    ledger, secret = MemoryLedger(), day_secret()
    scene = with_backlog(tmp_path, ledger, [])
    with closing(open_store(scene.sp1.folder / STORE_FILE)) as connection:
        queue_submission(connection, b"of before", BROKER, BROKER, INVESTOR)
    others = [forged("sp2", number, NOTHING) for number in range(1, 200)]
    for number, block in enumerate([*others, forged("sp2", 200, for_both(secret))]):
        await ledger.append(block, str(number))
    async with running(scene):
        await scene.settled()
        found = [one for one in entries(scene.sp1) if isinstance(one.entry, KeyEntry | SealedEntry)]
        assert [(one.sp, one.entry.key_id) for one in found] == [
            ("sp2", secret.key_id),
            ("sp1", secret.key_id),
        ]
