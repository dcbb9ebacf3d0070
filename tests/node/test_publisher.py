"""From the outbox to the ledger: in order, in blocks that fit, once, whatever the ledger does."""

from pathlib import Path
from random import Random

import pytest
from founding import network
from scene import Node, Scene, in_folder, running

from node.block import BLOCK_BYTES_MAX, open_block
from node.entry import ENTRY_BYTES_MAX, SealedEntry, encode_entry
from node.memory_ledger import Faults, MemoryLedger
from node.publisher import ENTRIES_PER_BLOCK_MAX
from node.store import STORE_FILE, open_store


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
    connection.executemany("INSERT INTO outbox (entry) VALUES (?)", [(entry,) for entry in entries])
    connection.close()
    return scene


def counted(node: Node) -> list[list[bytes]]:
    """The entries of each block that counts, in order."""
    rows = node.rows("SELECT block FROM archive WHERE fault IS NULL ORDER BY sequence")
    return [list(open_block(raw, network().signing_keys, network().id).entries) for (raw,) in rows]


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
    ledger.available = False
    scene = with_backlog(tmp_path, ledger, [small(1)])
    flight = "SELECT block FROM flight"
    async with running(scene):
        await scene.sp1.stop()
        await scene.sp1.start()
        scene.sp1.change("INSERT INTO outbox (entry) VALUES (x'00')")
        before = scene.sp1.rows(flight)
        await scene.sp1.stop()
        ledger.available = True
        await scene.sp1.start()
        await scene.settled()
        assert before in ([], scene.sp1.rows("SELECT block FROM archive WHERE sequence = 1"))
        assert [entry for block in counted(scene.sp1) for entry in block] == [small(1), b"\x00"]
