"""What several must say: by how many, how it is taken back, and what it leads to."""

import datetime
from typing import Any

import pytest
from acts import DAY, NEXT_DAY, admit, enact, signed
from agreeing import document
from founding import BROKER, INVESTOR, RIVAL, network
from hypothesis import given
from hypothesis import strategies as st

from canonical.rules import Rules
from node.act import (
    Act,
    ActInvalidError,
    ActivateContract,
    AgreeRules,
    Installed,
    RemoveMember,
    SetQuorum,
    StopContract,
    TakeBack,
    Withdraw,
    decode_act,
    encode_act,
    proposal_id,
)
from node.act_words import in_words
from node.deferral import lacking_if_decided, lacking_soon
from node.proposals import State
from node.quorums import DEFAULT, Quorum
from node.register import ActRefusedError, Register
from node.rules_document import RulesDocument

NEXT_WEEK = DAY + datetime.timedelta(days=7)
WITH_SLACK = Rules.model_validate({"provisional_after_seconds": 60})
CONTRACT = "matching/9:" + "ab" * 32


@pytest.fixture
def register() -> Register:
    return Register(network())


def refusal(register: Register, sp: str, act: Act, position: int = 5, day: datetime.date = DAY) -> str:
    """Why an act does not count; nothing has changed by it."""
    before = register.digest()
    with pytest.raises(ActRefusedError) as caught:
        register.apply(sp, act, position, day)
    assert register.digest() == before
    return str(caught.value)


def agreed(lei: str, number: int = 1, rules: Rules = WITH_SLACK, **changes: Any) -> AgreeRules:
    said: dict[str, Any] = {
        "broker": BROKER,
        "investor": INVESTOR,
        "version": 2,
        "from_trade_date": NEXT_DAY,
        **changes,
    }
    named = document(rules, said["from_trade_date"], version=said["version"]).id.hex()
    made: AgreeRules = signed(AgreeRules(institution=lei, number=number, document=named, **said))
    return made


def say_rules(
    register: Register, position: int, number: int = 1, rules: Rules = WITH_SLACK, **changes: Any
) -> None:
    """Both sides' words, at a node that has the document."""
    changes = {"version": 2, "from_trade_date": NEXT_DAY, **changes}
    held = RulesDocument(broker=BROKER, investor=INVESTOR, rules=rules, **changes)
    register.agreed.learn(agreed(BROKER, rules=rules, **changes).document, held)
    changes["rules"] = rules
    assert not register.apply("sp3", agreed(BROKER, number, **changes), position, DAY)
    assert register.apply("sp1", agreed(INVESTOR, number, **changes), position + 1, DAY)


def waits(register: Register, day: datetime.date, position: int, investor: str = INVESTOR) -> int | None:
    return register.rules_for(BROKER, investor, day, position).provisional_after_seconds


def test_rules_hold_once_both_sides_have_said_so(register: Register):
    """For trades from their date on, and for entries after the second statement; between these two alone."""
    say_rules(register, 10)
    assert waits(register, NEXT_DAY, 12) == 60
    assert waits(register, NEXT_DAY, 11) is None
    assert waits(register, DAY, 12) is None
    assert waits(register, NEXT_DAY, 12, RIVAL) is None
    assert register.acts == 0  # nobody reads more or less by it


def test_a_later_version_holds_from_its_own_date_on(register: Register):
    """Of several that a trade date falls under, the last that was agreed."""
    say_rules(register, 10)
    tighter = Rules.model_validate({"provisional_after_seconds": 5})
    say_rules(register, 20, 2, version=3, from_trade_date=NEXT_WEEK, rules=tighter)
    assert [waits(register, day, 30) for day in (DAY, NEXT_DAY, NEXT_WEEK)] == [None, 60, 5]
    assert [waits(register, NEXT_WEEK, at) for at in (11, 12, 21, 22)] == [None, 60, 60, 5]
    again = Rules.model_validate({"provisional_after_seconds": 7})
    say_rules(register, 40, 3, version=4, from_trade_date=NEXT_DAY, rules=again)
    assert waits(register, NEXT_WEEK, 50) == 7


def test_rules_that_cannot_be_are_refused(register: Register):
    assert "it is 2026-11-20 already" in refusal(register, "sp1", agreed(BROKER, from_trade_date=DAY))
    assert "the next one is 2" in refusal(register, "sp1", agreed(BROKER, version=3))
    assert "only the two sides" in refusal(register, "sp1", agreed(RIVAL))
    assert "no such relationship" in refusal(
        register, "sp1", agreed(BROKER, broker=INVESTOR, investor=BROKER)
    )
    altered = agreed(BROKER).model_copy(update={"document": "ab" * 32})
    assert "altered since" in refusal(register, "sp1", altered)
    assert register.apply("sp1", agreed(BROKER), 5, DAY) is False
    assert "has said so already" in refusal(register, "sp1", agreed(BROKER, 2), 6)
    late = agreed(INVESTOR)
    assert "already: rules hold for days to come" in refusal(register, "sp1", late, 7, NEXT_DAY)


def test_two_sides_that_say_different_things_have_agreed_on_nothing(register: Register):
    """And once one of both is agreed, the other has no purpose any more."""
    assert not register.apply("sp1", agreed(BROKER), 10, DAY)
    assert not register.apply("sp1", agreed(INVESTOR, rules=Rules()), 11, DAY)
    assert len(register.pending) == 2
    assert register.apply("sp1", agreed(INVESTOR, 2), 12, DAY)
    assert register.pending == {}
    assert [one.state for one in register.proposals.all] == [State.DECIDED, State.POINTLESS]


def test_an_institution_takes_back_what_the_other_has_not_said(register: Register):
    first = agreed(BROKER)
    assert not register.apply("sp1", first, 10, DAY)
    back = signed(TakeBack(institution=BROKER, number=2, proposal=first.id))
    of_another = signed(TakeBack(institution=INVESTOR, number=1, proposal=first.id))
    assert "has said nothing that is pending" in refusal(register, "sp1", of_another)
    assert register.apply("sp1", back, 11, DAY)
    assert register.pending == {}
    assert register.proposals.all[0].state is State.WITHDRAWN
    assert not register.apply("sp1", agreed(INVESTOR), 12, DAY)


def test_a_member_takes_its_word_back_while_it_is_pending(register: Register):
    act = admit("sp4", 1)
    taking_back = Withdraw(proposal=proposal_id(act) or "")
    assert not register.apply("sp1", act, 1, DAY)
    assert "sp2 has said nothing" in refusal(register, "sp2", taking_back)
    assert register.apply("sp1", taking_back, 2, DAY)
    assert not register.apply("sp2", act, 3, DAY)
    assert register.apply("sp3", act, 4, DAY)
    assert "has said nothing that is pending" in refusal(register, "sp2", taking_back)
    assert [(one.state, one.said) for one in register.proposals.all] == [
        (State.WITHDRAWN, {}),
        (State.DECIDED, {"sp2": 3, "sp3": 4}),
    ]


def test_how_many_must_say_what_is_voted_on_itself(register: Register):
    """By as many as such a vote needs; from there on as many as it says."""
    all_of_them = SetQuorum(about="admit_member", over=False, part=1, of=1)
    enact(register, all_of_them)
    assert (register.needed("admit_member"), register.needed("remove_member")) == (3, 2)
    assert [register.apply(sp, admit("sp4", 1), 50, DAY) for sp in ("sp1", "sp2", "sp3")] == [
        False,
        False,
        True,
    ]
    assert register.needed("admit_member") == 4
    assert "already" in refusal(register, "sp1", all_of_them)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (SetQuorum(about="admit_member", over=True, part=1, of=1), "can never be reached"),
        (SetQuorum(about="admit_member", over=False, part=3, of=2), "can never be reached"),
        (SetQuorum(about="anything", over=True, part=1, of=2), "do not vote on anything"),
    ],
)
def test_a_quorum_that_cannot_be_is_refused(register: Register, act: SetQuorum, reason: str):
    assert reason in refusal(register, "sp1", act)


@given(members=st.integers(1, 200), over=st.booleans(), part=st.integers(0, 50), of=st.integers(1, 50))
def test_a_quorum_can_be_reached_and_is_what_it_says(members: int, over: bool, part: int, of: int):  # noqa: FBT001 - drawn
    quorum = Quorum(over=over, part=part, of=of)
    needed = quorum.needed(members)
    if quorum.fault is None:
        assert 1 <= needed <= members
        assert needed * of > members * part if over else needed * of >= members * part
        assert needed == 1 or not (
            (needed - 1) * of > members * part if over else (needed - 1) * of >= members * part
        )


def test_by_default_one_of_three_can_stop_and_two_must_activate():
    needed = {
        kind: [quorum.needed(members) for members in (1, 2, 3, 4, 7)] for kind, quorum in DEFAULT.items()
    }
    assert needed["stop_contract"] == [1, 1, 1, 2, 3]
    assert all(each == [1, 2, 2, 3, 4] for kind, each in needed.items() if kind != "stop_contract")


def installed(register: Register, *sps: str) -> None:
    for sp in sps:
        assert register.apply(sp, Installed(contracts=(CONTRACT,)), 1, DAY)


def test_a_contract_is_chosen_for_positions_to_come(register: Register):
    installed(register, "sp1", "sp2")
    for sp in ("sp1", "sp2"):
        register.apply(sp, ActivateContract(contract=CONTRACT, since=100), 10, DAY)
    chosen = register.contracts
    assert [chosen.at(at).contract for at in (0, 99, 100)] == ["matching/1", "matching/1", CONTRACT]
    assert register.proposals.all[0].since == 100


def test_an_operator_hears_beforehand_of_a_contract_that_the_node_lacks(register: Register):
    """While there is still time to install it; no more once it has begun."""
    installed(register, "sp1", "sp2")
    for sp in ("sp1", "sp2"):
        register.apply(sp, ActivateContract(contract=CONTRACT, since=100), 10, DAY)
    [told] = lacking_soon(register.contracts, (), 40)
    assert "from position 100 on, 60 from now" in told
    assert list(lacking_soon(register.contracts, (CONTRACT,), 40)) == []
    assert list(lacking_soon(register.contracts, (), 100)) == []


def test_an_operator_hears_of_a_contract_that_is_voted_on(register: Register):
    """Before it is decided there is time to install it; once it is, other words tell of it."""
    installed(register, "sp1", "sp2")
    register.apply("sp1", ActivateContract(contract=CONTRACT, since=100), 10, DAY)
    [told] = lacking_if_decided(register.proposals, ())
    assert "1 of 2 votes are there, and this release does not have it" in told
    assert list(lacking_if_decided(register.proposals, (CONTRACT,))) == []
    register.apply("sp2", ActivateContract(contract=CONTRACT, since=100), 11, DAY)
    assert list(lacking_if_decided(register.proposals, ())) == []


def test_a_stop_takes_back_what_was_to_begin_later(register: Register):
    installed(register, "sp1", "sp2")
    for sp in ("sp1", "sp2"):
        register.apply(sp, ActivateContract(contract=CONTRACT, since=100), 10, DAY)
    assert not register.apply("sp1", ActivateContract(contract=CONTRACT, since=200), 11, DAY)
    assert register.apply("sp3", StopContract(), 50, DAY)
    chosen = register.contracts
    assert [chosen.at(at).contract for at in (50, 51, 150)] == ["matching/1", None, None]
    assert register.pending == {}  # what names a position is no way to go on
    assert "already" in refusal(register, "sp1", StopContract())
    for sp in ("sp1", "sp2"):
        register.apply(sp, ActivateContract(contract=CONTRACT), 70, DAY)
    assert [chosen.at(at).contract for at in (50, 51, 150)] == ["matching/1", CONTRACT, CONTRACT]


ACTS: list[Act] = [
    ActivateContract(contract=CONTRACT),
    ActivateContract(contract=CONTRACT, notice=5),
    StopContract(reason="why"),
    SetQuorum(about="stop_contract", over=True, part=0, of=1),
    Withdraw(proposal="ab" * 32),
    Installed(contracts=(CONTRACT,)),
    agreed(BROKER),
    signed(TakeBack(institution=BROKER, number=1, proposal="ab" * 32)),
    RemoveMember(sp="sp1"),
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.act)
def test_acts_are_read_back_and_have_words(act: Act):
    assert decode_act(encode_act(act)) == act
    assert in_words(act)


def test_a_contract_does_not_begin_twice():
    with pytest.raises(ActInvalidError):
        decode_act(b'{"act":"activate_contract","contract":"%s","notice":1,"since":1}' % CONTRACT.encode())
