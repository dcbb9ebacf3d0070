"""The apply rule: what must not count is kept, passed over by every node alike, and changes nothing else."""

import json
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import BROKER, INVESTOR, RIVAL, keys_of, network
from messages import report
from scene import Node, Scene, first_answers, in_folder, outcomes, running, until

from canonical.encoding import canonical_bytes
from canonical.identifiers import Party
from canonical.message import Cancellation
from canonical.submission import Submission
from node.block import Block, open_block, sign_block
from node.entry import Entry, UnknownEntry, encode_entry
from node.ledger import LedgerGapError
from node.memory_ledger import MemoryLedger
from node.replica import ForeignBlockError
from node.sealing import DaySecret, new_secret, seal, seal_secret

DAY = date(2026, 11, 20)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def scene(tmp_path: Path, ledger: MemoryLedger) -> Scene:
    """sp1 and sp3 alone: sp2 is played by the test, with its true key."""
    made = in_folder(tmp_path, ledger)
    del made.nodes["sp2"]
    return made


def forged(
    sp: str,
    seq: int,
    *entries: Entry | bytes,
    key: Ed25519PrivateKey | None = None,
    network_id: bytes | None = None,
) -> bytes:
    raw = tuple(entry if isinstance(entry, bytes) else encode_entry(entry) for entry in entries)
    made = Block(1, network_id or network().id, sp, seq, 1, raw)
    return sign_block(made, key or keys_of(sp).signing)


async def applied(scene: Scene, ledger: MemoryLedger, *blocks: bytes) -> None:
    """Put blocks on the ledger and wait until all nodes have them."""
    for raw in blocks:
        await ledger.append(raw, f"forged {await ledger.head()}")
    height = await ledger.head()
    await until(lambda: all(node.head().sequence == height for node in scene.nodes.values()))


def archived(node: Node) -> list[tuple[str | None, int | None, int, str | None]]:
    return [(r[0], r[1], r[2], r[3]) for r in node.rows("SELECT sp, seq, entries, fault FROM archive")]


NOTHING = UnknownEntry(900, b"\x82\x19\x03\x84\x00")
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))

FAULTY = {
    "key": forged("sp2", 1, NOTHING, key=OTHER_KEY),
    "member": forged("sp9", 1, NOTHING, key=OTHER_KEY),
    "network": forged("sp2", 1, NOTHING, network_id=bytes(32)),
    "malformed": b"no block at all",
    "digest": forged("sp2", 1, NOTHING)[:-1] + b"\x01",
    "out of order": forged("sp2", 2, NOTHING),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_a_faulty_block_is_kept_and_counts_for_nothing(scene: Scene, ledger: MemoryLedger, fault: str):
    """Whoever put it there, all nodes go on alike, and the true author's number is still free."""
    async with running(scene):
        await applied(scene, ledger, FAULTY[fault], forged("sp2", 1, NOTHING))
        for node in scene.nodes.values():
            (_, _, counted, said), good = archived(node)
            assert (counted, said) == (0, fault)
            assert good == ("sp2", 1, 1, None)
            assert node.head() == scene.sp1.head()
            assert node.head().size == 1
            assert node.rows("SELECT block FROM archive WHERE sequence = 1") == [(FAULTY[fault],)]


async def test_a_repeated_block_is_harmless(scene: Scene, ledger: MemoryLedger):
    """The engine may forget what it has ordered: a block that comes again changes nothing anywhere."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        before, told = scene.sp1.head(), outcomes(scene.sp1)
        ((own,),) = scene.sp1.rows("SELECT block FROM archive WHERE sequence = 1")
        await applied(scene, ledger, own, own)
        assert [row[3] for row in archived(scene.sp3)] == [None, "repeated", "repeated"]
        assert (scene.sp1.head().size, scene.sp1.head().chain) == (before.size, before.chain)
        assert outcomes(scene.sp1) == told
        assert scene.sp1.head() == scene.sp3.head()


async def test_entries_that_cannot_be_read_keep_their_place(scene: Scene, ledger: MemoryLedger):
    """Entries of a later version, and no entries at all, are counted: positions are alike at all nodes."""
    async with running(scene):
        await applied(scene, ledger, forged("sp2", 1, b"\xff\xff", NOTHING, b"\x01"))
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        assert scene.sp1.head() == scene.sp3.head()
        assert scene.sp1.rows("SELECT position FROM said") == [(4,)]


def cancellation(sender: str, investor: str = INVESTOR) -> bytes:
    message = Cancellation(
        reference="X-1", cancels="B-1", broker=Party(lei=BROKER), investor=Party(lei=investor)
    )
    return canonical_bytes(Submission(sender=sender, source="0" * 64, messages=(message,)))


def day_secret(investor: str = INVESTOR) -> DaySecret:
    return new_secret(network().id, BROKER, investor, DAY)


MISUSED = {
    "sp2 may not speak for its sender": cancellation(BROKER),
    "sealed for another relationship than its own": cancellation(RIVAL, RIVAL),
    "not a submission in canonical form": cancellation(INVESTOR) + b" ",
}


@pytest.mark.parametrize("fault", MISUSED)
async def test_a_submission_that_may_not_be_is_passed_over(scene: Scene, ledger: MemoryLedger, fault: str):
    """An SP that knows the day secret can still neither speak for others nor say what they could not read."""
    secret = day_secret()
    entries = (
        seal_secret(secret, network().readers(BROKER, INVESTOR)),
        seal(secret, "sp2", MISUSED[fault]),
    )
    async with running(scene):
        await applied(scene, ledger, forged("sp2", 1, *entries))
        assert scene.sp1.rows("SELECT position, sender, fault FROM said") in ([(1, "", fault)],)
        assert scene.sp3.rows("SELECT * FROM said") == []
        for table in ("outcome", "state", "reference", "delivery"):
            assert scene.sp1.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names of the test's own
        assert scene.sp1.head() == scene.sp3.head()


async def test_a_sealed_entry_of_another_sp_is_passed_over(scene: Scene, ledger: MemoryLedger):
    """Copied into another SP's block, what was sealed does not open: nobody can say it again as his own."""
    secret = day_secret()
    entries = (
        seal_secret(secret, network().readers(BROKER, INVESTOR)),
        seal(secret, "sp1", cancellation(INVESTOR)),
    )
    async with running(scene):
        await applied(scene, ledger, forged("sp2", 1, *entries))
        assert scene.sp1.rows("SELECT * FROM said") == []
        assert scene.sp1.head() == scene.sp3.head()


async def test_a_stranger_makes_no_day_secret(scene: Scene, ledger: MemoryLedger):
    """An SP that acts for neither side cannot hand them a secret that it knows."""
    del scene.nodes["sp3"]
    offered = seal_secret(day_secret(), network().readers(BROKER, INVESTOR))
    async with running(scene):
        await applied(scene, ledger, forged("sp3", 1, offered))
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
        assert len(archived(scene.sp3)) <= 1
    await scene.sp3.stop()


async def test_a_ledger_shorter_than_the_store_stops_the_node(scene: Scene, ledger: MemoryLedger):
    """An emptied engine is no reason to start anew: what was acknowledged before would be lost."""
    async with running(scene):
        await applied(scene, ledger, forged("sp2", 1, NOTHING))
    scene.sp3.ledger = MemoryLedger()
    await scene.sp3.start()
    assert [type(error) for error in await scene.sp3.ended()] == [LedgerGapError]
    await scene.sp3.stop()


async def test_a_foreign_block_under_the_own_name_stops_the_node(scene: Scene, ledger: MemoryLedger):
    """Two nodes with one key would answer for one another: the node stops rather than go on in doubt."""
    async with running(scene):
        await ledger.append(forged("sp1", 1, NOTHING), "foreign")
        assert [type(error) for error in await scene.sp1.ended()] == [ForeignBlockError]
        assert archived(scene.sp1) == []
        await until(lambda: scene.sp3.head().sequence == 1)


async def test_what_is_archived_is_what_was_published(scene: Scene):
    """The archive holds the very bytes that were signed, so that anyone can check them again."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        ((raw,),) = scene.sp3.rows("SELECT block FROM archive")
        opened = open_block(raw, network().signing_keys, network().id)
        assert (opened.sp, opened.seq, len(opened.entries)) == ("sp1", 1, 2)
        (told,) = [json.loads(row[5]) for row in outcomes(scene.sp1) if row[2] == "receipt"]
        assert told["position"] == 1
        assert sum(first_answers(scene.sp1).values()) == 1
