"""Acts and blocks of the ledger: every node takes the same, passes over the same, and says so."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forging import (
    NOTHING,
    OTHER_KEY,
    act,
    applied,
    delegate,
    entries,
    fault_of,
    forged,
    public_state,
    say,
    stated,
)
from founding import BROKER, INVESTOR, identity_of, lei
from messages import block, file, report
from scene import FROM_ACTS, Node, Scene, in_folder, outcomes, running

from node.act import AdmitMember, ListSecurities, RemoveMember, ReplaceIdentity, ReplaceMemberKey, Revoke
from node.block import BlockFault
from node.entry import ActEntry
from node.identity import Identity
from node.keys import signing_text
from node.memory_ledger import MemoryLedger
from node.network import Member, Security

NEW_KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


@pytest.fixture
def without_sp2(scene: Scene) -> Scene:
    """sp2 is played by the test, with its true key."""
    del scene.nodes["sp2"]
    return scene


def assert_alike(scene: Scene) -> None:
    """Archives, faults, roots, states and acts are equal at all nodes."""
    first, *others = scene.nodes.values()
    for node in others:
        assert node.head() == first.head()
        assert public_state(node) == public_state(first)
        assert acts(node) == acts(first)


def acts(node: Node) -> list[tuple[object, ...]]:
    return node.rows("SELECT * FROM act ORDER BY position")


def effects(node: Node) -> list[tuple[bool, str | None]]:
    """Whether each act took effect, or why it does not count."""
    rows = node.rows(f"SELECT in_effect, fault {FROM_ACTS} ORDER BY position")
    return [(bool(in_effect), fault) for in_effect, fault in rows]


async def restarted(scene: Scene) -> None:
    for node in scene.nodes.values():
        await node.stop()
        await node.start()


async def test_a_vote_takes_effect_with_the_majority(scene: Scene):
    """One member's word is not enough, said twice either; restarts forget no vote."""
    leaves = act(RemoveMember(sp="sp3"))
    async with running(scene):
        await say(scene, scene.sp1, leaves, leaves)
        await restarted(scene)
        still = forged("sp3", last(scene.sp1, "sp3") + 1, NOTHING)
        await scene.sp3.stop()
        await applied(scene, still)
        await say(scene, scene.sp2, leaves)
        gone = forged("sp3", last(scene.sp1, "sp3") + 1, NOTHING)
        await applied(scene, gone)
        del scene.nodes["sp3"]
        assert effects(scene.sp1) == [(False, None), (False, "sp1 has said so already"), (True, None)]
        assert (fault_of(scene.sp1, still), fault_of(scene.sp1, gone)) == ([None], [BlockFault.MEMBER])
        assert_alike(scene)


def last(node: Node, sp: str) -> int:
    ((number,),) = node.rows("SELECT COALESCE(MAX(seq), 0) FROM archive WHERE sp = ? AND fault IS NULL", sp)
    return int(number)


async def test_the_network_goes_on_without_a_member(scene: Scene):
    """A member that was removed is passed over; trades go on, and what counts is the same as before."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp3.stop()
        del scene.nodes["sp3"]
        for node in (scene.sp1, scene.sp2):
            await say(scene, node, act(RemoveMember(sp="sp3")))
        await restarted(scene)
        await scene.sp2.arrives("investor", file(block("A-1", order="B-1")))
        await scene.settled()
        assert outcomes(scene.sp1)[-1][4] == "MAGR"
        assert outcomes(scene.sp1) == outcomes(scene.sp2)
        assert_alike(scene)


async def test_a_member_may_come_later(scene: Scene):
    """Its blocks count from the entry after the vote that made the majority."""
    card = Member(sp="sp4", signing_key=signing_text(NEW_KEY.public_key()))
    async with running(scene):
        early, good = forged("sp4", 1, NOTHING, key=NEW_KEY, time=1), forged("sp4", 1, NOTHING, key=NEW_KEY)
        await applied(scene, early)
        for node in (scene.sp3, scene.sp1):
            await say(scene, node, act(AdmitMember(member=card)))
        await restarted(scene)
        await applied(scene, good)
        assert fault_of(scene.sp2, early) == [BlockFault.MEMBER]
        assert fault_of(scene.sp2, good) == [None]
        assert_alike(scene)


async def test_a_member_may_change_its_key(without_sp2: Scene):
    """From there on the old key counts no more, at all nodes alike."""
    new = ReplaceMemberKey(sp="sp2", signing_key=signing_text(NEW_KEY.public_key()))
    scene = without_sp2
    async with running(scene):
        for node in (scene.sp1, scene.sp3):
            await say(scene, node, act(new))
        old, good = forged("sp2", 1, NOTHING), forged("sp2", 1, NOTHING, key=NEW_KEY)
        await applied(scene, old, good)
        assert (fault_of(scene.sp1, old), fault_of(scene.sp1, good)) == ([BlockFault.KEY], [None])
        assert_alike(scene)


REPLACED = Identity(INVESTOR, OTHER_KEY)
STATEMENTS: Mapping[str, tuple[ActEntry, str]] = {
    "by somebody else": (
        stated(Revoke(institution=INVESTOR, number=1, sp="sp2"), identity_of(BROKER)),
        "not signed by the institution's identity key, or altered since",
    ),
    "out of order": (
        stated(Revoke(institution=INVESTOR, number=2, sp="sp2"), identity_of(INVESTOR)),
        "the statement has number 2; the next one is 1",
    ),
    "to a stranger": (delegate(INVESTOR, "sp9", number=1), "sp9 is no member"),
    "of nobody known": (
        stated(Revoke(institution=lei("NOBODY"), number=1, sp="sp2"), identity_of(INVESTOR)),
        "the institution is not in this network",
    ),
    "of nothing": (
        stated(Revoke(institution=INVESTOR, number=1, sp="sp3"), identity_of(INVESTOR)),
        "sp3 does not act for this institution",
    ),
    "no act": (ActEntry(b'{"act":"rule the world"}'), "not an act of this version"),
    "no text": (ActEntry(b"\xff\xfe"), ""),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_that_may_not_be_changes_nothing(scene: Scene, name: str):
    """Whoever carries it: it is kept with its fault, the same at all nodes, and the true one still counts."""
    entry, expected = STATEMENTS[name]
    good = stated(
        ReplaceIdentity(institution=INVESTOR, number=1, identity_key=REPLACED.public_text),
        identity_of(INVESTOR),
    )
    async with running(scene):
        await say(scene, scene.sp3, entry, good, good)
        (_, fault), true, again = effects(scene.sp1)
        assert fault is not None
        assert expected in fault
        assert (true, again) == ((True, None), (False, "the statement has number 1; the next one is 2"))
        await restarted(scene)
        assert_alike(scene)


async def test_two_blocks_with_one_number_are_shown_to_everybody(without_sp2: Scene):
    """The first counts. Every node keeps both, and says at which sequences they are."""
    scene = without_sp2
    async with running(scene):
        one, other = forged("sp2", 1, NOTHING), forged("sp2", 1, NOTHING, NOTHING)
        await applied(scene, one, other, one)
        assert fault_of(scene.sp1, one) == [None, "repeated"]
        assert fault_of(scene.sp1, other) == ["conflicting"]
        query = "SELECT sequence FROM archive WHERE block IN (?, ?) ORDER BY sequence LIMIT 2"
        places = [sequence for (sequence,) in scene.sp1.rows(query, one, other)]
        for node in scene.nodes.values():
            text = node.alarms()["two blocks/sp2/1"]
            assert f"at the sequences {places[0]} and {places[1]}" in text
        assert_alike(scene)


FORGED = {
    "of another network": (forged("sp2", 1, NOTHING, network_id=bytes(32)), BlockFault.NETWORK),
    "by another key": (forged("sp2", 1, NOTHING, key=OTHER_KEY), BlockFault.KEY),
    "altered": (forged("sp2", 1, NOTHING)[:-1] + b"\x01", BlockFault.DIGEST),
    "of a stranger": (forged("sp9", 1, NOTHING, key=OTHER_KEY), BlockFault.MEMBER),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_block_is_shown_to_everybody(without_sp2: Scene, name: str):
    """It counts for nothing; every node keeps it as evidence and names its place."""
    scene = without_sp2
    raw, fault = FORGED[name]
    async with running(scene):
        await applied(scene, raw, forged("sp2", 1, NOTHING))
        ((sequence,),) = scene.sp1.rows("SELECT sequence FROM archive WHERE block = ?", raw)
        for node in scene.nodes.values():
            assert fault_of(node, raw) == [fault]
            assert list(node.alarms()) == [f"block/{sequence}"]
        assert [one.sp for one in entries(scene.sp1) if one.entry == NOTHING] == ["sp2"]
        assert_alike(scene)


async def test_a_security_is_known_as_soon_as_the_members_have_listed_it(scene: Scene):
    """No node has to be started again for it."""
    unknown = "JP3496400007"
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1", isin=unknown))
        await scene.settled()
        assert outcomes(scene.sp1) == []
        listing = act(ListSecurities(securities=(Security(isin=unknown, japan_code="9433"),)))
        for node in (scene.sp1, scene.sp2):
            await say(scene, node, listing)
        await scene.sp1.arrives("broker", report("B-2", isin=unknown))
        await scene.settled()
        assert len(outcomes(scene.sp1)) == 1
