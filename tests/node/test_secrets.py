"""Day secrets: both sides use one, a restart opens it again, and no disk holds it open."""

from pathlib import Path

import pytest
from founding import BROKER, INVESTOR, keys_of, network
from messages import block, file, report
from scene import Node, Scene, in_folder, outcomes, running, until

from node.block import open_block
from node.entry import KeyEntry, SealedEntry, decode_entry
from node.keys import NodeKeys
from node.memory_ledger import MemoryLedger
from node.sealing import open_secret
from node.secrets import SecretsUnreadableError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = in_folder(tmp_path, MemoryLedger())
    del made.nodes["sp3"]
    return made


def entries(node: Node) -> list[object]:
    """All entries of the ledger, in order."""
    rows = node.rows("SELECT block FROM archive WHERE fault IS NULL ORDER BY sequence")
    blocks = [open_block(raw, network().signing_keys, network().id) for (raw,) in rows]
    return [decode_entry(entry) for opened in blocks for entry in opened.entries]


def keys_made(node: Node) -> list[bytes]:
    return [entry.key_id for entry in entries(node) if isinstance(entry, KeyEntry)]


def keys_used(node: Node) -> list[bytes]:
    return [entry.key_id for entry in entries(node) if isinstance(entry, SealedEntry)]


async def test_both_sides_may_make_one_at_the_same_time(scene: Scene):
    """All that was sealed opens at both sides, and from then on both seal with the first on the ledger."""
    scene.ledger.available = False
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        waiting = "SELECT COUNT(*) FROM outbox"
        await until(lambda: all(node.rows(waiting) == [(2,)] for node in scene.nodes.values()))
        scene.ledger.available = True
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-2"))
        await scene.sp2.arrives("investor", file(block("A-2", order="B-2")))
        await scene.settled()
        made, used = keys_made(scene.sp1), keys_used(scene.sp1)
        assert len(made) == 2
        assert used == [*made, made[0], made[0]]
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert [row[4] for row in outcomes(scene.sp1) if row[2] == "result"].count("MAGR") == 2


async def test_a_restart_opens_what_the_store_holds_sealed(scene: Scene):
    """No new secret, and what comes sealed with the old one still opens."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        for node in scene.nodes.values():
            await node.stop()
            await node.start()
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        assert len(keys_made(scene.sp1)) == 1
        assert len(set(keys_used(scene.sp1))) == 1
        assert [row[4] for row in outcomes(scene.sp1)][-1] == "MAGR"


async def test_a_secret_that_was_not_ordered_before_a_crash_does_no_harm(scene: Scene):
    """The node that died with it in its outbox makes another; both are on the ledger in the end."""
    scene.ledger.available = False
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: scene.sp1.rows("SELECT COUNT(*) FROM outbox") == [(2,)])
        await scene.sp1.stop()
        await scene.sp1.start()
        await scene.sp1.arrives("broker", report("B-2"))
        await until(lambda: scene.sp1.rows("SELECT COUNT(*) FROM outbox") == [(4,)])
        scene.ledger.available = True
        await scene.settled()
        assert keys_used(scene.sp1) == keys_made(scene.sp1)
        receipts = [row for row in outcomes(scene.sp2) if row[2] == "receipt"]
        assert len(receipts) == 2


async def test_a_missing_private_key_stops_the_node(scene: Scene):
    """A node that could read yesterday and cannot today must say so, not pass over what it should apply."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp1.stop()
        scene.sp1.keys = NodeKeys(keys_of("sp1").signing, {})
        with pytest.raises(SecretsUnreadableError, match="a private key is missing"):
            await scene.sp1.start()


async def test_no_disk_holds_a_secret_open(scene: Scene):
    """Whoever copies a disk needs the institutions' private keys as well."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        (entry,) = [entry for entry in entries(scene.sp1) if isinstance(entry, KeyEntry)]
        for sp, name in (("sp1", BROKER), ("sp2", INVESTOR)):
            opened = open_secret(entry, network().id, keys_of(sp).opening_keys)
            assert opened is not None
            assert opened.reader == name
            for node in scene.nodes.values():
                assert opened.secret.value not in node.bytes_on_disk()
