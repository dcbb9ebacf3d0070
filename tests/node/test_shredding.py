"""A day that an institution has destroyed: its nodes cannot read it any more, and everything else goes on."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from forging import act, applied, entries, forged, public_state, queue, say, stated
from founding import BROKER, INVESTOR, RIVAL, identity_of, keys_of
from line import Line
from messages import block, file, report
from releases import finality, kinds
from scene import FROM_ACTS, Node, Scene, in_folder, outcomes, running, until

from node.act import Shred
from node.day_secret import new_secret
from node.entry import ActEntry, KeyEntry, SealedEntry
from node.identity import sign_statement
from node.memory_ledger import MemoryLedger
from node.register import Register
from node.restoring import restore_store
from node.sealing import seal_secret

OLD = date(2020, 1, 6)  # before any day on which these tests may run
CLEAR = ("said", "outcome", "reference")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = in_folder(tmp_path, MemoryLedger())
    for node in made.nodes.values():
        node.today = OLD
    return made


def shred(lei: str, day: date = OLD, number: int = 1) -> ActEntry:
    return stated(Shred(institution=lei, number=number, day=day), identity_of(lei))


async def traded(scene: Scene, number: int) -> None:
    await scene.settled()  # a secret that is made before the keys of its day are announced outlives that day
    await scene.sp1.arrives("broker", report(f"BROKERS-{number}"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block(f"INVESTORS-{number}", order=f"BROKERS-{number}")))
    await scene.settled()


async def restarted(*nodes: Node) -> None:
    for node in nodes:
        await node.stop()
        await node.start()


def in_clear(node: Node) -> list[int]:
    """The positions of which a node still has something in clear."""
    query = " UNION ".join(f"SELECT position FROM {table}" for table in CLEAR)  # noqa: S608 - the test's own names
    return sorted(position for (position,) in node.rows(query))


async def test_a_destroyed_day_is_gone_where_its_institution_was_served(scene: Scene):
    """Nothing of it in clear, no secret, no key; the other party keeps what is its own as well."""
    async with running(scene):
        await traded(scene, 0)
        for node in scene.nodes.values():
            node.today = OLD + timedelta(days=1)
        await traded(scene, 1)
        both, told = in_clear(scene.sp2), outcomes(scene.sp1)
        await say(scene, scene.sp2, shred(INVESTOR))
        await restarted(scene.sp2, scene.sp1)
        await scene.settled()
        assert in_clear(scene.sp2) == both[2:]
        assert in_clear(scene.sp1) == both
        assert outcomes(scene.sp1) == told
        assert len(scene.sp2.rows("SELECT * FROM day_key")) == 1
        for word in (b"INVESTORS-0", b"BROKERS-0"):
            assert word not in scene.sp2.bytes_on_disk()
            assert word in scene.sp1.bytes_on_disk()
        assert b"INVESTORS-1" in scene.sp2.bytes_on_disk()
        assert public_state(scene.sp2) == public_state(scene.sp1) == public_state(scene.sp3)


async def test_trades_go_on_after_a_day_was_destroyed(scene: Scene):
    """Both sides' nodes forget the day's trades alike: what comes later is matched, attested and released."""
    async with running(scene):
        await traded(scene, 0)
        await scene.sp1.arrives("broker", report("BROKERS-1"))  # unanswered when the day ends
        await scene.settled()
        for node in scene.nodes.values():
            node.today = OLD + timedelta(days=1)
        await say(scene, scene.sp2, shred(INVESTOR))
        await traded(scene, 2)
        state = "SELECT * FROM state ORDER BY key"
        assert scene.sp1.rows(state) == scene.sp2.rows(state)
        await say(scene, scene.sp1, shred(BROKER))
        await restarted(scene.sp1, scene.sp2)
        await traded(scene, 3)
        assert scene.sp1.rows(state) == scene.sp2.rows(state)
        assert kinds(scene.sp1, "broker")[-2:] == kinds(scene.sp2, "investor")[-2:] == ["receipt", "agreed"]
        assert finality(scene.sp1)[-2:] == finality(scene.sp2)[-2:] == ["final", "final"]
        assert b"BROKERS-0" not in scene.sp1.bytes_on_disk()
        assert len([one for one in entries(scene.sp1) if isinstance(one.entry, SealedEntry)]) > 0


async def test_what_waits_to_be_attested_when_its_day_is_destroyed_stops_nobody(scene: Scene):
    """The node's own words about the day are on their way while the order is given."""
    line = scene.sp2.ledger = Line(scene.ledger)
    async with running(scene):
        await traded(scene, 0)
        line.is_cut = True
        await scene.sp1.arrives("broker", report("BROKERS-1"))
        await until(lambda: len(scene.sp2.rows("SELECT * FROM decided")) == 3)
        await scene.sp1.arrives("broker", report("BROKERS-2"))
        await until(
            lambda: scene.sp2.rows("SELECT COUNT(*) FROM outbox WHERE kind = 'attestation'") == [(2,)]
        )
        queue(scene.sp1, shred(INVESTOR))
        await until(lambda: scene.sp2.rows(f"SELECT in_effect {FROM_ACTS}") == [(1,)])
        line.is_cut = False
        await scene.settled()
        for node in scene.nodes.values():
            node.today = OLD + timedelta(days=1)
        await traded(scene, 3)
        assert kinds(scene.sp1, "broker")[-2:] == ["receipt", "agreed"]
        assert in_clear(scene.sp2) == in_clear(scene.sp1)[-2:]


async def test_a_node_that_is_restored_after_a_day_was_destroyed_goes_on(scene: Scene):
    """It passes over what nobody can read, also where a trade began on that day and went on after it."""
    async with running(scene):
        await traded(scene, 0)
        await scene.sp1.arrives("broker", report("BROKERS-1"))
        await scene.settled()
        for node in scene.nodes.values():
            node.today = OLD + timedelta(days=1)
        await scene.sp2.arrives("investor", file(block("INVESTORS-1", order="BROKERS-1")))
        await scene.settled()
        await traded(scene, 2)
        await say(scene, scene.sp2, shred(INVESTOR))
        await scene.sp2.stop()
        shutil.rmtree(scene.sp2.folder)
        restore_store(scene.sp2.folder)
        whole = keys_of("sp2")
        scene.sp2.keys = whole.with_days(INVESTOR, whole.institutions[INVESTOR].days.destroyed(OLD))
        await scene.sp2.start()
        await scene.settled()
        await traded(scene, 3)
        assert kinds(scene.sp1, "broker")[-2:] == kinds(scene.sp2, "investor")[-2:] == ["receipt", "agreed"]
        assert public_state(scene.sp2) == public_state(scene.sp1)
        assert scene.sp1.alarms() == scene.sp2.alarms() == {}
        assert b"BROKERS-0" not in scene.sp2.bytes_on_disk()


async def test_a_day_that_is_not_over_cannot_be_destroyed(scene: Scene):
    """Its messages would be answered by nobody."""
    async with running(scene):
        await traded(scene, 0)
        before = in_clear(scene.sp2)
        await say(scene, scene.sp2, shred(INVESTOR, date(2200, 1, 1)))
        ((fault,),) = scene.sp1.rows(f"SELECT fault {FROM_ACTS}")
        assert fault == "only a day that is over can be destroyed"
        assert in_clear(scene.sp2) == before


async def test_a_destroyed_day_parts_nobody_from_the_others(tmp_path: Path):
    """A malicious SP of the broker names a secret of a day that one side alone can read no more."""
    served = {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL), "sp3": (BROKER,)}
    clients = {"sp2": ["investor"], "sp3": ["broker"]}
    scene = in_folder(tmp_path, MemoryLedger(), clients, served)
    del scene.nodes["sp1"]  # played by the test, with its true key
    scene.sp2.today = scene.sp3.today = OLD
    network = scene.sp2.network
    async with running(scene):
        await scene.sp3.arrives("broker", report("BROKERS-0"))
        await scene.settled()
        scene.sp2.today = scene.sp3.today = OLD + timedelta(days=1)
        shredding = Shred(institution=INVESTOR, number=1, day=OLD)
        signature = sign_statement(identity_of(INVESTOR).signing, shredding.signed(network.id.hex()))
        await say(scene, scene.sp2, act(shredding.model_copy(update={"signature": signature})))
        await until(lambda: scene.sp2.rows(f"SELECT in_effect {FROM_ACTS}") == [(1,)])
        nothing = KeyEntry(1, b"\x01" * 32, OLD, (bytes(1392),) * 4)
        readers = Register(network).readers(BROKER, INVESTOR, OLD)
        false = new_secret(network.id, BROKER, INVESTOR, OLD + timedelta(days=1), nothing.key_id, acts=1)
        await applied(scene, forged("sp1", 1, nothing, seal_secret(false, readers), network_id=network.id))
        await scene.sp2.arrives("investor", file(block("INVESTORS-1", order="BROKERS-1")))
        await scene.sp3.arrives("broker", report("BROKERS-1"))
        await scene.settled()
        assert kinds(scene.sp2, "investor") == ["receipt", "agreed"]
        assert kinds(scene.sp3, "broker")[-2:] == ["receipt", "agreed"]
