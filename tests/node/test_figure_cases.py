"""Figures of single cases: how a trade was agreed, who is left alone, what is told twice, ranks of times."""

from decimal import Decimal
from pathlib import Path

import pytest
from founding import BROKER, INVESTOR, RIVAL
from told_days import Days, calculated, noticed

from canonical.rules import Rules
from node.figures import Span

WRONG = ("F1 20000 commission=50000", "F2 10000")  # commission, consumption tax and net of F1 part


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path / "yakujo.db")


def test_within_tolerance_and_by_whom(tmp_path: Path):
    """100 yen of net are allowed: one trade is exact, one within, and one fund of that is exact."""
    compare = {"fund": {name: {"code": "MNMX", "below": 100, "above": 100} for name in ("net", "commission")}}
    compare["fund"]["consumption_tax"] = {"code": "NUFM"}
    days = Days(tmp_path / "yakujo.db", rules=Rules.model_validate({"compare": compare}))
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, *calculated("1"), at="10:00:01")
    days.say(BROKER, *noticed("2"), at="10:00:02")
    days.say(INVESTOR, *calculated("2", funds=("F1 20000 commission=56900", "F2 10000")), at="10:00:03")
    found = days.report()
    assert (found.total.agreed_exactly, found.total.agreed_within_tolerance) == (1, 1)
    assert (found.total.mismatches, found.fields) == (0, ())
    assert [(f.account, f.agreed_exactly, f.agreed_within_tolerance) for f in found.funds] == [
        ("F1", 1, 1),
        ("F2", 2, 0),
    ]


def test_agreed_by_the_calculation(tmp_path: Path):
    """The investor takes the shared calculation over, which the broker's figures are."""
    commission = {"tariffs": [{"bands": [{"rate": "0.0010"}]}]}
    days = Days(tmp_path / "yakujo.db", rules=Rules.model_validate({"commission": commission}))
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, *calculated("1", funds=WRONG), at="10:00:10")
    days.say(
        INVESTOR, {"calculation_request": "Q-1", "about": "A-1", "adopts": True}, at="10:01:10"
    )  # 60 s after its first word
    found = days.report()
    assert (found.total.trades, found.total.agreed_by_calculation) == (1, 1)
    assert found.total.to_match.median_seconds == Decimal("60.000")
    assert {f.ended_by_investor for f in found.fields} == {1}
    assert [f.agreed_by_calculation for f in found.funds] == [1, 1]


def test_what_does_not_add_up_is_disqualified(days: Days):
    links = {"links": {"client_order": "1"}}
    days.say(BROKER, {"notice": "N1", **links}, at="10:00:00")
    days.say(BROKER, {"confirmation": "C1", "block": False, "funds": ["F1 20000"], **links}, at="10:01:00")
    days.say(INVESTOR, {"instruction": "A1", "funds": ["F1 20000", "F2 10000"], **links}, at="10:02:00")
    days.say(BROKER, {"confirmation": "C2", "block": False, "funds": ["F2 15000"], **links}, at="10:03:00")
    found = days.report()
    assert (found.total.disqualified, found.total.trades) == (1, 1)
    assert {(f.place, f.field, f.open) for f in found.fields} == {
        ("block", "funds_quantity", 1),
        ("fund", "quantity", 1),
    }


def test_who_is_left_alone_is_a_trade_of_its_own(days: Days):
    """The side that spoke first takes its word back: one trade is gone, and the other side's half is open."""
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, *calculated("1", funds=WRONG), at="10:01:00")
    days.say(BROKER, {"cancellation": "X-1", "cancels": "B-1"}, at="10:02:00")
    found = days.report()
    assert (found.total.trades, found.total.cancelled, found.total.unmatched) == (2, 1, 1)
    assert {(f.mismatches, f.dissolved, f.open) for f in found.fields} == {(1, 1, 0)}


def test_who_is_left_and_finds_another_at_once_is_none(days: Days):
    """The investor's half, left by the one broker's message, is paired with the other in the same entry."""
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(BROKER, *noticed("2", links={}), at="10:01:00")
    days.say(INVESTOR, *calculated("1", funds=WRONG), at="10:02:00")
    days.say(BROKER, {"cancellation": "X-1", "cancels": "B-1"}, at="10:03:00")
    total = days.report().total
    assert (total.trades, total.cancelled, total.mismatched, total.unmatched) == (2, 1, 1, 0)


def test_who_was_left_before_takes_nobody_along(days: Days):
    """The investor's first half lost its counterpart to a better one, and is taken back after that."""
    days.say(INVESTOR, *calculated("1", links={}), at="10:00:00")
    days.say(BROKER, *noticed("1", funds=WRONG), at="10:01:00")
    days.say(INVESTOR, *calculated("2", links={"client_order": "1"}), at="10:02:00")
    total = days.report().total
    assert (total.trades, total.mismatched, total.unmatched) == (2, 1, 1)
    days.say(INVESTOR, {"cancellation": "X-1", "cancels": "A-1"}, at="10:03:00")
    total = days.report().total
    assert (total.trades, total.mismatched, total.cancelled, total.unmatched) == (2, 1, 1, 0)


def test_who_speaks_first_and_is_left_stays_the_same_trade(days: Days):
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, *calculated("1", funds=WRONG), at="10:01:00")
    days.say(INVESTOR, {"cancellation": "X-1", "cancels": "A-1"}, at="10:02:00")
    total = days.report().total
    assert (total.trades, total.cancelled, total.unmatched, total.cancellations) == (1, 0, 1, 1)


def test_dates_and_relationships_are_apart(days: Days):
    """Two trade dates with two investors; each row has its own, and the total has all."""
    for investor, name, when in ((INVESTOR, "1", "2026-11-19"), (RIVAL, "2", "2026-11-20")):
        days.day = when
        days.say(BROKER, *noticed(name, trade_date=when), at="15:00:00", investor=investor)
        days.say(investor, *calculated(name, trade_date=when), at="15:00:30", investor=investor)
    found = days.report()
    assert [(str(d.trade_date), d.figures.on_time) for d in found.days] == [
        ("2026-11-19", 1),
        ("2026-11-20", 1),
    ]
    assert {p.investor: p.figures.trades for p in found.relationships} == {INVESTOR: 1, RIVAL: 1}
    assert found.total.trades == 2
    own = days.report(institution=RIVAL)
    assert own.total.trades == 1
    assert {row.investor for row in (*own.relationships, *own.funds, *own.fields)} == {RIVAL}
    assert [card.counterparty for card in own.cards] == [BROKER]


def test_a_match_on_another_day_is_late(days: Days):
    days.say(BROKER, *noticed("1"), at="15:00:00")
    days.day = "2026-11-24"
    days.say(INVESTOR, *calculated("1"), at="09:00:00")
    total = days.report().total
    assert (total.on_time, total.late, total.on_time_share) == (0, 1, Decimal("0.0000"))


def test_ranks(days: Days):
    """Of 20 waits of 1 to 20 minutes, the tenth is the median, and the nineteenth the p95."""
    for number in range(1, 21):
        days.say(BROKER, *noticed(str(number), links={"client_order": f"O{number}"}), at="10:00:00")
        days.say(
            INVESTOR,
            *calculated(str(number), links={"client_order": f"O{number}"}),
            at=f"10:{number:02}:00",
        )
    [card] = days.report(institution=BROKER).cards
    assert card.response == Span(count=20, median_seconds=Decimal("600.000"), p95_seconds=Decimal("1140.000"))


def test_what_a_deadline_tells_again_counts_once(tmp_path: Path):
    """A change that waits, a mismatch and a lone half are told again at 15:00; none is counted twice."""
    rules = Rules.model_validate({"deadlines": {"remind_at": ["15:00:00"]}})
    days = Days(tmp_path / "yakujo.db", rules=rules)
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, *calculated("1"), at="10:01:00")
    days.say(BROKER, {"cancellation": "X-1", "cancels": "B-1"}, at="10:02:00")
    days.say(BROKER, *noticed("2"), at="11:00:00")
    days.say(INVESTOR, *calculated("2", funds=WRONG), at="11:01:00")
    days.say(INVESTOR, *calculated("3"), at="11:02:00")
    before = days.report()
    days.say(BROKER, {"reminder": "reminder 2026-11-20 15:00:00", "deadline": "15:00:00"}, at="15:00:00")
    after = days.report()
    assert days.told_last() == 3
    assert (after.total, after.fields, after.funds) == (before.total, before.fields, before.funds)
    assert (after.total.cancellations_asked, after.total.change_waiting, after.total.mismatches) == (1, 1, 3)


def test_an_affirmation_is_the_second_word(days: Days):
    """The investor states nothing of its own: it takes the broker's figures, 90 s after them."""
    days.say(BROKER, *noticed("1"), at="10:00:00")
    days.say(INVESTOR, {"affirmation": "Y-1", "answers": "B-1", "affirmed": True}, at="10:01:30")
    [card] = days.report(institution=BROKER).cards
    assert (card.trades, card.agreed, card.response.median_seconds) == (1, 1, Decimal("90.000"))


def test_two_that_find_each_other_late_are_one(days: Days):
    """Each side told alone first, as neither names the other; an amendment pairs them after 30 minutes."""
    days.say(BROKER, *noticed("1", links={"client_order": "O1"}), at="10:00:00")
    days.say(INVESTOR, *calculated("1", links={"client_order": "O2"}), at="10:10:00")
    assert (days.report().total.trades, days.report().total.unmatched) == (2, 2)
    days.say(INVESTOR, *calculated("1b", links={"client_order": "O1"}, replaces="A-1"), at="10:40:00")
    total = days.report().total
    assert (total.trades, total.agreed_exactly, total.unmatched) == (1, 1, 0)
    assert total.to_match.median_seconds == Decimal("1800.000")
