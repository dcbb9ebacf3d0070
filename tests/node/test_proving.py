"""Proofs of a node's store: of what was said and attested, for everybody; and what it says, for some."""

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from audits import confirmed
from forging import NOTHING, act, entries, queue, say
from founding import BROKER, keys_of, network
from messages import report
from scene import PACE, Scene, in_folder, running, until

from canonical.submission import Submission
from node.act import AdmitMember
from node.attestation import Attestation
from node.attested_places import stored_secret
from node.disclosure import (
    DisclosureInvalidError,
    disclose,
    disclosed,
    read_disclosure,
    sealed_with,
    write_disclosure,
)
from node.entry import CheckpointEntry, SealedEntry
from node.inspection import View, reading
from node.keyring import KeyRing
from node.keys import signing_text
from node.memory_ledger import MemoryLedger
from node.network import Member
from node.proof import Proof, read_proof, write_proof
from node.proof_check import verify
from node.proof_subjects import subjects
from node.proving import NotCoveredError, prove
from node.setup import write_toml
from node.store import StoreError
from node.tracing import NotFoundError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def view_of(scene: Scene, sp: str, tmp_path: Path) -> AbstractContextManager[View]:
    write_toml(tmp_path / "network.toml", network())
    settings = scene.nodes[sp].settings.model_copy(update={"network_file": tmp_path / "network.toml"})
    return reading(settings)


async def signed_by_all(scene: Scene) -> None:
    """Wait until one text over all traffic is signed by all members; where they missed one another, go on."""
    common = "SELECT size FROM checkpoint GROUP BY size HAVING COUNT(DISTINCT sp) = 3"
    covered = f"SELECT 1 FROM ({common}), setting WHERE name = 'traffic' AND size >= CAST(value AS INTEGER)"  # noqa: S608 - own words
    await scene.settled()
    while not scene.sp3.rows(covered):
        await say(scene, scene.sp3, NOTHING)


def checked(proof: Proof) -> Proof:
    """A proof, read back from its file and verified as an outsider does, with the network file alone."""
    found = read_proof(write_proof(proof))
    verify(found, network())
    return found


async def test_every_entry_of_a_ledger_can_be_proven(scene: Scene, tmp_path: Path):
    """By any member, also by one that cannot read it; under a root that all members have signed."""
    async with running(scene):
        await confirmed(scene, "1")
        await signed_by_all(scene)
    said = [one for one in entries(scene.sp3) if not isinstance(one.entry, CheckpointEntry)]
    for sp in scene.nodes:
        with view_of(scene, sp, tmp_path) as view:
            for one in said:
                proof, verdict = prove(view.connection, network(), one.position)
                assert checked(proof).position == one.position
                assert (verdict.sp, {c.sp for c in verdict.cosigners}) == (one.sp, {"sp1", "sp2", "sp3"})
                assert verdict.block_time is not None
    assert said


async def test_a_trade_is_proven_whole(scene: Scene, tmp_path: Path):
    """All that both sides said of it, and that the nodes of both attested its result, by whatever name."""
    async with running(scene):
        await confirmed(scene, "1")
        await confirmed(scene, "2")
        await signed_by_all(scene)
    ring = KeyRing(keys_of("sp1"))
    with view_of(scene, "sp1", tmp_path) as view:
        found = subjects(view, "B-1", ring)
        whats = [one.what for one in found]
        assert whats[:2] == [
            "Broker: execution notice B-1, confirmation B-1",
            "Investor: allocation instruction A-1, investor calculation A-1",
        ]
        assert {what.partition(" trade ")[0] for what in whats[2:]} == {
            "sp1 attests the result MAGR of",
            "sp2 attests the result MAGR of",
        }
        [trade] = {what.partition(" trade ")[2].partition(",")[0] for what in whats[2:]}
        [(result,)] = view.connection.execute(
            "SELECT id FROM outcome WHERE trade = ? AND status = 'MAGR'", (trade,)
        ).fetchall()
        assert subjects(view, "A-1", ring) == subjects(view, trade, ring) == found
        assert subjects(view, result, ring) == found[1:]
        assert subjects(view, "B-1", None) == found[:2]
        for one in found:
            assert prove(view.connection, network(), one.position).verdict.kind in ("sealed", "attestation")
        with pytest.raises(NotFoundError, match="nothing here is called 'B-9'"):
            subjects(view, "B-9", ring)


async def test_what_is_not_on_the_ledger_is_not_proven(scene: Scene, tmp_path: Path):
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1").replace(b"2845.5", b"2845.x"))
        await scene.settled()
    with view_of(scene, "sp1", tmp_path) as view:
        with pytest.raises(NotFoundError, match="nothing of 'B-1' is on the ledger"):
            subjects(view, "B-1", None)
        with pytest.raises(NotFoundError, match="there is no position 999"):
            prove(view.connection, network(), 999)


async def test_an_entry_that_too_few_have_signed_is_not_proven_yet(scene: Scene, tmp_path: Path):
    """One member's word is no proof; a second's is, of three."""
    for node in (scene.sp2, scene.sp3):
        node.pace = replace(PACE, look=3600.0)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await until(lambda: scene.sp1.is_at_rest() and scene.sp1.rows("SELECT 1 FROM outcome"))
        with view_of(scene, "sp1", tmp_path) as view:
            [said] = subjects(view, "B-1", None)
            with pytest.raises(NotCoveredError, match="try again in a second"):
                prove(view.connection, network(), said.position)
        await scene.sp2.stop()
        scene.sp2.pace = PACE
        await scene.sp2.start()
        await until(lambda: len(scene.sp1.rows("SELECT DISTINCT sp FROM checkpoint")) > 1)
        with view_of(scene, "sp1", tmp_path) as view:
            proof, verdict = prove(view.connection, network(), said.position)
            assert {one.sp for one in verdict.cosigners} == {"sp1", "sp2"}
            checked(proof)


async def test_a_proof_carries_the_votes_that_made_the_members(scene: Scene, tmp_path: Path):
    """Who has the network file alone learns who is a member by now."""
    admitted = act(AdmitMember(member=member_of("sp4")))
    async with running(scene):
        await confirmed(scene, "1")
        for node in (scene.sp1, scene.sp2):
            queue(node, admitted)
        await scene.settled()
        await confirmed(scene, "2")
        await signed_by_all(scene)
    with view_of(scene, "sp3", tmp_path) as view:
        positions = {name: position_of(scene, name) for name in ("B-1", "B-2")}
        before, verdict = prove(view.connection, network(), positions["B-1"])
        assert (before.acts, verdict.members) == ((), ("sp1", "sp2", "sp3"))
        after, verdict = prove(view.connection, network(), positions["B-2"])
        assert (len(after.acts), verdict.members, verdict.needed) == (2, ("sp1", "sp2", "sp3", "sp4"), 3)
        checked(after)


def member_of(sp: str) -> Member:
    return Member(sp=sp, signing_key=signing_text(keys_of(sp).signing.public_key()))


def position_of(scene: Scene, reference: str) -> int:
    """Where the broker's submission with this reference stands."""
    [(position,)] = scene.sp1.rows("SELECT MIN(position) FROM reference WHERE reference = ?", reference)
    return int(position)


async def test_an_altered_store_proves_nothing(scene: Scene, tmp_path: Path):
    """It would be refused by everybody who reads it, so it is not given to anybody."""
    async with running(scene):
        await confirmed(scene, "1")
        await signed_by_all(scene)
    scene.sp1.change("UPDATE tile SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB)")
    with view_of(scene, "sp1", tmp_path) as view, pytest.raises(StoreError, match="yakujo audit"):
        prove(view.connection, network(), position_of(scene, "B-1"))


async def test_one_entry_is_disclosed_and_no_other(scene: Scene, tmp_path: Path):
    """Proof and key together show an outsider, who holds nothing else, what was said there."""
    async with running(scene):
        await confirmed(scene, "1")
        await signed_by_all(scene)
    ring = KeyRing(keys_of("sp1"))
    with view_of(scene, "sp1", tmp_path) as view:
        first, second, *attested = [
            prove(view.connection, network(), one.position).proof for one in subjects(view, "B-1", ring)
        ]
        secret = stored_secret(view.connection, network().id, ring, sealed_with(first.entry))
    assert secret is not None
    raw = write_disclosure(disclose(first.entry, first.sp, first.position, secret))
    said = disclosed(first, read_disclosure(raw))
    assert isinstance(said, Submission)
    assert (said.sender, said.messages[0].reference) == (BROKER, "B-1")
    assert secret.value.hex().encode() not in raw
    for other in (second, *attested):
        with pytest.raises(DisclosureInvalidError, match="another entry than the proof"):
            disclosed(other, read_disclosure(raw))
        moved = replace_in(raw, position=other.position, entry=hashlib.sha256(other.entry).hexdigest())
        with pytest.raises(DisclosureInvalidError, match="does not open the entry"):
            disclosed(other, read_disclosure(moved))
    shown = disclose(attested[0].entry, attested[0].sp, attested[0].position, secret)
    word = disclosed(attested[0], shown)
    assert isinstance(word, Attestation)
    assert second.position in {item.position for item in word.items}


def replace_in(raw: bytes, **fields: object) -> bytes:
    """A disclosure with other fields, in the same form."""
    tree = {**json.loads(raw), **fields}
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()


async def test_a_disclosure_that_is_none_is_refused(scene: Scene, tmp_path: Path):
    async with running(scene):
        await confirmed(scene, "1")
        await signed_by_all(scene)
    ring = KeyRing(keys_of("sp2"))
    public = next(one for one in entries(scene.sp2) if not isinstance(one.entry, SealedEntry))
    with view_of(scene, "sp2", tmp_path) as view:
        proof = prove(view.connection, network(), position_of(scene, "B-1")).proof
        other = prove(view.connection, network(), public.position).proof
        secret = stored_secret(view.connection, network().id, ring, sealed_with(proof.entry))
    assert secret is not None
    raw = write_disclosure(disclose(proof.entry, proof.sp, proof.position, secret))
    read = read_disclosure(raw)
    assert read.key not in repr(read), "what is logged of it opens nothing"
    for altered in (raw[:-2], raw + b" ", b"", replace_in(raw, key="0" * 63), replace_in(raw, more=1)):
        with pytest.raises(DisclosureInvalidError, match="no disclosure"):
            read_disclosure(altered)
    with pytest.raises(DisclosureInvalidError, match="does not open"):
        disclosed(proof, read_disclosure(replace_in(raw, key="0" * 64)))
    with pytest.raises(DisclosureInvalidError, match="does not open"):
        disclose(proof.entry, "sp9", proof.position, secret)
    with pytest.raises(DisclosureInvalidError, match="public"):
        disclose(other.entry, other.sp, other.position, secret)
