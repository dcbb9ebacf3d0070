"""Promises about whose word a proof stands on: that of the members, as the votes on the ledger made them."""

import pytest

from node.act import RemoveMember
from node.checkpoint import member_key
from node.entry import RetireEntry, encode_entry
from node.note import SignatureKind, VerifierKey
from node.proof import ProofFault
from node.proof_check import Verdict, verify
from node.proof_keys import StrangeKeyError
from tests.proof_scene import (
    NETWORK,
    ORIGIN,
    changed_ledger,
    changed_proof,
    key_of,
    refused,
    small_ledger,
    small_proof,
    vote,
)


def signers(verdict: Verdict) -> list[str]:
    return [one.sp for one in verdict.cosigners if one.counted]


def vkey(name: str) -> VerifierKey:
    return member_key(ORIGIN, name.partition(" ")[0], key_of(name).public_key())


def test_one_member_alone_convinces_nobody():
    """More than half of the founders must have signed; the reader may ask for more or for less."""
    reason, text = refused(small_proof("sp2"))
    assert reason is ProofFault.MEMBERS
    assert text == ("of those whose keys are known, sp2 signed the root, and 2 of sp1, sp2 and sp3 must have")
    assert signers(verify(small_proof("sp2"), NETWORK, at_least=1)) == ["sp2"]
    assert refused(small_proof("sp1", "sp2"), at_least=3)[0] is ProofFault.MEMBERS
    assert verify(small_proof("sp1", "sp2", "sp3"), NETWORK, at_least=3).needed == 3


def test_strangers_do_not_count_however_many_they_are():
    """Nobody becomes a member by signing, or by naming his key in the proof."""
    ledger = small_ledger()
    note = ledger.note(30, "sp1", "sp4", "sp1 later")
    reason, text = refused(ledger.proof(13, note, 30))
    assert reason is ProofFault.MEMBERS
    assert "of those whose keys are known, sp1 signed the root" in text
    assert "sp4 signed with keys that are not known" in text


def test_members_that_changed_are_known_by_their_votes():
    """sp4 joined, sp1 took another key, sp2 left: the three that are members then have to be believed."""
    verdict = verify(changed_proof(), NETWORK)
    assert verdict.members == ("sp1", "sp3", "sp4")
    assert signers(verdict) == ["sp1", "sp3", "sp4"]
    assert (verdict.sp, verdict.block_time is not None) == ("sp4", True)


def test_who_left_and_old_keys_do_not_count_any_more():
    for names in (("sp1", "sp2", "sp3"), ("sp1", "sp4"), ("sp2", "sp4")):
        assert refused(changed_proof(*names))[0] is ProofFault.MEMBERS
    verdict = verify(changed_proof("sp1", "sp2", "sp3", "sp4"), NETWORK)
    assert [(one.sp, one.counted) for one in verdict.cosigners] == [
        ("sp1", False),
        ("sp2", False),
        ("sp3", True),
        ("sp4", True),
    ]


def test_a_block_made_with_an_old_key_keeps_its_time():
    """The key was its SP's when the block was made."""
    ledger, acts = changed_ledger()
    size = len(ledger.entries)
    proof = ledger.proof(0, ledger.note(size, "sp3", "sp4"), size, *acts)
    assert proof.sp == "sp1"
    assert verify(proof, NETWORK).block_time is not None


def test_votes_of_too_few_make_nobody_a_member():
    _, acts = changed_ledger()
    assert refused(changed_proof("sp3", "sp4", acts=acts[:1]))[0] is ProofFault.MEMBERS
    assert signers(verify(changed_proof("sp3", "sp4", acts=acts[:2]), NETWORK, at_least=2)) == ["sp3", "sp4"]


def test_votes_count_once_and_in_their_order():
    """A vote said again, or of somebody who is no member yet, does not help."""
    _, acts = changed_ledger()
    twice = changed_proof("sp3", "sp4", acts=[acts[0], acts[0]])
    assert refused(twice)[0] is ProofFault.MEMBERS
    early = changed_proof(acts=[acts[3], *acts[:3]])
    reason, text = refused(early)
    assert (reason, "sp4 is not a member" in text) == (ProofFault.ACTS, True)


def test_other_entries_beside_votes_are_passed_over():
    ledger = small_ledger()
    strange = [encode_entry(RetireEntry(bytes(32))), b"no entry", vote(RemoveMember(sp="sp9"))]
    act = ledger.publish("sp1", *strange)
    size = len(ledger.entries)
    proof = ledger.proof(33, ledger.note(size, "sp1", "sp2"), size, act)
    verdict = verify(proof, NETWORK)
    assert (verdict.kind, verdict.members) == ("retire", ("sp1", "sp2", "sp3"))
    unreadable = ledger.proof(34, ledger.note(size, "sp1", "sp2"), size)
    assert verify(unreadable, NETWORK).kind == "unreadable"


def test_a_reader_may_know_keys_himself():
    """They count instead of what network file and votes say of those members."""
    proof = changed_proof(acts=())
    assert refused(proof)[0] is ProofFault.MEMBERS
    verdict = verify(proof, NETWORK, vkeys=[vkey("sp1 later"), vkey("sp4")])
    assert (signers(verdict), verdict.needed) == (["sp1", "sp3", "sp4"], 3)
    assert verdict.members == ("sp1", "sp2", "sp3", "sp4")
    stolen = refused(small_proof("sp1", "sp2"), vkeys=[vkey("sp1 later")])
    assert (stolen[0], "sp1 signed with keys" in stolen[1]) == (ProofFault.MEMBERS, True)
    both = [vkey("sp1 later"), vkey("sp1")]
    assert signers(verify(small_proof("sp1", "sp2"), NETWORK, vkeys=both)) == ["sp1", "sp2"]


@pytest.mark.parametrize(
    "key",
    [
        VerifierKey("example.com/w1", SignatureKind.COSIGNATURE, key_of("sp4").public_key()),
        VerifierKey(f"{ORIGIN}/", SignatureKind.COSIGNATURE, key_of("sp4").public_key()),
        VerifierKey(f"{ORIGIN}/a/b", SignatureKind.COSIGNATURE, key_of("sp4").public_key()),
        VerifierKey(f"{ORIGIN}/sp4", SignatureKind.TEXT, key_of("sp4").public_key()),
    ],
)
def test_keys_of_no_member_are_refused(key: VerifierKey):
    with pytest.raises(StrangeKeyError):
        verify(small_proof(), NETWORK, vkeys=[key])
