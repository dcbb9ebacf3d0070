"""Versions of the contract differ where the rules leave something open, and nowhere else."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from trades import BROKER, INVESTOR, message, submission

from canonical.contracts import CONTRACTS
from canonical.contracts.state import Entry
from canonical.result import Result
from canonical.rules import Rules
from canonical.rules.versions import RulesOn, RulesVersions

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=9)))
FUNDS = ["F1 14999", "F2 10000", "F3 5001"]  # of a flat 100 on the block: 49.99, 33.33 and 16.67
ON_THE_BLOCK: dict[str, Any] = {"level": "block", "tariffs": [{"bands": [{"flat": 100}]}]}


def rules(**spread: str) -> Rules:
    commission = {**ON_THE_BLOCK, "spread": {"by": "quantity", **spread}}
    return Rules.model_validate({"agreeing": {"confirm_by_calculation": True}, "commission": commission})


def commissions(name: str, by: RulesOn) -> list[int]:
    """The commission of each fund of a block, as this version calculates it."""
    state: dict[str, Any] = {}
    said = (
        submission(BROKER, message({"notice": "R1", "links": {"client_order": "O1"}})),
        submission(INVESTOR, message({"instruction": "A1", "links": {"client_order": "O1"}, "funds": FUNDS})),
    )
    decision = None
    for position, one in enumerate(said):
        decision = CONTRACTS[name](state.get, Entry(position, one, NOON), by, name)
        state.update(decision.changes)
    assert decision is not None
    [result] = [each for each in decision.outcomes if isinstance(each, Result)]
    assert result.calculation is not None
    return [int(fund.commission.amount) for fund in result.calculation.funds]


def test_the_rest_of_a_spread_goes_where_the_version_says():
    """To the largest fund in version 1, by the larger fractions in version 2; in all it is the same."""
    assert commissions("matching/1", rules()) == [51, 33, 16]
    assert commissions("matching/2", rules()) == [50, 33, 17]


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_the_rules_say_no_version_changes(name: str):
    assert commissions(name, rules(remainder="largest_fund")) == [51, 33, 16]
    assert commissions(name, rules(remainder="larger_fraction")) == [50, 33, 17]


def test_a_trade_is_calculated_by_the_rules_of_its_trade_date():
    """Of several that it falls under, by the last that was agreed."""
    later = rules(remainder="larger_fraction")
    assert commissions("matching/1", RulesVersions(rules(), ((date(2026, 11, 20), later),))) == [50, 33, 17]
    assert commissions("matching/1", RulesVersions(rules(), ((date(2026, 11, 21), later),))) == [51, 33, 16]
    both = ((date(2026, 11, 20), later), (date(2026, 11, 1), rules()))
    assert commissions("matching/1", RulesVersions(rules(), both)) == [51, 33, 16]
