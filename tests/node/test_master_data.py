"""Master data on the ledger: members vote on what is common, institutions state what is their own."""

import datetime
from typing import Any

import pytest
from acts import DAY, admit, delegate, enact, signed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import BROKER, INVESTOR, RIVAL, lei, network

from canonical.calendar import Calendar
from canonical.identifiers import FundAccount, LocalCode
from canonical.message import Role
from node.act import (
    Act,
    AdmitInstitution,
    Correct,
    ListSecurities,
    SetCalendar,
    StateCodes,
    StateFunds,
    decode_act,
    encode_act,
)
from node.act_words import in_words
from node.directory import Directory
from node.keys import signing_text
from node.network import FundEntry, Institution, Relationship, Security
from node.register import ActRefusedError, Register

NEW = lei("TESTNEWFUNDS")
OWN_KEY = signing_text(Ed25519PrivateKey.from_private_bytes(b"\x09" * 32).public_key())
NEWCOMER = Institution(lei=NEW, name="New", role=Role.INVESTOR, identity_key=OWN_KEY)
ADMISSION = AdmitInstitution(institution=NEWCOMER, relationships=(Relationship(broker=BROKER, investor=NEW),))
CALENDAR = Calendar(name="JPX", first=datetime.date(2026, 1, 1), last=datetime.date(2026, 12, 31))


@pytest.fixture
def register() -> Register:
    return Register(network())


def refusal(register: Register, act: Act) -> str:
    before = register.digest()
    with pytest.raises(ActRefusedError) as caught:
        register.apply("sp1", act, 5, DAY)
    assert register.digest() == before
    return str(caught.value)


def test_members_admit_an_institution_with_its_relationships(register: Register):
    """From there on it speaks for itself, and its first SP can begin the relationship."""
    assert not register.apply("sp1", ADMISSION, 1, DAY)
    assert not register.is_relationship(BROKER, NEW)
    assert register.apply("sp2", ADMISSION, 2, DAY)
    assert register.is_relationship(BROKER, NEW)
    assert register.at(2).by_lei.keys() == register.genesis.by_lei.keys()
    assert register.rules_for(BROKER, NEW, DAY, 3).provisional_after_seconds is None
    assert "already" in refusal(register, ADMISSION)
    assert not register.was_founded_with(NEW, "sp3")


def test_an_institution_that_cannot_be_is_refused(register: Register):
    stranger = Relationship(broker=BROKER, investor=RIVAL)
    with_delegation = NEWCOMER.model_copy(update={"delegations": network().by_lei[BROKER].delegations})
    wrong_role = NEWCOMER.model_copy(update={"role": Role.BROKER})
    taken = NEWCOMER.model_copy(update={"bic": "BRKAJPJT"})
    for changes, reason in (
        ({"relationships": (stranger,)}, "not a relationship of"),
        ({"institution": with_delegation}, "it says itself"),
        ({"institution": wrong_role}, "is a broker"),
        ({"institution": taken, "relationships": ()}, "stands twice"),
    ):
        changed: dict[str, Any] = changes
        assert reason in refusal(register, ADMISSION.model_copy(update=changed))


def test_members_list_securities(register: Register):
    """A new one is known, one that is listed has its new code; what nobody else uses is not taken away."""
    renamed = Security(isin="JP3633400001", japan_code="7203", name="Toyota")
    enact(register, ListSecurities(securities=(renamed, Security(isin="JP3496400007", japan_code="9433"))))
    assert [one.japan_code for one in register.now.securities] == ["7203", "6758", "9433"]
    assert register.now.securities[0].name == "Toyota"
    twice = ListSecurities(securities=(Security(isin="JP3902900004", japan_code="6758"),))
    assert "stands twice" in refusal(register, twice)


def test_an_institution_states_its_own_funds_and_codes(register: Register):
    """What it says holds at once; its brokers' names for its funds are its own matter too."""
    third = FundEntry(investor=INVESTOR, account=FundAccount(code="F3"), aliases=(FundAccount(code="X3"),))
    stated = StateFunds(institution=INVESTOR, number=1, funds=(third,), closed=(FundAccount(code="F2"),))
    enact(register, signed(stated))
    own = [one.account.code for one in register.now.funds if one.investor == INVESTOR]
    assert own == ["F1", "F3"]
    assert Directory(register.now)._accounts[INVESTOR, third.account.scheme, "X3"] == third.account
    code = LocalCode(code="4711", issuer="TSE")
    enact(register, signed(StateCodes(institution=INVESTOR, number=2, name="Other", codes=(code,))))
    assert register.now.by_lei[INVESTOR].name == "Other"
    foreign = StateFunds(institution=RIVAL, number=1, funds=(third,))
    assert "its own funds alone" in refusal(register, signed(foreign))
    unknown = StateFunds(institution=RIVAL, number=1, closed=(FundAccount(code="F9"),))
    assert "none of its funds" in refusal(register, signed(unknown))
    taken = StateCodes(institution=RIVAL, number=1, name="Rival", codes=(code,))
    assert "stands twice" in refusal(register, signed(taken))


def test_members_vote_on_calendars(register: Register):
    enact_all = [register.apply(sp, SetCalendar(calendar=CALENDAR), 1, DAY) for sp in ("sp1", "sp2")]
    assert enact_all == [False, True]
    assert register.now.calendars == (CALENDAR,)
    assert "says so already" in refusal(register, SetCalendar(calendar=CALENDAR))


def correction(by: str, number: int = 1, **changes: Any) -> Correct:
    said: dict[str, Any] = {"broker": BROKER, "investor": INVESTOR, "position": 3, "document": "ab" * 32}
    made: Correct = signed(Correct(institution=by, number=number, **{**said, **changes}))
    return made


def test_both_sides_correct_what_they_have_said(register: Register):
    """What stands at the position stays; that it is corrected, and by which document, is known."""
    assert not register.apply("sp1", correction(BROKER), 10, DAY)
    assert register.corrections == {}
    assert register.apply("sp1", correction(INVESTOR), 11, DAY)
    [(position, act)] = register.corrections[3]
    assert (position, act.document) == (11, "ab" * 32)
    assert "stands on the ledger already" in refusal(register, correction(BROKER, 2, position=5))
    assert "only the two sides" in refusal(register, correction(RIVAL))


def test_what_changes_master_data_is_read_back_and_has_words():
    acts: list[Act] = [
        ADMISSION,
        ListSecurities(securities=(Security(isin="JP3496400007"),)),
        SetCalendar(calendar=CALENDAR),
        signed(StateCodes(institution=RIVAL, number=1, name="Rival")),
        signed(StateFunds(institution=RIVAL, number=1)),
        correction(BROKER),
    ]
    for act in acts:
        assert decode_act(encode_act(act)) == act
        assert in_words(act)


def test_who_is_in_the_network_outlives_other_changes(register: Register):
    enact(register, ADMISSION, admit("sp4", 1), delegate(INVESTOR, "sp4", 1))
    assert NEW in register.now.by_lei
    assert register.served_by("sp4") == {INVESTOR}
