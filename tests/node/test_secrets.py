"""Day secrets: both sides use one, a restart opens it again, no disk holds it open, each day has its own."""

from datetime import timedelta
from pathlib import Path

import pytest
from forging import applied, day_secret, entries, for_both, forged, say
from founding import BROKER, INVESTOR, keys_of, network
from line import Line
from messages import block, file, report
from scene import DAY, Node, Scene, digest, in_folder, outcomes, running, until

from node.day_secret import FIRST
from node.entry import EntryKind, KeyEntry, RetireEntry, SealedEntry
from node.keys import NodeKeys
from node.memory_ledger import MemoryLedger
from node.sealing import OpenedSecret, open_secret
from node.secrets import SecretsUnreadableError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def keys_made(node: Node) -> list[KeyEntry]:
    return [one.entry for one in entries(node) if isinstance(one.entry, KeyEntry)]


def keys_used(node: Node, *kinds: EntryKind) -> list[bytes]:
    """The key id of each submission; of attestations too, if so asked."""
    sealed = [one.entry for one in entries(node) if isinstance(one.entry, SealedEntry)]
    return [entry.key_id for entry in sealed if entry.kind in (kinds or (EntryKind.SEALED,))]


def opened(entry: KeyEntry, sp: str = "sp1") -> OpenedSecret:
    found = open_secret(entry, network().id, keys_of(sp).opening_keys(entry.day))
    assert found is not None
    return found


def said_by(node: Node, sender: str) -> list[str]:
    """What an institution has said, in the order of the ledger."""
    rows = node.rows("SELECT source FROM said WHERE sender = ? AND fault IS NULL ORDER BY position", sender)
    return [source for (source,) in rows]


def agreed(node: Node) -> int:
    return [row[4] for row in outcomes(node) if row[2] == "result"].count("MAGR")


def under_way(node: Node) -> bool:
    return bool(node.rows("SELECT seq FROM flight"))


async def test_the_first_of_a_day_is_ordered_before_it_is_used(scene: Scene):
    """Nothing is sealed with a secret of which the other side might know nothing."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.sp2.arrives("rival", file(block("A-2")))
        await scene.settled()
        for made in keys_made(scene.sp3):
            with_it = [one for one in entries(scene.sp3) if getattr(one.entry, "key_id", b"") == made.key_id]
            assert [type(one.entry) for one in with_it[:2]] == [KeyEntry, SealedEntry]
            assert opened(made).secret.previous == FIRST


async def test_both_sides_may_make_one_at_the_same_time(scene: Scene):
    """One of the two counts, at both sides; nothing is lost, and nobody's messages overtake one another."""
    async with running(scene):
        await scene.settled()
        scene.ledger.available = False
        reports = [report(f"B-{number}") for number in range(3)]
        files = [file(block(f"A-{number}", order=f"B-{number}")) for number in range(3)]
        for reported, filed in zip(reports, files, strict=True):
            await scene.sp1.arrives("broker", reported)
            await scene.sp2.arrives("investor", filed)
        await until(lambda: under_way(scene.sp1) and under_way(scene.sp2))
        scene.ledger.available = True
        await scene.settled()
        first, second = keys_made(scene.sp1)
        assert opened(first).secret.previous == opened(second).secret.previous == FIRST
        assert set(keys_used(scene.sp1, EntryKind.SEALED, EntryKind.ATTESTATION)) == {first.key_id}
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert agreed(scene.sp1) == 3
        for node in (scene.sp1, scene.sp2):
            assert said_by(node, BROKER) == [digest(raw) for raw in reports]
            assert said_by(node, INVESTOR) == [digest(raw) for raw in files]


async def test_what_waits_for_a_secret_holds_up_no_other_institution(scene: Scene):
    """The first message to one counterparty waits for its secret; others go on, and it keeps its place."""
    line = scene.sp2.ledger = Line(scene.ledger)
    async with running(scene):
        await scene.sp2.arrives("rival", file(block("R-1")))
        await scene.settled()
        line.is_cut = True
        await scene.sp2.arrives("rival", file(block("R-2")))
        await until(lambda: under_way(scene.sp2))
        for client, name in (("investor", "A-1"), ("investor", "A-2"), ("rival", "R-3")):
            await scene.sp2.arrives(client, file(block(name)))
        await until(lambda: scene.sp2.rows("SELECT COUNT(*) FROM outbox") == [(4,)])
        line.is_cut = False
        await scene.settled()
        said = [digest(file(block(name))) for name in ("R-1", "R-2", "R-3", "A-1", "A-2")]
        assert scene.sp1.rows("SELECT source FROM said ORDER BY position") == [(source,) for source in said]


async def test_an_institutions_messages_do_not_overtake_one_another(scene: Scene):
    """The first to one counterparty waits for its secret, and so does what comes after it, to whomever."""
    line = scene.sp1.ledger = Line(scene.ledger)
    rival = "RIVLJPJT"
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-0", investor=rival))
        await scene.settled()
        line.is_cut = True
        await scene.sp1.arrives("broker", report("B-1", investor=rival))
        await until(lambda: under_way(scene.sp1))
        said = [report("B-2"), report("B-3", investor=rival), report("B-4")]
        for raw in said:
            await scene.sp1.arrives("broker", raw)
        await until(lambda: scene.sp1.rows("SELECT COUNT(*) FROM outbox") == [(4,)])
        line.is_cut = False
        await scene.settled()
        assert said_by(scene.sp1, BROKER)[2:] == [digest(raw) for raw in said]


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


async def test_a_secret_that_was_not_ordered_before_a_crash_is_published_as_it_was(scene: Scene):
    """The node that died with it under way makes no other, and what waited for it goes on."""
    async with running(scene):
        await scene.settled()
        scene.ledger.available = False
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: under_way(scene.sp1))
        await scene.sp1.stop()
        await scene.sp1.start()
        await scene.sp1.arrives("broker", report("B-2"))
        scene.ledger.available = True
        await scene.settled()
        (made,) = keys_made(scene.sp1)
        assert keys_used(scene.sp1) == [made.key_id] * 2
        assert [row[2] for row in outcomes(scene.sp2)] == ["receipt"] * 2


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
        (entry,) = keys_made(scene.sp1)
        for sp, name in (("sp1", BROKER), ("sp2", INVESTOR)):
            assert opened(entry, sp).reader == name
            for node in scene.nodes.values():
                assert opened(entry, sp).secret.value not in node.bytes_on_disk()


async def test_a_new_day_has_a_new_secret(scene: Scene):
    """It names the one before it, and a clock that is behind does not bring the old one back."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        scene.sp2.today = DAY + timedelta(days=3)  # over a weekend
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await scene.sp1.arrives("broker", report("B-2"))
        await scene.settled()
        first, second = keys_made(scene.sp1)
        assert (first.day, second.day) == (DAY, DAY + timedelta(days=3))
        assert opened(second).secret.previous == first.key_id
        assert keys_used(scene.sp1) == [first.key_id, second.key_id, second.key_id]
        assert agreed(scene.sp1) == agreed(scene.sp2) == 1


async def test_a_retired_secret_is_used_no_more(scene: Scene):
    """An operator who fears for it says so; a stranger's word counts for nothing. Restarts included."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        (first,) = keys_made(scene.sp1)
        await say(scene, scene.sp3, RetireEntry(first.key_id))
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        await say(scene, scene.sp2, RetireEntry(first.key_id))
        for node in (scene.sp1, scene.sp2):
            await node.stop()
            await node.start()
        await scene.sp1.arrives("broker", report("B-2"))
        await scene.settled()
        _, second = keys_made(scene.sp1)
        assert opened(second).secret.previous == first.key_id
        assert keys_used(scene.sp1) == [first.key_id, first.key_id, second.key_id]
        assert agreed(scene.sp1) == agreed(scene.sp2) == 1


async def test_a_secret_that_does_not_follow_the_last_one_is_not_used(scene: Scene):
    """A late or repeated attempt changes nothing, whoever makes it."""
    del scene.nodes["sp2"]
    async with running(scene):
        kept, late = day_secret(), day_secret(day=DAY + timedelta(days=1))
        await applied(scene, forged("sp2", 1, for_both(kept), for_both(late)))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert keys_used(scene.sp1) == [kept.key_id]
        assert scene.sp1.rows("SELECT key_id FROM day_key") == [(kept.key_id,)]
