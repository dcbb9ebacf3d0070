"""Whatever the layout takes, the contract answers it: no message of anybody's stops the nodes."""

from datetime import date, time
from decimal import Decimal

import pytest
from conversations import MOST, conversations
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from trades import MORNING, Replica

from canonical.answer import answers
from canonical.calendar import Calendar
from canonical.contracts import CONTRACTS
from canonical.contracts.matching.v1.statements import figures_of
from canonical.diagnosis.english import in_english
from canonical.diagnosis.japanese import in_japanese
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.message import Reminder, Role
from canonical.result import AnyOutcome, Result
from canonical.rules import BLOCK_FIELDS, FUND_FIELDS, Rules
from canonical.rules.charges import Level
from canonical.submission import Submission
from canonical.trade import FundFigures

OUTCOME = TypeAdapter[AnyOutcome](AnyOutcome)
EVENING = MORNING.replace(hour=18)
YEARS = (1, 2026, 9999)
CALENDARS = [Calendar(name="JPX", first=date(year, 1, 1), last=date(year, 12, 31)) for year in YEARS]
COMMISSION = {"tariffs": [{"bands": [{"rate": Decimal("0.001")}]}]}
GREEDY = {
    "commission": {"level": "block", "tariffs": [{"bands": [{"per_share": MOST, "flat": MOST}]}]},
    "fees": [{"kind": "levy", "level": level, "per_share": MOST, "rate": 1} for level in Level],
}
LOOSE = {"code": "MNMX", "below": MOST, "above": MOST}
DOCUMENTS = [
    {},
    {"agreeing": {"resolve": "propose"}, "commission": COMMISSION, "settlement": {"days": 0}},
    {"deadlines": {"remind_at": [time(16), time(17)], "allege_at_once": True}},
    {"agreeing": {"auto_affirm": True}, "commission": COMMISSION, "settlement": {"days": 10}},
    {"agreeing": {"confirm_by_calculation": True, "auto_affirm": True}, "commission": COMMISSION},
    {"agreeing": {"resolve": "propose", "confirm_by_calculation": True}, **GREEDY},
    {"compare": {"block": {"price": LOOSE, "gross": LOOSE}, "fund": {"net": LOOSE, "commission": LOOSE}}},
    {
        "compare": {
            "block": dict.fromkeys(BLOCK_FIELDS, "CPOP"),
            "fund": dict.fromkeys(FUND_FIELDS, "NUFM"),
            "total": {"net": {"code": "PTMX", "percent": 100, "maximum": MOST}},
        }
    },
]
RULES = st.sampled_from([Rules.model_validate(document) for document in DOCUMENTS])


@pytest.mark.parametrize("contract", CONTRACTS)
@given(conversations(), RULES, st.lists(st.sampled_from(CALENDARS), max_size=1))
@settings(max_examples=200, deadline=None)
def test_every_entry_is_answered(
    contract: str, entries: list[Submission], rules: Rules, calendars: list[Calendar]
):
    """Receipt, rejection or result: each has one byte form, and is told to both sides in words."""
    replica = Replica(contract=contract, rules=rules, time=EVENING, calendars=tuple(calendars))
    for entry in entries:
        outcomes = replica.apply(entry)
        assert outcomes or isinstance(entry.messages[0], Reminder)
        for outcome in outcomes:
            assert from_canonical_bytes(OUTCOME, canonical_bytes(outcome)) == outcome
            tell(outcome)


def tell(outcome: AnyOutcome) -> None:
    if isinstance(outcome, Result):
        for role in Role:
            for answer in answers(outcome, role):
                assert canonical_bytes(answer)
        for diagnosis in (outcome.diagnosis, outcome.unaffirmed):
            for cause in diagnosis.causes if diagnosis is not None else ():
                assert in_english(cause)
                assert in_japanese(cause)


def test_fees_that_add_up_to_more_than_an_amount():
    """Several fees of one kind are compared as one, however large."""
    fund = FundFigures.model_validate(
        {
            "account": {"code": "F1"},
            "quantity": Decimal(1),
            "price": {"value": MOST, "currency": "JPY"},
            "commission": {"amount": Decimal(0), "currency": "JPY"},
            "consumption_tax": {"amount": Decimal(0), "currency": "JPY"},
            "fees": [{"kind": "levy", "charge": {"amount": MOST, "currency": "JPY"}}] * 20,
            "net": {"amount": MOST, "currency": "JPY"},
        }
    )
    assert figures_of(fund).values["fees"] == "levy 19999999999999999980"


def test_the_first_day_of_all():
    """A trade date before which there is no other."""
    calendar = CALENDARS[0]
    assert calendar.first == date.min
    assert calendar.business_day_after(date.min, 0) == date.min
