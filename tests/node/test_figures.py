"""Worked days: every figure computed by hand from what two sides say, and when, by ledger time."""

from decimal import Decimal
from pathlib import Path

import pytest
from founding import BROKER, INVESTOR, network
from told_days import Days, by, calculated, noticed

from canonical.message import Role
from canonical.problems import Rule
from node.figure_counting import FiguresError
from node.figures import Figures, FundFigures, RuleFigures, Span

WRONG = ("F1 20000 commission=50000", "F2 10000")  # commission, consumption tax and net of F1 part


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path / "yakujo.db")


def a_day(days: Days) -> dict[str, int]:
    """One of everything; positions by what a test asks for."""
    days.say(BROKER, *noticed("1"), at="09:30:00")
    days.say(INVESTOR, *calculated("1"), at="10:00:00")  # agreed at once; answered after 1,800 s
    days.say(INVESTOR, *calculated("2"), at="10:00:00")
    days.say(BROKER, *noticed("2", funds=WRONG), at="10:20:00")  # answered after 1,200 s
    mismatched = days.say(BROKER, *noticed("2b", links={"client_order": "2"}, replaces="B-2"), at="11:00:00")
    days.say(BROKER, *noticed("3"), at="12:00:00")
    days.say(INVESTOR, *calculated("3", funds=WRONG), at="12:10:00")  # answered after 600 s
    days.say(
        INVESTOR, *calculated("3b", links={"client_order": "3"}, replaces="A-3"), at="16:00:00"
    )  # the last moment, 13,800 s after its first word
    days.say(BROKER, *noticed("4"), at="13:00:00")
    days.say(INVESTOR, *calculated("4", funds=WRONG), at="13:01:00")  # still differs; after 60 s
    days.say(BROKER, *noticed("5"), at="14:00:00")  # nobody answers
    days.say(BROKER, *noticed("6"), at="14:30:00")
    days.say(INVESTOR, *calculated("6"), at="14:40:00")  # after 600 s
    days.say(BROKER, {"cancellation": "X-6", "cancels": "B-6"}, at="15:00:00")
    cancelled = days.say(
        INVESTOR, {"change_response": "R-6", "answers": "X-6", "agreed": True}, at="15:05:00"
    )
    days.say(BROKER, *noticed("7"), at="14:50:00")
    days.say(BROKER, {"cancellation": "X-7", "cancels": "B-7"}, at="14:55:00")
    days.say(BROKER, *noticed("8"), at="15:00:00")
    days.say(INVESTOR, *calculated("8"), at="15:10:00")  # after 600 s
    asked = days.say(
        BROKER, *noticed("8b", funds=WRONG, links={"client_order": "8"}, replaces="B-8"), at="15:20:00"
    )
    days.say(INVESTOR, {"change_response": "R-8", "answers": "B-8b", "agreed": False}, at="15:25:00")
    days.say(BROKER, {"notice": "N-9", "links": {"client_order": "9"}}, at="15:30:00")
    days.say(
        INVESTOR,
        {"instruction": "I-9", "links": {"client_order": "9"}, "funds": ("F1 20000", "F2 10000")},
        at="15:31:00",
    )  # no money yet; after 60 s
    days.say(BROKER, *noticed("10"), at="15:45:00")
    days.say(INVESTOR, *calculated("10"), at="16:10:00")  # late; after 1,500 s
    days.say(BROKER, *noticed("10"), at="16:11:00")  # the same once more
    days.say(INVESTOR, {"affirmation": "Y-0", "answers": "nothing", "affirmed": True}, at="16:12:00")
    return {"mismatched": mismatched - 1, "cancelled": cancelled, "asked": asked}


TOTAL = Figures(
    trades=10,
    agreed_exactly=5,  # 1, 2, 3, 8, 10
    unmatched=1,  # 5
    pending=1,  # 9
    mismatched=1,  # 4
    cancelled=1,  # 7
    cancelled_after_match=1,  # 6
    funds=14,  # two of each but 5, 6 and 7
    funds_matched=11,  # all of the five, and F2 of 4
    on_time=4,  # 1, 2, 3, 8
    late=1,  # 10
    on_time_share=Decimal("0.5000"),  # 4 of 8 that were not taken back
    # 0, 2400, 13800, 0, 0 seconds
    to_match=Span(count=5, median_seconds=Decimal("0.000"), p95_seconds=Decimal("13800.000")),
    mismatches=9,  # three fields each of 2, 3 and 4
    amended_before_match=2,  # 2b, 3b
    amended_after_match=1,  # 8b
    cancellations=2,
    amendments_asked=1,
    cancellations_asked=1,
    changes_consented=1,
    changes_refused=1,
    messages_refused=2,
)


def test_a_day_by_hand(days: Days):
    a_day(days)
    found = days.report()
    assert found.total == TOTAL
    of_the_day = TOTAL.model_copy(update={"messages_refused": 1})
    without_a_date = Figures(messages_refused=1)
    assert [(str(day.trade_date), day.figures) for day in found.days] == [
        ("None", without_a_date),
        ("2026-11-20", of_the_day),
    ]
    [pair] = found.relationships
    assert (pair.broker, pair.investor, pair.figures) == (BROKER, INVESTOR, TOTAL)


def test_reasons_by_hand(days: Days):
    """By field, cause, fund and rule: 2 was ended by the broker, 3 by the investor, 4 is open."""
    a_day(days)
    found = days.report()
    assert [
        (f.place, f.field, f.mismatches, f.ended_by_broker, f.ended_by_investor, f.dissolved, f.open)
        for f in found.fields
    ] == [("fund", name, 3, 1, 1, 0, 1) for name in ("commission", "consumption_tax", "net")]
    assert {cause.field: cause.trades for cause in found.causes} == {
        "commission": 3,
        "consumption_tax": 3,
        "net": 3,
    }
    assert found.funds == (
        FundFigures(investor=INVESTOR, scheme="jasdec", account="F1", agreed_exactly=5, open=2, mismatches=9),
        FundFigures(investor=INVESTOR, scheme="jasdec", account="F2", agreed_exactly=5, open=1, mismatches=0),
    )
    between = {"broker": BROKER, "investor": INVESTOR, "messages": 1}
    assert found.rules == (
        RuleFigures(author=Role.BROKER, rule=Rule.DUPLICATE, **between),
        RuleFigures(author=Role.INVESTOR, rule=Rule.UNKNOWN_REFERENCE, **between),
    )


def test_a_scorecard_by_hand(days: Days):
    """What a broker sees of its investor, and the investor of its broker: the same numbers, turned round."""
    a_day(days)
    [card] = days.report(institution=BROKER).cards
    assert (card.counterparty, card.role) == (INVESTOR, Role.INVESTOR)
    assert (card.trades, card.agreed, card.on_time, card.on_time_share) == (10, 5, 4, Decimal("0.5000"))
    assert (card.mismatches, card.ended_by_counterparty, card.ended_by_institution) == (9, 3, 3)
    # the investor came second in 1, 3, 4, 6, 8, 9 and 10: 60, 60, 600, 600, 600, 1500, 1800 seconds
    assert card.response == Span(count=7, median_seconds=Decimal("600.000"), p95_seconds=Decimal("1800.000"))
    assert card.own_response == Span(
        count=1, median_seconds=Decimal("1200.000"), p95_seconds=Decimal("1200.000")
    )
    [other] = days.report(institution=INVESTOR).cards
    assert (other.response, other.own_response) == (card.own_response, card.response)
    assert [(f.field, f.ended_by_counterparty, f.ended_by_institution) for f in other.fields] == [
        ("commission", 1, 1),
        ("consumption_tax", 1, 1),
        ("net", 1, 1),
    ]


def test_on_time_is_what_is_asked_for(days: Days):
    """By 15:00: 1 and 2, which were agreed at 10 and at 11; by 16:10 all five."""
    a_day(days)
    for until, on_time in (("09:59:59", 0), ("10:00", 1), ("15:00", 2), ("15:10", 3), ("16:10", 5)):
        found = days.report(by=by(until)).total
        assert (found.on_time, found.late) == (on_time, 5 - on_time), until


def test_at_an_earlier_position_the_earlier_figures_come_out(days: Days):
    """While 2 differed, once 6 was cancelled, while 8 waits; all the same as a ledger that ended there."""
    at = a_day(days)
    then = days.report(position=at["mismatched"]).total
    assert (then.trades, then.agreed_exactly, then.mismatched, then.amended_before_match) == (2, 1, 1, 0)
    then = days.report(position=at["cancelled"] - 1).total
    assert (then.agreed_exactly, then.change_waiting, then.cancelled_after_match) == (4, 1, 0)
    then = days.report(position=at["cancelled"]).total
    assert (then.agreed_exactly, then.change_waiting, then.cancelled_after_match) == (3, 0, 1)
    then = days.report(position=at["asked"]).total
    assert (then.change_waiting, then.changes_refused, then.amended_after_match) == (1, 0, 1)
    whole = days.report()
    assert days.report(position=whole.position) == whole
    with pytest.raises(FiguresError, match=f"up to position {whole.position}"):
        days.report(position=whole.position + 1)


def test_every_position_is_as_if_the_ledger_ended_there(days: Days, tmp_path: Path):
    a_day(days)
    shorter = Days(tmp_path / "shorter.db")
    for position in range(6):
        days.tell_to(shorter, position)
        assert shorter.report() == days.report(position=position)


def test_nothing_was_said(days: Days):
    found = days.report()
    assert (found.position, found.time, found.contracts, found.days) == (-1, None, (), ())
    assert found.total == Figures()


def test_it_says_what_it_is_of(days: Days):
    """Whoever has the ledger can come to the same: which, how far, by which contracts."""
    a_day(days)
    found = days.report()
    assert (found.network, found.network_id) == ("scene", network().id.hex())
    assert (found.position, found.contracts, found.time_zone) == (26, ("c" * 64,), "Asia/Tokyo")
    assert (str(found.time), str(found.by)) == ("2026-11-20 07:12:00+00:00", "16:00:00")
    assert found.root != days.report(position=25).root
