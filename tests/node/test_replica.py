"""The apply rule: what must not count is kept, passed over by every node alike, and changes nothing else."""

import json
from pathlib import Path

import pytest
from forging import (
    NOTHING,
    OTHER_KEY,
    applied,
    day_secret,
    entries,
    fault_of,
    for_both,
    forged,
    public_state,
)
from founding import BROKER, INVESTOR, RIVAL, network
from messages import report
from scene import Node, Scene, first_answers, in_folder, outcomes, running, until

from canonical.encoding import canonical_bytes
from canonical.identifiers import Party
from canonical.message import Cancellation
from canonical.submission import Submission
from node.block import open_block
from node.entry import Entry, EntryKind, SealedEntry
from node.ledger import LedgerGapError
from node.memory_ledger import MemoryLedger
from node.own_blocks import ForeignBlockError
from node.sealing import seal


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def scene(tmp_path: Path, ledger: MemoryLedger) -> Scene:
    """sp1 and sp3 alone: sp2 is played by the test, with its true key."""
    made = in_folder(tmp_path, ledger)
    del made.nodes["sp2"]
    return made


FAULTY = {
    "key": forged("sp2", 1, NOTHING, key=OTHER_KEY),
    "member": forged("sp9", 1, NOTHING, key=OTHER_KEY),
    "network": forged("sp2", 1, NOTHING, network_id=bytes(32)),
    "malformed": b"no block at all",
    "digest": forged("sp2", 1, NOTHING)[:-1] + b"\x01",
    "out of order": forged("sp2", 2, NOTHING),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_a_faulty_block_is_kept_and_counts_for_nothing(scene: Scene, fault: str):
    """Whoever put it there, all nodes go on alike, and the true author's number is still free."""
    async with running(scene):
        good = forged("sp2", 1, NOTHING)
        await applied(scene, FAULTY[fault], good)
        for node in scene.nodes.values():
            counted = "SELECT entries, fault FROM archive WHERE block = ?"
            assert node.rows(counted, FAULTY[fault]) == [(0, fault)]
            assert node.rows(counted, good) == [(1, None)]
            assert node.head() == scene.sp1.head()
            assert node.head().size == len(entries(node))
            assert public_state(node) == public_state(scene.sp1)


async def test_a_repeated_block_is_harmless(scene: Scene):
    """The engine may forget what it has ordered: a block that comes again changes nothing anywhere."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        before, told = scene.sp1.head(), outcomes(scene.sp1)
        ((own,),) = scene.sp1.rows("SELECT block FROM archive WHERE sequence = 1")
        await applied(scene, own, own)
        assert fault_of(scene.sp3, own) == [None, "repeated", "repeated"]
        assert (scene.sp1.head().size, scene.sp1.head().root) == (before.size, before.root)
        assert outcomes(scene.sp1) == told
        assert public_state(scene.sp1) == public_state(scene.sp3)
        assert scene.sp1.alarms() == scene.sp3.alarms() == {}


async def test_entries_that_cannot_be_read_keep_their_place(scene: Scene):
    """Entries of a later version, and no entries at all, are counted: positions are alike at all nodes."""
    async with running(scene):
        await applied(scene, forged("sp2", 1, b"\xff\xff", NOTHING, b"\x01"))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert scene.sp1.head() == scene.sp3.head()
        unread = [entry.position for entry in entries(scene.sp3) if entry.entry in (None, NOTHING)]
        assert unread == list(range(unread[0], unread[0] + 3))
        sealed = [one.position for one in entries(scene.sp3) if is_submission(one.entry)]
        assert scene.sp1.rows("SELECT position FROM said") == [(position,) for position in sealed]
        assert sealed > unread


def is_submission(entry: Entry | None) -> bool:
    return isinstance(entry, SealedEntry) and entry.kind is EntryKind.SEALED


def cancellation(sender: str, investor: str = INVESTOR) -> bytes:
    message = Cancellation(
        reference="X-1", cancels="B-1", broker=Party(lei=BROKER), investor=Party(lei=investor)
    )
    return canonical_bytes(Submission(sender=sender, source="0" * 64, messages=(message,)))


MISUSED = {
    "sp2 may not speak for its sender": cancellation(BROKER),
    "sealed for another relationship than its own": cancellation(RIVAL, RIVAL),
    "not a submission in canonical form": cancellation(INVESTOR) + b" ",
}


@pytest.mark.parametrize("fault", MISUSED)
async def test_a_submission_that_may_not_be_is_passed_over(scene: Scene, fault: str):
    """An SP that knows the day secret can still neither speak for others nor say what they could not read."""
    secret = day_secret()
    async with running(scene):
        await applied(scene, forged("sp2", 1, for_both(secret), seal(secret, "sp2", MISUSED[fault])))
        (position,) = [one.position for one in entries(scene.sp1) if is_submission(one.entry)]
        assert scene.sp1.rows("SELECT position, sender, fault FROM said") == [(position, "", fault)]
        assert scene.sp3.rows("SELECT * FROM said") == []
        for table in ("outcome", "decided", "state", "reference", "delivery"):
            assert scene.sp1.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names of the test's own
        assert scene.sp1.head() == scene.sp3.head()


async def test_a_sealed_entry_of_another_sp_is_passed_over(scene: Scene):
    """Copied into another SP's block, what was sealed does not open: nobody can say it again as his own."""
    secret = day_secret()
    async with running(scene):
        copied = seal(secret, "sp1", cancellation(INVESTOR))
        await applied(scene, forged("sp2", 1, for_both(secret), copied))
        assert scene.sp1.rows("SELECT key_id FROM day_key") == [(secret.key_id,)]
        assert scene.sp1.rows("SELECT * FROM said") == []
        assert scene.sp1.head() == scene.sp3.head()


async def test_a_stranger_makes_no_day_secret(scene: Scene):
    """An SP that acts for neither side cannot hand them a secret that it knows."""
    del scene.nodes["sp3"]
    async with running(scene):
        await applied(scene, forged("sp3", 1, for_both(day_secret())))
        assert scene.sp1.rows("SELECT * FROM day_key") == []


async def test_a_gap_stops_the_node(scene: Scene, ledger: MemoryLedger):
    """The engine has lost a block: the node says so and delivers nothing past it, also when started again."""
    for number in range(1, 4):
        await ledger.append(forged("sp2", number, NOTHING), str(number))
    ledger.forget(2)
    for _ in range(2):
        await scene.sp3.start()
        errors = await scene.sp3.ended()
        assert [type(error) for error in errors] == [LedgerGapError]
        assert "expected sequence 2" in str(errors[0])
        assert scene.sp3.head().sequence <= 1
    await scene.sp3.stop()


async def test_a_ledger_shorter_than_the_store_stops_the_node(scene: Scene):
    """An emptied engine is no reason to start anew: what was acknowledged before would be lost."""
    async with running(scene):
        await applied(scene, forged("sp2", 1, NOTHING))
        for node in scene.nodes.values():
            await node.stop()
        emptied = scene.sp1.ledger = MemoryLedger()
        await scene.sp1.start()
        await scene.sp1.arrives("broker", report("B-1"))
        assert [type(error) for error in await scene.sp1.ended()] == [LedgerGapError]
        assert await emptied.head() == 0, "nothing is published that would begin another ledger"


async def test_a_ledger_that_is_away_at_the_start_is_waited_for(scene: Scene, ledger: MemoryLedger):
    """The engine elects a leader: the node takes what clients send, and goes on by itself."""
    ledger.available = False
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        ledger.available = True
        await scene.settled()
        assert sum(first_answers(scene.sp1).values()) == 1


async def test_a_foreign_block_under_the_own_name_stops_the_node(scene: Scene, ledger: MemoryLedger):
    """Two nodes with one key would answer for one another: the node stops rather than go on in doubt."""
    async with running(scene):
        await scene.settled()
        foreign = forged("sp1", last_number(scene.sp3, "sp1") + 1, NOTHING)
        await ledger.append(foreign, "foreign")
        assert [type(error) for error in await scene.sp1.ended()] == [ForeignBlockError]
        assert fault_of(scene.sp1, foreign) == []
        await until(lambda: fault_of(scene.sp3, foreign) == [None])


def last_number(node: Node, sp: str) -> int:
    ((number,),) = node.rows("SELECT MAX(seq) FROM archive WHERE sp = ? AND fault IS NULL", sp)
    return int(number)


async def test_what_is_archived_is_what_was_published(scene: Scene):
    """The archive holds the very bytes that were signed, so that anyone can check them again."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        rows = scene.sp3.rows("SELECT block, sp, seq, first, entries FROM archive ORDER BY sequence")
        size = 0
        for raw, *said in rows:
            opened = open_block(raw, network().signing_keys, network().id)
            assert said == [opened.sp, opened.seq, size, len(opened.entries)]
            size += len(opened.entries)
        (told,) = [json.loads(row[5]) for row in outcomes(scene.sp1) if row[2] == "receipt"]
        (sealed,) = [one.position for one in entries(scene.sp3) if is_submission(one.entry)]
        assert told["position"] == sealed
        assert sum(first_answers(scene.sp1).values()) == 1
