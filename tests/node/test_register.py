"""Who is in a network and who acts for whom: the same at every node, by nobody's word alone."""

import datetime
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest
from acts import DAY, NEXT_DAY, admit, card, delegate, enact, key, revoke, signed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import BROKER, INVESTOR, RIVAL, identity_of, keys_of, lei, network
from hypothesis import given
from hypothesis import strategies as st

from node.act import (
    Act,
    AdmitMember,
    RemoveMember,
    ReplaceIdentity,
    ReplaceMemberKey,
    Revoke,
    Shred,
)
from node.day_secret import new_secret
from node.identity import Identity
from node.network import Member, delegation_id
from node.register import ActRefusedError, Register
from node.sealing import grant_secret, open_grant


@pytest.fixture
def register() -> Register:
    return Register(network())


def refusal(register: Register, sp: str, act: Act, day: datetime.date = DAY) -> str:
    """Why an act does not count; nothing has changed by it."""
    before = register.digest()
    with pytest.raises(ActRefusedError) as caught:
        register.apply(sp, act, 5, day)
    assert register.digest() == before
    return str(caught.value)


@pytest.mark.parametrize("order", list(permutations(["sp1", "sp2", "sp3"])))
def test_a_vote_takes_effect_when_more_than_half_have_said_so(register: Register, order: tuple[str, ...]):
    """Whoever says it first; and what the last one says after that is too late to count."""
    first, second, third = order
    assert not register.apply(first, admit("sp4", 1), 0, DAY)
    assert not register.is_member("sp4")
    assert register.apply(second, admit("sp4", 1), 1, DAY)
    assert register.is_member("sp4")
    assert refusal(register, third, admit("sp4", 1)) == "sp4 is already member"
    assert register.needed("admit_member") == 3  # of four


def test_votes_for_different_content_do_not_add_up(register: Register):
    """A key that somebody has exchanged on the way gets no majority."""
    assert not register.apply("sp1", admit("sp4", 1), 0, DAY)
    assert not register.apply("sp2", admit("sp4", 2), 1, DAY)
    assert len(register.pending) == 2
    assert register.apply("sp3", admit("sp4", 2), 2, DAY)
    assert register.now.signing_keys["sp4"].public_bytes_raw() != b""
    assert [m.signing_key for m in register.now.members if m.sp == "sp4"] == [key(2)]
    assert register.pending == {}  # the other card has no purpose any more


def test_what_holds_holds_from_the_entry_after_the_act(register: Register):
    enact(register, admit("sp4", 1), delegate(BROKER, "sp4", 1))
    (_, admitted, delegated) = [position for position, _ in register._history]
    assert "sp4" not in register.at(admitted).signing_keys
    assert "sp4" in register.at(admitted + 1).signing_keys
    assert register.delegation(BROKER, "sp4", delegated) is None
    assert register.delegation(BROKER, "sp4", delegated + 1) == card("sp4", BROKER)
    assert register.at(0) == register.genesis


def test_a_member_that_leaves_takes_its_votes_and_delegations_along(register: Register):
    enact(register, admit("sp4", 1), admit("sp5", 2), delegate(BROKER, "sp4", 1))
    assert not register.apply("sp4", admit("sp6", 3), 90, DAY)
    assert not register.apply("sp1", admit("sp6", 3), 91, DAY)
    enact(register, RemoveMember(sp="sp4"))
    assert register.served_by("sp4") == frozenset()
    assert [one.sp for one in register.now.by_lei[BROKER].delegations] == ["sp1"]
    assert [voters for _, voters in register.pending.values()] == [("sp1",)]


def test_a_vote_that_has_its_majority_because_somebody_left_is_said_once_more(register: Register):
    """Nothing takes effect by an act that was about something else."""
    enact(register, admit("sp4", 1))
    for sp in ("sp1", "sp2"):
        assert not register.apply(sp, admit("sp5", 2), 50, DAY)
    assert refusal(register, "sp2", admit("sp5", 2)) == "sp2 has said so already"
    enact(register, RemoveMember(sp="sp4"))
    assert not register.is_member("sp5")
    assert register.apply("sp2", admit("sp5", 2), 60, DAY)
    assert register.is_member("sp5")


def test_a_key_is_replaced_and_never_comes_back(register: Register):
    """Whoever finds an old key can do nothing with it, under whatever name."""
    old = register.now.members[1].signing_key
    enact(register, ReplaceMemberKey(sp="sp2", signing_key=key(1)))
    assert register.past_keys("sp2") == (old, key(1))
    used = "this signing key has been used before"
    assert refusal(register, "sp1", ReplaceMemberKey(sp="sp2", signing_key=old)) == used
    assert refusal(register, "sp1", AdmitMember(member=Member(sp="sp4", signing_key=old))) == used
    enact(register, RemoveMember(sp="sp2"))
    assert refusal(register, "sp1", AdmitMember(member=Member(sp="sp2", signing_key=key(1)))) == used


def test_statements_count_in_the_order_of_their_numbers(register: Register):
    """None can be said twice, left out, or said again by whoever has kept it."""
    first, second = delegate(INVESTOR, "sp3", 1), revoke(INVESTOR, "sp3", 2)
    assert refusal(register, "sp1", second) == "the statement has number 2; the next one is 1"
    enact(register, first)
    assert register.served_by("sp3") == {INVESTOR}
    assert refusal(register, "sp1", first) == "the statement has number 1; the next one is 2"
    enact(register, second)
    assert refusal(register, "sp3", first) == "the statement has number 1; the next one is 3"
    assert (register.served_by("sp3"), register.next_number(INVESTOR)) == (frozenset(), 3)
    assert register.next_number(BROKER) == 1  # each institution counts for itself


def test_an_identity_is_handed_on(register: Register):
    """From there on the new key speaks for the institution, and the old one no more."""
    heir = Identity(BROKER, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    enact(register, signed(ReplaceIdentity(institution=BROKER, number=1, identity_key=heir.public_text)))
    by_the_old = "not signed by the institution's identity key, or altered since"
    assert refusal(register, "sp1", delegate(BROKER, "sp3", 2)) == by_the_old
    enact(register, signed(Revoke(institution=BROKER, number=2, sp="sp1"), heir))
    assert register.served_by("sp1") == frozenset()


def test_a_day_is_destroyed_once_it_is_over(register: Register):
    shred = signed(Shred(institution=INVESTOR, number=1, day=DAY))
    assert refusal(register, "sp1", shred) == "only a day that is over can be destroyed"
    assert register.apply("sp1", shred, 1, NEXT_DAY)
    assert register.shredded == {INVESTOR: (DAY,)}


def test_keys_announced_for_a_day_end_with_the_delegation(register: Register):
    """Whoever was given other keys may have lost the old ones: nothing more is sealed to those."""
    own = keys_of("sp1").institutions[BROKER]
    of_day = own.days.key(DAY)
    register.announce("sp1", delegation_id(BROKER, card("sp1", BROKER)), DAY, of_day.public_bytes)
    assert reads(of_day.private, register, DAY)
    assert reads(own.encryption.private, register, NEXT_DAY)
    enact(register, delegate(BROKER, "sp1", 1, until=NEXT_DAY))
    assert register.announced(BROKER, "sp1") == {DAY}
    other = card("sp2", BROKER)
    keys = {"encryption_key": other.encryption_key, "signing_key": other.signing_key}
    enact(register, delegate(BROKER, "sp1", 2, **keys))
    assert register.announced(BROKER, "sp1") == frozenset()
    assert not reads(of_day.private, register, DAY)
    assert register.reader(BROKER, "sp2", DAY) is None


def reads(private: Any, register: Register, day: datetime.date) -> bool:
    """Whether the key opens what is sealed to sp1 for the broker's day."""
    public = register.reader(BROKER, "sp1", day)
    assert public is not None
    grant = grant_secret(new_secret(register.id, BROKER, INVESTOR, day), public)
    return open_grant(grant, register.id, {BROKER: [private]}) is not None


def test_a_delegation_ends_with_its_last_day(register: Register):
    enact(register, delegate(BROKER, "sp3", 1, until=DAY))
    assert len(register.readers(BROKER, INVESTOR, DAY)) == 3
    assert len(register.readers(BROKER, INVESTOR, NEXT_DAY)) == 2


REFUSED: Mapping[str, tuple[Act, str]] = {
    "a member again": (admit("sp3", 1), "sp3 is already member"),
    "nobody leaves": (RemoveMember(sp="sp9"), "sp9 is no member"),
    "nobody's key": (ReplaceMemberKey(sp="sp9", signing_key=key(1)), "sp9 is no member"),
    "no key": (
        AdmitMember(member=Member(sp="sp4", signing_key="short")),
        "the text is not a signing key: not base64",
    ),
    "another's key": (
        AdmitMember(member=Member(sp="sp4", signing_key=network().members[0].signing_key)),
        "this signing key has been used before",
    ),
    "no institution": (
        signed(Revoke(institution=lei("NOBODY"), number=1, sp="sp1"), identity_of(BROKER)),
        "the institution is not in this network",
    ),
    "by another": (
        signed(Revoke(institution=BROKER, number=1, sp="sp1"), identity_of(RIVAL)),
        "not signed by the institution's identity key, or altered since",
    ),
    "unsigned": (
        Revoke(institution=BROKER, number=1, sp="sp1"),
        "not signed by the institution's identity key, or altered since",
    ),
    "altered": (
        revoke(BROKER, "sp2", 1).model_copy(update={"sp": "sp1"}),
        "not signed by the institution's identity key, or altered since",
    ),
    "not delegated": (revoke(BROKER, "sp3", 1), "sp3 does not act for this institution"),
    "to a stranger": (delegate(BROKER, "sp9", 1), "sp9 is no member"),
    "no encryption key": (
        delegate(BROKER, "sp3", 1, encryption_key=key(1)),
        "the text is not an encryption key: 32 bytes instead of 1216",
    ),
    "no attesting key": (
        delegate(BROKER, "sp3", 1, signing_key="%"),
        "the text is not a signing key: not base64",
    ),
    "no identity": (
        signed(ReplaceIdentity(institution=BROKER, number=1, identity_key="")),
        "the text is not a signing key: 0 bytes instead of 32",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_count_is_told_in_one_sentence(register: Register, name: str):
    """It changes nothing, and uses up no number."""
    act, told = REFUSED[name]
    assert refusal(register, "sp1", act) == told
    assert register.next_number(BROKER) == 1


def test_the_last_member_stays(register: Register):
    enact(register, RemoveMember(sp="sp3"), RemoveMember(sp="sp2"))
    assert refusal(register, "sp1", RemoveMember(sp="sp1")) == "the last member cannot be removed"


SPS = [f"sp{number}" for number in range(1, 7)]
VOTES: list[Act] = [
    *(admit(sp, number) for number, sp in enumerate(SPS, 10)),
    *(admit(sp, number) for number, sp in enumerate(SPS, 20)),
    *(RemoveMember(sp=sp) for sp in SPS),
    *(ReplaceMemberKey(sp=sp, signing_key=key(number)) for number, sp in enumerate(SPS, 30)),
]
STATEMENTS: list[Act] = [
    *(delegate(BROKER, sp, number) for sp in SPS[:4] for number in (1, 2, 3)),
    *(revoke(BROKER, sp, number) for sp in SPS[:4] for number in (1, 2, 3)),
]


@given(st.lists(st.tuples(st.sampled_from(SPS), st.sampled_from([*VOTES, *STATEMENTS])), max_size=40))
def test_two_nodes_come_to_the_same_whatever_is_said(said: list[tuple[str, Act]]):
    """Refused or not, act for act; and what must hold of a network holds after each."""
    one, other = Register(network()), Register(network())
    voted: dict[str, set[str]] = {}
    for position, (sp, act) in enumerate(said):
        if not one.is_member(sp):
            continue  # its block does not count
        members, before = {m.sp for m in one.now.members}, one.digest()
        effects = [applied(register, sp, act, position) for register in (one, other)]
        assert effects[0] == effects[1]
        assert one.digest() == other.digest()
        if effects[0] is None:
            assert one.digest() == before
        elif act in VOTES:
            voted.setdefault(repr(act), set()).add(sp)
            assert not effects[0] or 2 * len(voted.pop(repr(act)) & members) > len(members)
        assert_sound(one)


def applied(register: Register, sp: str, act: Act, position: int) -> bool | None:
    """Whether it is in effect; None where it does not count."""
    try:
        return register.apply(sp, act, position, DAY)
    except ActRefusedError:
        return None


def assert_sound(register: Register) -> None:
    members = register.now.members
    assert members
    assert len({m.signing_key for m in members}) == len({m.sp for m in members}) == len(members)
    names = {m.sp for m in members}
    assert all(d.sp in names for i in register.now.institutions for d in i.delegations)
    assert all(set(voters) <= names for _, voters in register.pending.values())
    assert register.id == register.genesis.id
