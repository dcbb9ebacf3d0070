"""Whatever a member puts into a block with its true key: nobody stops, and nobody else's affairs change."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from forging import (
    NOTHING,
    act,
    applied,
    day_secret,
    entries,
    fault_of,
    for_both,
    forged,
    public_state,
    say,
)
from founding import BROKER, INVESTOR, RIVAL, keys_of, network
from messages import report
from scene import DAY, FROM_ACTS, Node, Scene, first_answers, in_folder, running

from node.act import RemoveMember
from node.attestation import attestation
from node.block import INTEGER_MAX
from node.checkpoint import Checkpoint, network_origin, sign_checkpoint
from node.contract_identity import contract_id
from node.day_secret import DaySecret
from node.entry import CheckpointEntry, DayKeysEntry, Entry, EntryKind, GrantEntry, KeyEntry, RetireEntry
from node.memory_ledger import MemoryLedger
from node.network import delegation_id
from node.sealing import seal

CONTRACT = contract_id("matching/1")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """sp1 and sp3: sp2 is the malicious one, played by the test with its true key."""
    made = in_folder(tmp_path, MemoryLedger())
    del made.nodes["sp2"]
    return made


async def assert_goes_on(scene: Scene) -> None:
    """Also after a restart, which reads what was kept: what a client sends is ordered and answered."""
    for node in scene.nodes.values():
        await node.stop()
        await node.start()
    await scene.sp1.arrives("broker", report("B-1"))
    await scene.settled()
    assert sum(first_answers(scene.sp1).values()) == 1
    assert public_state(scene.sp1) == public_state(scene.sp3)


def days_from(first: datetime.date, *keys: bytes, lei: str = INVESTOR) -> DayKeysEntry:
    (own,) = [d for d in network().by_lei[lei].delegations if d.sp == "sp2"]
    return DayKeysEntry(delegation_id(lei, own), first, keys)


def checkpoint(size: int, root: bytes = bytes(32), origin: str | None = None) -> CheckpointEntry:
    said = Checkpoint(origin or network_origin(network().name, network().id), size, root, bytes(32))
    return CheckpointEntry(sign_checkpoint(said, "sp2", keys_of("sp2").signing, 1))


A_KEY = keys_of("sp2").institutions[INVESTOR].days.key(DAY).public_bytes
WORDS: dict[str, Callable[[], tuple[Entry, ...]]] = {
    "keys that are none": lambda: (days_from(DAY, b"no key"),),
    "keys that are almost some": lambda: (days_from(DAY, b"\xff" * len(A_KEY)),),
    "keys for days after the last": lambda: (days_from(datetime.date.max, A_KEY, A_KEY),),
    "keys for days before the first": lambda: (days_from(datetime.date.min, A_KEY, A_KEY),),
    "a secret for a day before the first": lambda: (for_both(day_secret(day=datetime.date(1969, 1, 1))),),
    "a secret for a day after the last": lambda: (for_both(day_secret(day=datetime.date(2200, 1, 1))),),
    "boxes that hold nothing": lambda: (KeyEntry(1, bytes(32), DAY, (bytes(1392),) * 64),),
    "a suite of tomorrow": lambda: (
        KeyEntry(9, bytes(32), DAY, (b"x",)),
        GrantEntry(9, bytes(32), DAY, b"x"),
    ),
    "a grant of nothing": lambda: (GrantEntry(1, bytes(32), DAY, bytes(1392)),),
    "an end of what was never": lambda: (RetireEntry(bytes(32)),),
    "a checkpoint of what is no text": lambda: (CheckpointEntry(b"\xff\xfe"),),
    "a checkpoint of another network": lambda: (checkpoint(1, origin="elsewhere"),),
}


@pytest.mark.parametrize("name", WORDS)
async def test_words_that_make_no_sense_stop_nobody(scene: Scene, name: str):
    async with running(scene):
        await applied(scene, forged("sp2", 1, *WORDS[name]()))
        await assert_goes_on(scene)
        assert scene.sp1.alarms() == scene.sp3.alarms() == {}


async def test_a_block_from_the_end_of_time_stops_nobody(scene: Scene):
    """A clock may say anything."""
    async with running(scene):
        late = forged("sp2", 1, NOTHING, time=INTEGER_MAX)
        await applied(scene, late, forged("sp2", 2, NOTHING, time=0))
        assert len(fault_of(scene.sp1, late)) == 1
        await assert_goes_on(scene)


async def test_what_a_member_says_after_its_own_end_counts_for_nothing(scene: Scene):
    """In one block: its vote makes the majority for its own removal, and then it goes on talking."""
    leave, others = act(RemoveMember(sp="sp2")), act(RemoveMember(sp="sp3"))
    async with running(scene):
        await say(scene, scene.sp3, others)
        await say(scene, scene.sp1, leave)
        await applied(scene, forged("sp2", 1, leave, others, checkpoint(1), for_both(day_secret())))
        faults = [fault for (fault,) in scene.sp3.rows(f"SELECT fault {FROM_ACTS} ORDER BY position")]
        assert faults == [None, None, None, "sp2 is no member"]
        assert scene.sp1.rows("SELECT * FROM day_key") == []
        await assert_goes_on(scene)


def attested(secret: DaySecret, lei: str, *positions: int) -> Entry:
    """Sealed with a secret, signed for an institution of sp2's: other results than anybody comes to."""
    items = [(position, "0" * 64) for position in positions]
    own = keys_of("sp2").institutions[lei].signing
    said = attestation(CONTRACT, items, secret, "sp2", {lei: own})
    return seal(secret, "sp2", said, EntryKind.ATTESTATION)


async def test_nobody_disputes_what_does_not_concern_him(scene: Scene):
    """A party of one relationship attests positions of another, before and after they are there."""
    own = day_secret(RIVAL)
    async with running(scene):
        size = scene.sp1.head().size
        await applied(scene, forged("sp2", 1, for_both(own)))
        await applied(scene, forged("sp2", 2, attested(own, RIVAL, *range(size, size + 200))))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        (position,) = said_at(scene.sp1)
        assert position < size + 200
        await applied(scene, forged("sp2", 3, attested(own, RIVAL, position)))
        assert scene.sp1.rows("SELECT finality FROM decided") == [("open",)]
        assert scene.sp1.alarms() == {}


def said_at(node: Node) -> list[int]:
    return [position for (position,) in node.rows("SELECT position FROM said ORDER BY position")]


async def test_nobody_attests_before_there_is_anything(scene: Scene):
    """What a party says about a position that is still to come counts for nothing."""
    secret = day_secret()
    async with running(scene):
        await applied(scene, forged("sp2", 1, for_both(secret)))
        size = scene.sp1.head().size
        await applied(scene, forged("sp2", 2, attested(secret, INVESTOR, *range(size, size + 200))))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert said_at(scene.sp1)[0] in range(size, size + 200)
        assert scene.sp1.rows("SELECT finality FROM decided") == [("open",)]
        assert scene.sp1.alarms() == {}


async def test_nobody_attests_for_an_institution_that_he_does_not_act_for(scene: Scene):
    """One SP alone makes no result final for both sides."""
    secret = day_secret()
    async with running(scene):
        await applied(scene, forged("sp2", 1, for_both(secret)))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        ((position, digest),) = scene.sp1.rows("SELECT position, digest FROM decided")
        stolen = {INVESTOR: keys_of("sp2").institutions[INVESTOR].signing, BROKER: keys_of("sp2").signing}
        said = attestation(CONTRACT, [(position, digest)], secret, "sp2", stolen)
        await applied(scene, forged("sp2", 2, seal(secret, "sp2", said, EntryKind.ATTESTATION)))
        assert scene.sp1.rows("SELECT sp FROM attested WHERE position = ?", position) == [("sp1",)]
        assert scene.sp1.rows("SELECT finality FROM decided") == [("open",)]
        assert len(entries(scene.sp1)) == scene.sp1.head().size
