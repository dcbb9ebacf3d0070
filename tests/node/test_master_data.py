"""Master data on the ledger: members vote on what is common, institutions state what is their own."""

import datetime
from typing import Any

import pytest
from acts import DAY, admit, delegate, enact, revoke, signed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import BROKER, INVESTOR, RIVAL, SERVED, founded, lei, network

from canonical.calendar import Calendar
from canonical.identifiers import FundAccount, LocalCode
from canonical.message import Role
from canonical.rules import Rules
from node.act import (
    Act,
    AdmitInstitution,
    Correct,
    ListSecurities,
    Relate,
    SetCalendar,
    SetDeadlines,
    StateCodes,
    StateFunds,
    decode_act,
    encode_act,
)
from node.act_words import in_words
from node.directory import Directory
from node.keys import signing_text
from node.network import FundEntry, Institution, NetworkDeadlines, Relationship, Security, changed
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
    assert not register.beginnings.was_founded_with(NEW, "sp3")


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


AHEAD = DAY + datetime.timedelta(days=1)


def deadlines(*hours: int, since: datetime.date = AHEAD) -> SetDeadlines:
    times = tuple(datetime.time(hour) for hour in hours)
    return SetDeadlines(deadlines=NetworkDeadlines(remind_at=times, from_trade_date=since))


def times_on(register: Register, day: datetime.date, position: int = 100) -> tuple[datetime.time, ...]:
    return register.rules_for(BROKER, INVESTOR, day, position).deadlines.remind_at


def test_members_vote_on_the_deadlines_of_trades_to_come(register: Register):
    """They are for whoever has agreed on none; what is of a day that has begun stays as it is."""
    before = register.digest()
    assert not register.apply("sp1", deadlines(15, 16), 7, DAY)
    assert register.apply("sp2", deadlines(15, 16), 8, DAY)
    assert register.digest() != before
    assert times_on(register, DAY) == times_on(register, AHEAD, position=8) == ()
    assert times_on(register, AHEAD, position=9) == (datetime.time(15), datetime.time(16))
    assert "name a later day" in refusal(register, deadlines(17, since=DAY))
    assert "these already" in refusal(register, deadlines(15, 16))
    enact(register, deadlines(17, since=AHEAD + datetime.timedelta(days=1)))
    assert times_on(register, AHEAD) == (datetime.time(15), datetime.time(16))
    assert times_on(register, AHEAD + datetime.timedelta(days=9)) == (datetime.time(17),)


def test_deadlines_that_two_sides_agree_on_come_first():
    """A relationship's own times take the place of the network's; what is told at once still is."""
    own = {"deadlines": {"remind_at": (datetime.time(14),)}}
    register = Register(founded(SERVED, **own))
    enact(register, deadlines(15, 16))
    assert times_on(register, AHEAD) == (datetime.time(14),)
    register = Register(founded(SERVED, deadlines={"allege_at_once": True}))
    enact(register, deadlines(15))
    held = register.rules_for(BROKER, INVESTOR, AHEAD, 100).deadlines
    assert (held.remind_at, held.allege_at_once) == ((datetime.time(15),), True)


def relate(by: str, number: int = 1, **changes: Any) -> Relate:
    said: dict[str, Any] = {"broker": BROKER, "investor": RIVAL}
    made: Relate = signed(Relate(institution=by, number=number, **{**said, **changes}), network=STRANGERS)
    return made


STRANGERS = changed(network(), relationships=network().relationships[:1])
"""The broker and the rival are in this network, and do not confirm trades with one another."""


def test_two_institutions_begin_a_relationship():
    """By their own words alone: members have no say in who trades with whom."""
    register = Register(STRANGERS)
    assert "only the two sides" in refusal(register, relate(INVESTOR))
    assert "is a investor" in refusal(register, relate(RIVAL, broker=RIVAL, investor=INVESTOR))
    assert not register.apply("sp3", relate(BROKER), 20, DAY)
    assert not register.is_relationship(BROKER, RIVAL)
    assert register.apply("sp3", relate(RIVAL), 30, DAY)
    assert register.is_relationship(BROKER, RIVAL)
    assert register.rules_for(BROKER, RIVAL, DAY, 31) == Rules()
    assert "already" in refusal(register, relate(BROKER, 2))
    assert register.beginnings.knows_all("sp1", BROKER, RIVAL)


def test_who_came_later_knows_a_later_relationship_from_its_beginning():
    """An SP that acts for a side when it begins may begin it; one that comes afterwards waits."""
    register = Register(STRANGERS)
    register.apply("sp3", signed(delegate(BROKER, "sp3", 1), network=STRANGERS), 5, DAY)
    register.apply("sp1", signed(revoke(BROKER, "sp1", 2), network=STRANGERS), 6, DAY)
    register.apply("sp3", relate(BROKER, 3), 20, DAY)
    register.apply("sp3", relate(RIVAL), 30, DAY)
    register.apply("sp3", signed(delegate(RIVAL, "sp1", 2), network=STRANGERS), 40, DAY)
    knows = {sp: register.beginnings.knows_all(sp, BROKER, RIVAL) for sp in ("sp1", "sp2", "sp3")}
    assert knows == {"sp1": False, "sp2": True, "sp3": True}
    assert not register.beginnings.knows_all("sp3", BROKER, INVESTOR)


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
        deadlines(15, 16),
        relate(BROKER),
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
