"""What each side reads in an answer's text: of its own funds, of all that differs, in both languages."""

from pathlib import Path

import pytest
from test_worked import PATHS
from trades import BROKER, INVESTOR, Replica, message, submission
from worked import FOLDER, results, worked

from canonical.answer import Answer, answers
from canonical.message import Role
from canonical.result import Result
from canonical.rules import Rules


def heard(name: str, role: Role) -> Answer:
    """What a side hears of a worked example, at last, about its first message."""
    return answers(results(worked(FOLDER / f"{name}.toml"))[-1], role)[0]


def test_each_fund_reads_its_own_figures():
    """A cause that funds share is told to each with the figures of that fund."""
    first, second = heard("commission_at_another_rate", Role.INVESTOR).funds
    assert "commission of F1: broker charges 10 bp (56,910), investor charges 8 bp (45,528)" in first.text
    assert "commission of F2: broker charges 10 bp (28,455), investor charges 8 bp (22,764)" in second.text
    assert second.text_ja.startswith(
        "commission: broker 28455, investor 22764"
        " (F2の手数料: ブローカーは料率0.1%(28,455円)、投資家は料率0.08%(22,764円))"
    )


def test_every_kind_of_fee_is_told():
    """Fees differ as one field, each kind for a reason of its own."""
    fund = heard("fees_of_two_kinds", Role.BROKER).funds[-1]
    assert "exchange fee of F2: broker truncates (2,845), investor rounds half up (2,846)" in fund.text
    assert "stamp duty of F2: broker charges it (200), investor charges none (0)" in fund.text
    assert "F2の印紙税: ブローカーは計上(200円)、投資家は計上なし(0円)" in fund.text_ja


@pytest.mark.parametrize("role", list(Role))
def test_both_sides_hear_of_a_fund_that_one_of_them_lacks(role: Role):
    """Also the side whose messages do not name it: nobody else would tell it."""
    told = {fund.account.code: fund.text for fund in heard("fund_missing", role).funds}
    assert told["F2"] == "account: broker F2, investor none"


def test_what_holds_within_tolerance_is_told_in_both_languages():
    """The figure that counts stands in the text."""
    fund = heard("net_within_100_yen", Role.INVESTOR).funds[0]
    assert fund.text == "net: broker 56972601, investor 56972501, within tolerance: 56972501 holds"
    words = "F1の受渡金額: ブローカー56,972,601、投資家56,972,501(許容内、56,972,501を採用)"
    assert fund.text_ja == f"net: broker 56972601, investor 56972501 ({words})"


def test_sums_and_refusals_are_told_in_japanese():
    """What no convention has to do with has Japanese words all the same."""
    told = heard("total_beyond_tolerance", Role.INVESTOR).text_ja
    assert "受渡金額合計: ブローカー85,458,901、投資家85,458,903" in told
    assert "(F2: 投資家は承認せず(tax 2845))" in heard("affirmation_refused", Role.BROKER).funds[-1].text_ja
    assert heard("block_refused", Role.BROKER).text_ja.endswith("(投資家は拒否(limit 2840))")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_nothing_that_differs_is_without_japanese(path: Path):
    """Every difference of every worked example, to both sides."""
    told = [answer for role in Role for answer in answers(results(worked(path))[-1], role)]
    differences = [each for answer in told for part in (answer, *answer.funds) for each in part.differences]
    assert all(each.explanation_ja for each in differences)


def test_a_message_about_a_fund_that_the_rules_do_not_know_is_told_no_calculation():
    """An answer with a calculation of nothing would be a message without accounts, which no format has."""
    rules = {"agreeing": {"resolve": "propose"}, "commission": {"tariffs": [{"bands": [{"rate": "0.001"}]}]}}
    replica, links = Replica(rules=Rules.model_validate(rules)), {"links": {"client_order": "O1"}}
    replica.apply(submission(BROKER, message({"notice": "N1", **links})))
    replica.apply(submission(INVESTOR, message({"instruction": "A1", "funds": ["F1 30000"], **links})))
    for reference, fund in (("C1", "F1 20000"), ("C2", "F9 10000")):
        said = message({"confirmation": reference, "funds": [fund], "block": False, **links})
        *_, last = replica.apply(submission(BROKER, said))
    assert isinstance(last, Result)
    assert last.calculation is not None
    told = {source.reference: each for each in answers(last, Role.BROKER) for source in each.to}
    assert (told["C2"].status, told["C2"].calculation, told["C2"].calculated) == (
        "funds_mismatched",
        None,
        (),
    )


def test_figures_that_say_all_are_told_once():
    """What is not explained, or only follows from something else, does not repeat the figures before it."""
    text = heard("fund_too_many", Role.BROKER).funds[1].text
    quantity, gross, *_ = text.split("; ")
    assert quantity == "quantity: broker 10000, investor 6000 (quantity of F2: no convention explains it)"
    assert gross == "gross: broker 28455000, investor 17073000 (gross amount of F2: follows from quantity)"
