"""Who and what a message means: all names of one thing lead to one, and what is not known is told."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from founding import BROKER, INVESTOR, RIVAL, lei, network

from canonical.message import AllocationInstruction, Message
from canonical.problems import Problem, Rule
from node.directory import Directory
from node.network import Network

LOCAL = {"local": {"code": "19999", "issuer": "TSE"}}


def instruction(**changes: Any) -> AllocationInstruction:
    said: dict[str, Any] = {
        "reference": "A-1",
        "broker": {"bic": "BRKAJPJT"},
        "investor": {"lei": INVESTOR},
        "block": {"quantity": Decimal(100), "price": {"value": Decimal(10), "currency": "JPY"}},
        "allocations": ({"account": {"code": "F1"}, "quantity": Decimal(100)},),
        **changes,
    }
    instrument = said.pop("instrument", {"japan_code": "7203"})
    day = date(2026, 11, 20)
    said["terms"] = {"side": "buy", "instrument": instrument, "trade_date": day, "settlement_date": day}
    return AllocationInstruction.model_validate(said)


def resolved(**changes: Any) -> tuple[Message, tuple[Problem, ...]]:
    return Directory(network()).resolve(instruction(**changes))


@pytest.mark.parametrize(
    "broker",
    [{"lei": BROKER}, {"bic": "BRKAJPJT"}, {"bic": "BRKAJPJTXXX"}, LOCAL, {"lei": BROKER, **LOCAL}],
)
@pytest.mark.parametrize("instrument", [{"isin": "JP3633400001"}, {"japan_code": "7203"}])
def test_all_names_of_one_thing_lead_to_one(broker: dict[str, Any], instrument: dict[str, str]):
    """Two sides that name the same differently compare equal."""
    message, problems = resolved(broker=broker, instrument=instrument)
    assert problems == ()
    assert message.broker.model_dump() == {"lei": BROKER, "bic": "BRKAJPJT", **LOCAL}
    assert message.terms.instrument.model_dump() == {"isin": "JP3633400001", "japan_code": "7203"}


def test_an_alias_becomes_the_fund_s_own_account():
    """A broker may call a fund by the common fund code; the ledger uses one name."""
    alias = {"code": "00000001", "scheme": "jasdec"}
    message, problems = resolved(allocations=({"account": alias, "quantity": Decimal(100)},))
    assert problems == ()
    assert message.allocations[0].account.code == "F1"


UNKNOWN: list[tuple[dict[str, Any], str, Rule]] = [
    ({"broker": {"bic": "NONEJPJT"}}, "broker/bic", Rule.UNKNOWN_PARTY),
    ({"broker": {"lei": lei("NOBODY")}}, "broker/lei", Rule.UNKNOWN_PARTY),
    ({"broker": {"local": {"code": "1", "issuer": "TSE"}}}, "broker/local", Rule.UNKNOWN_PARTY),
    ({"broker": {"local": {"code": "19999", "issuer": "FIX"}}}, "broker/local", Rule.UNKNOWN_PARTY),
    ({"broker": {"lei": INVESTOR}}, "broker", Rule.UNKNOWN_PARTY),
    ({"broker": {"lei": BROKER, "bic": "RIVLJPJT"}}, "broker", Rule.UNKNOWN_PARTY),
    ({"broker": {"lei": BROKER, "bic": "NONEJPJT"}}, "broker/bic", Rule.UNKNOWN_PARTY),
    ({"investor": {"lei": BROKER}}, "investor", Rule.UNKNOWN_PARTY),
    ({"instrument": {"isin": "JP3496400007"}}, "terms/instrument/isin", Rule.UNKNOWN_INSTRUMENT),
    ({"instrument": {"japan_code": "9984"}}, "terms/instrument/japan_code", Rule.UNKNOWN_INSTRUMENT),
    (
        {"instrument": {"isin": "JP3633400001", "japan_code": "6758"}},
        "terms/instrument/isin",
        Rule.UNKNOWN_INSTRUMENT,
    ),
    (
        {"allocations": ({"account": {"code": "F9"}, "quantity": Decimal(100)},)},
        "allocations/0/account/code",
        Rule.UNKNOWN_ACCOUNT,
    ),
    (
        {
            "investor": {"lei": RIVAL},
            "allocations": ({"account": {"code": "00000001", "scheme": "jasdec"}, "quantity": Decimal(100)},),
        },
        "allocations/0/account/code",
        Rule.UNKNOWN_ACCOUNT,
    ),
]


@pytest.mark.parametrize(("changes", "place", "rule"), UNKNOWN)
def test_what_is_not_known_is_told_at_its_place(changes: dict[str, Any], place: str, rule: Rule):
    _, problems = resolved(**changes)
    assert (problems[0].path, problems[0].rule) == (place, rule)


def test_all_that_is_not_known_is_told_at_once():
    """A client mends a message once, not once per mistake."""
    _, problems = resolved(
        broker={"bic": "NONEJPJT"},
        instrument={"japan_code": "9984"},
        allocations=({"account": {"code": "F9"}, "quantity": Decimal(100)},),
    )
    assert [p.rule for p in problems] == [
        Rule.UNKNOWN_PARTY,
        Rule.UNKNOWN_INSTRUMENT,
        Rule.UNKNOWN_ACCOUNT,
    ]


def test_firms_without_a_relationship_are_told():
    known = network().model_dump(mode="json", exclude_none=True)
    lonely = Network.model_validate({**known, "relationships": known["relationships"][1:]})
    _, problems = Directory(lonely).resolve(instruction())
    assert [p.rule for p in problems] == [Rule.NOT_ALLOWED]


def test_codes_are_looked_up_in_a_message_that_is_refused_already():
    """A client hears of an unknown security together with its wrong number, not a round later."""
    document = {
        "broker": {"bic": "NONEJPJT"},
        "terms": {"instrument": {"isin": "JP3902900004"}, "side": "no side"},
        "funds": [{"account": {"code": 7}}],
    }
    found = Directory(network()).unknown_in(document)
    assert [(p.path, p.rule) for p in found] == [
        ("broker/bic", Rule.UNKNOWN_PARTY),
        ("terms/instrument/isin", Rule.UNKNOWN_INSTRUMENT),
    ]
