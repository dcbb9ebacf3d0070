"""Promises about proofs: whoever has the network file can check them offline, and no bit of them is loose."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.checkpoint import parse_checkpoint
from node.network import load_network
from node.note import Note, cosign, encode_note, sign_text
from node.proof import MemberKey, ProofFault, ProofInvalidError, read_proof, write_proof
from node.proof_check import Verdict, verify
from node.proof_making import with_keys
from tests.proof_scene import (
    GOLDEN,
    KEYS,
    NETWORK,
    ORIGIN,
    Ledger,
    changed_proof,
    founded,
    key_of,
    refused,
    small_ledger,
    small_proof,
    some_entry,
)


def signers(verdict: Verdict) -> list[str]:
    return [one.sp for one in verdict.cosigners if one.counted]


def test_a_proof_tells_what_stands_where_on_whose_word():
    verdict = verify(read_proof(write_proof(small_proof())), NETWORK)
    assert (verdict.position, verdict.sp, verdict.block, verdict.index) == (13, "sp2", 2, 1)
    assert (verdict.network, verdict.network_id) == ("scene", NETWORK.id.hex())
    assert (verdict.size, verdict.kind, verdict.needed) == (30, "kind 77", 2)
    assert signers(verdict) == ["sp1", "sp2", "sp3"] == list(verdict.members)
    assert verdict.block_time is not None
    assert verdict.block_time.isoformat() == "2026-11-20T06:30:04+00:00"
    assert verdict.cosigners[0].time.isoformat() == "2026-11-20T06:31:00+00:00"


@given(position=st.integers(0, 32), size=st.integers(1, 33), header=st.booleans())
def test_entries_can_be_proven_under_every_later_checkpoint(position: int, size: int, *, header: bool):
    ledger = small_ledger()
    if position < size:
        proof = ledger.proof(position, ledger.note(size, "sp1", "sp3"), size, header=header)
        assert read_proof(write_proof(proof)) == proof
        verdict = verify(proof, NETWORK)
        assert (verdict.position, verdict.block_time is not None) == (position, header)


@pytest.mark.parametrize("name", ["founders", "members-changed"])
def test_proofs_of_old_still_hold(name: str):
    """A proof is kept for years: each version of this program reads what the first one wrote."""
    network = load_network(GOLDEN / "network.toml")
    raw = (GOLDEN / f"{name}.tlog-proof").read_bytes()
    proof = read_proof(raw)
    assert write_proof(proof) == raw
    assert verify(proof, network).holds
    assert raw == write_proof({"founders": small_proof, "members-changed": changed_proof}[name]())
    assert network == NETWORK


def test_every_flipped_bit_fails_with_a_reason():
    """Anywhere in the file: in the entry, a hash, a key, a signature, a name, a space."""
    raw = (GOLDEN / "founders.tlog-proof").read_bytes()
    reasons = {_flipped(raw, place) for place in range(8 * len(raw))}
    assert reasons >= {ProofFault.FORM, ProofFault.NETWORK, ProofFault.ROOT, ProofFault.SIGNATURE}
    assert reasons >= {ProofFault.HEADER}


def test_every_flipped_bit_in_the_votes_fails_with_a_reason():
    """One bit of each byte, another one in each run."""
    raw = (GOLDEN / "members-changed.tlog-proof").read_bytes()
    reasons = {_flipped(raw, 8 * at + random.randrange(8)) for at in range(len(raw))}
    assert ProofFault.ACTS in reasons


def _flipped(raw: bytes, place: int) -> ProofFault:
    """Why a proof with one bit flipped does not hold."""
    altered = bytearray(raw)
    altered[place // 8] ^= 1 << place % 8
    with pytest.raises(ProofInvalidError) as caught:
        verify(read_proof(bytes(altered)), NETWORK)
    assert len(str(caught.value)) > 20
    return caught.value.reason


@given(st.data())
def test_what_is_cut_off_or_put_in_fails(data: st.DataObject):
    raw = write_proof(small_proof())
    at = data.draw(st.integers(0, len(raw)))
    put = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\n", b" ", b"="])))
    cut = data.draw(st.integers(0, 80))
    altered = raw[:at] + put + raw[at + cut :]
    if altered != raw:
        with pytest.raises(ProofInvalidError):
            verify(read_proof(altered), NETWORK)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_proof(raw: bytes):
    with pytest.raises(ProofInvalidError) as caught:
        read_proof(raw)
    assert caught.value.reason is ProofFault.FORM


def _line(number: int, text: str) -> Callable[[str], str]:
    def change(raw: str) -> str:
        lines = raw.split("\n")
        lines[number] = text
        return "\n".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_line(0, "c2sp.org/tlog-proof@v2"), "first line"),
        (_line(1, "extra"), "second line"),
        (_line(1, "extra AA"), "base64"),
        (_line(1, "extra gA=="), "not an array of"),
        (_line(2, "index 013"), "third line"),
        (_line(2, "index -1"), "third line"),
        (_line(2, "index １"), "not ASCII"),
        (_line(3, "no hash"), "line 4 is not a hash"),
        (lambda raw: raw.replace("\n\n", "\n"), "empty line"),
        (lambda raw: raw.replace("\n", "\r\n"), "empty line"),
        (lambda _: "", "empty line"),
    ],
)
def test_what_is_no_proof_is_told_with_its_reason(change: Callable[[str], str], said: str):
    altered = change(write_proof(small_proof()).decode()).encode()
    with pytest.raises(ProofInvalidError, match=f"this is no proof, or not any more: .*{said}"):
        read_proof(altered)


@pytest.mark.parametrize(
    ("change", "fault", "said"),
    [
        ({"network": bytes(32)}, ProofFault.NETWORK, "another network's file is needed"),
        ({"position": 12}, ProofFault.ROOT, "not at position 12 under the root"),
        ({"position": 30}, ProofFault.ROOT, "not in a tree of 30"),
        ({"index": 2}, ProofFault.ROOT, "not at position 13"),
        ({"number": 3}, ProofFault.ROOT, "not at position 13"),
        ({"sp": "sp1"}, ProofFault.ROOT, "not at position 13"),
        ({"entry": some_entry(14)}, ProofFault.ROOT, "not at position 13"),
        ({"path": ()}, ProofFault.ROOT, "0 hashes instead of 5"),
        ({"header": b""}, ProofFault.FORM, None),
        ({"header": b"x"}, ProofFault.HEADER, "header of the entry's block"),
        ({"checkpoint": b"x\n"}, ProofFault.FORM, "checkpoint refused"),
        ({"keys": ()}, ProofFault.SIGNATURE, "lacks the key that the cosignature of"),
        ({"acts": (b"x",)}, ProofFault.ACTS, "block 1 of those with votes"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, Any], fault: ProofFault, said: str | None):
    altered = dataclasses.replace(small_proof(), **change)
    if said is None:  # sp2, who made the block, has cosigned as well: its key stays in use
        assert verify(altered, NETWORK).block_time is None
    else:
        reason, text = refused(altered)
        assert (reason, said in text) == (fault, True), text


def test_the_header_of_another_block_is_refused():
    """The time of a block is not to be had from a later one."""
    ledger = small_ledger()
    proof = ledger.proof(13, ledger.note(30, "sp1", "sp2"), 30)
    other = dataclasses.replace(proof, header=ledger.entries[25][4])
    assert refused(other)[0] is ProofFault.HEADER


def test_a_checkpoint_of_another_ledger_is_refused():
    other = Ledger(founded("sp1", "sp2"))
    other.publish("sp1", some_entry(1))
    note = other.note(1, "sp1", "sp2")
    entry = other.proof(0, note, 1, header=False)
    reason, text = refused(dataclasses.replace(entry, network=NETWORK.id))
    assert (reason, "another ledger" in text) == (ProofFault.NETWORK, True)


def test_a_key_that_signed_nothing_is_refused():
    """A proof says nothing that nothing binds."""
    proof = small_proof("sp1", "sp2")
    spare = MemberKey("sp3", key_of("sp3").public_key().public_bytes_raw())
    reason, text = refused(dataclasses.replace(proof, keys=(*proof.keys, spare)))
    assert (reason, "names a key by which nothing" in text) == (ProofFault.FORM, True)
    short = dataclasses.replace(proof, keys=(MemberKey("sp1", b"short"),))
    assert "32 bytes" in refused(short)[1]
    assert "not in order" in refused(dataclasses.replace(proof, keys=proof.keys[::-1]))[1]


def test_a_line_of_another_type_is_refused():
    """A member's plain signature says nothing of when, and is not what members agree on."""
    checkpoint, lines = parse_checkpoint(small_proof().checkpoint)
    plain = sign_text(checkpoint.text, f"{ORIGIN}/sp3", key_of("sp3"))
    note = encode_note(Note(checkpoint.text, (*lines[:2], plain)))
    reason, text = refused(dataclasses.replace(small_proof(), checkpoint=note))
    assert (reason, "no cosignature" in text) == (ProofFault.FORM, True)


@pytest.mark.parametrize("seconds", [2**40, 2**62])
def test_a_time_that_no_clock_shows_is_refused(seconds: int):
    """Signed by a member, and yet no reason to fall over."""
    proof = small_proof("sp1", "sp2")
    checkpoint, [_, second] = parse_checkpoint(proof.checkpoint)
    late = cosign(checkpoint.text, f"{ORIGIN}/sp1", key_of("sp1"), seconds)
    note = encode_note(Note(checkpoint.text, (late, second)))
    assert refused(dataclasses.replace(proof, checkpoint=note))[0] is ProofFault.SIGNATURE


def test_cosignatures_by_unknown_keys_stay_out_of_a_new_proof():
    ledger = small_ledger()
    note = ledger.note(30, "sp1", "sp2", "sp9")
    proof = ledger.proof(13, note, 30)
    assert [key.sp for key in proof.keys] == ["sp1", "sp2"]
    assert len(parse_checkpoint(proof.checkpoint)[1]) == 2
    assert with_keys(proof, KEYS) == proof
