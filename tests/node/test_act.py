"""The byte form of acts: one for each, so that votes and signatures are about the same."""

import datetime
import json
import re

import pytest
from founding import BROKER, identity_of, keys_of, network

from node.act import (
    ACT_BYTES_MAX,
    Act,
    ActInvalidError,
    AdmitMember,
    Delegate,
    RemoveMember,
    ReplaceIdentity,
    ReplaceMemberKey,
    Revoke,
    Shred,
    act_digest,
    decode_act,
    encode_act,
)
from node.act_words import in_words
from node.identity import sign_statement, verify_statement
from node.keys import signing_text
from node.network import Member
from node.setup import card_of

KEY = signing_text(keys_of("sp1").signing.public_key())
DAY = datetime.date(2026, 11, 20)
ASKED = card_of("sp1", keys_of("sp1"), None).delegations[BROKER]
NAME = "[0-9a-f]{32}"

ACTS: list[tuple[Act, str]] = [
    (AdmitMember(member=Member(sp="sp4", signing_key=KEY)), f"admit sp4 with the key {NAME}"),
    (RemoveMember(sp="sp4"), "remove sp4"),
    (ReplaceMemberKey(sp="sp4", signing_key=KEY), f"sp4 signs with the key {NAME}"),
    (ReplaceMemberKey(sp="sp4", signing_key="none"), "sp4 signs with the key that is none"),
    (Delegate(institution=BROKER, number=1, delegation=ASKED), f"{BROKER} lets sp1 act for it"),
    (
        Delegate(institution=BROKER, number=1, delegation=ASKED.model_copy(update={"until": DAY})),
        f"{BROKER} lets sp1 act for it until 2026-11-20",
    ),
    (Revoke(institution=BROKER, number=2, sp="sp1"), f"{BROKER} lets sp1 act for it no more"),
    (
        ReplaceIdentity(institution=BROKER, number=3, identity_key=KEY),
        f"{BROKER} signs with the identity {NAME}",
    ),
    (Shred(institution=BROKER, number=4, day=DAY), f"{BROKER} has its day 2026-11-20 destroyed"),
]


@pytest.mark.parametrize(("act", "words"), ACTS)
def test_an_act_reads_back_as_it_was_written(act: Act, words: str):
    """And an operator is told what it says."""
    assert decode_act(encode_act(act)) == act
    assert act_digest(decode_act(encode_act(act))) == act_digest(act)
    assert re.fullmatch(words, in_words(act))


def test_other_content_is_another_vote():
    digests = {act_digest(act) for act, _ in ACTS}
    assert len(digests) == len(ACTS)


def spelt(act: Act, **changes: object) -> bytes:
    """An act's JSON with other things in it."""
    return json.dumps({**json.loads(encode_act(act)), **changes}).encode()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "not an act of this version"),
        (b"\xff", "not an act of this version"),
        (b"[]", "not an act of this version"),
        (b'{"act":"conquer"}', "not an act of this version"),
        (spelt(RemoveMember(sp="sp4"), sp="SP 4"), "not an act of this version"),
        (spelt(RemoveMember(sp="sp4"), reason="none"), "not an act of this version"),
        (spelt(Revoke(institution=BROKER, number=1, sp="sp4"), number=0), "not an act of this version"),
        (
            spelt(Revoke(institution=BROKER, number=1, sp="sp4"), institution="X"),
            "not an act of this version",
        ),
        (spelt(RemoveMember(sp="sp4")), "not in canonical byte form"),  # it has spaces
        (b" " * (ACT_BYTES_MAX + 1), f"an act has at most {ACT_BYTES_MAX} bytes"),
    ],
)
def test_what_is_no_act_is_refused(raw: bytes, told: str):
    with pytest.raises(ActInvalidError, match=told) as caught:
        decode_act(raw)
    assert "\n" not in str(caught.value)


def test_an_act_that_is_too_long_is_not_written():
    cards = card_of("sp1", keys_of("sp1"), None).delegations[BROKER]
    long = cards.model_copy(update={"encryption_key": "A" * ACT_BYTES_MAX})
    with pytest.raises(ActInvalidError, match="at most"):
        encode_act(Delegate(institution=BROKER, number=1, delegation=long))


def test_a_statement_is_signed_for_one_network_and_one_content():
    """Nobody can take it to another network, or say something else with it."""
    identity, here, there = identity_of(BROKER), network().id.hex(), "ab" * 32
    said = Revoke(institution=BROKER, number=1, sp="sp1")
    signature = sign_statement(identity.signing, said.signed(here))
    signed = said.model_copy(update={"signature": signature})
    assert verify_statement(identity.public_text, signed.signed(here), signature)
    assert not verify_statement(identity.public_text, signed.signed(there), signature)
    for changes in ({"number": 2}, {"sp": "sp2"}):
        other = signed.model_copy(update=changes)
        assert not verify_statement(identity.public_text, other.signed(here), signature)
