"""Promises about the files of a server's store: moved, never deleted; and the sweep over finished blocks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.guard_blocks import Sweep
from node.server_store import ServerStore

NOW = datetime(2027, 3, 31, 6, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ServerStore:
    """A store with three block files and Raft's own files."""
    made = ServerStore(tmp_path, "LEDGER", clock=lambda: NOW)
    made.blocks.mkdir(parents=True)
    for number in range(1, 4):
        (made.blocks / f"{number}.blk").write_bytes(bytes([number]) * 100)
    (made.blocks / "index.db").write_bytes(b"index")
    group = made.root / "$SYS" / "_js_" / "S-R3F-x"
    group.mkdir(parents=True)
    (group / "tav.idx").write_bytes(b"term and vote")
    return made


def test_the_stream_alone_is_moved_aside(store: ServerStore):
    """Raft keeps what it has voted for."""
    moved = store.move_stream_aside()
    assert moved == store.directory / "aside" / "20270331T063000Z" / "LEDGER"
    assert (moved / "msgs" / "1.blk").read_bytes() == bytes([1]) * 100
    assert not store.blocks.exists()
    assert list(store.root.rglob("tav.idx"))
    assert store.move_stream_aside() is None


def test_all_is_moved_aside_under_a_new_name(store: ServerStore):
    """Two repairs within a second do not collide, and sort in their order."""
    store.move_stream_aside()
    moved = store.move_all_aside()
    assert moved == store.directory / "aside" / "20270331T063000Z-01" / "jetstream"
    assert not store.exists
    assert store.move_all_aside() is None
    assert [path.name for path in store.asides()] == ["20270331T063000Z", "20270331T063000Z-01"]


def test_only_the_last_asides_are_kept(store: ServerStore):
    for _ in range(3):
        store.blocks.mkdir(parents=True, exist_ok=True)
        store.move_stream_aside()
    store.drop_old_asides()
    assert [path.name for path in store.asides()] == ["20270331T063000Z-01", "20270331T063000Z-02"]
    store.drop_old_asides()
    assert len(store.asides()) == 2


def test_the_index_is_forgotten_and_all_is_counted(store: ServerStore):
    assert store.size() == 300 + len(b"index") + len(b"term and vote")
    store.forget_index()
    store.forget_index()
    assert store.size() == 300 + len(b"term and vote")


async def _swept(sweep: Sweep) -> list[str]:
    sweep.begin()
    found = []
    while not sweep.done:
        found.append(await sweep.step())
    assert await sweep.step() is None
    return [name for name in found if name is not None]


async def test_a_finished_block_that_changes_is_found(store: ServerStore):
    """By the next sweep, also in a later run of the node; the last block may grow."""
    file = store.directory / "blocks.json"
    assert await _swept(Sweep(store.blocks, file)) == []
    (store.blocks / "3.blk").write_bytes(b"grown")
    assert await _swept(Sweep(store.blocks, file)) == []
    (store.blocks / "2.blk").write_bytes(b"flipped")
    sweep = Sweep(store.blocks, file)
    assert await _swept(sweep) == ["2.blk"]
    sweep.forget()
    assert await _swept(Sweep(store.blocks, file)) == []


async def test_a_sweep_outlives_what_the_server_does_meanwhile(store: ServerStore):
    """A file that is gone is the server's business; a digest file that cannot be read is made anew."""
    file = store.directory / "blocks.json"
    file.write_text("{")
    sweep = Sweep(store.blocks, file)
    sweep.begin()
    (store.blocks / "1.blk").unlink()
    assert [await sweep.step(), await sweep.step()] == [None, None]
    assert sweep.done
    assert "2.blk" in file.read_text()
