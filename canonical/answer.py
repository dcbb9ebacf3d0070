"""What one side hears about one of its messages: an outcome, seen from that side.

A format has no word for a result about two sides' messages; it has words for the status of one message,
by the reference its sender gave. An `Answer` is that, without any format in it; mappings give it its face.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.answer_text import change_text, difference_text, figures_text, problem_text, shortened_text
from canonical.base import Canonical
from canonical.calculation.calculation import Calculation
from canonical.identifiers import FundAccount, Reference
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import (
    AnyOutcome,
    ChangeState,
    Difference,
    FundState,
    Receipt,
    Rejection,
    Result,
    Source,
    TradeStatus,
    parting,
)
from canonical.result import Status as ComponentStatus

ID_CHARACTERS_MAX = 64
_PROBLEM_CHARACTERS_MAX = 512  # of Problem.text


class AnswerStatus(StrEnum):
    """What the sender learns, first to last."""

    RECEIVED = "received"
    REFUSED = "refused"
    PENDING = "pending"  # paired and so far equal; parts are missing
    MISMATCHED = "mismatched"  # the block differs
    FUNDS_MISMATCHED = "funds_mismatched"  # the block agrees, funds differ
    MATCHED = "matched"
    WITHIN_TOLERANCE = "within_tolerance"  # matched, though not every figure is equal
    UNMATCHED = "unmatched"  # no counterpart (any more)
    CANCELLED = "cancelled"
    CANCEL_REQUESTED = "cancel_requested"  # after match agreed: it waits for the other side's consent
    CANCEL_ASKED = "cancel_asked"  # the other side waits for this side's consent
    AMEND_REQUESTED = "amend_requested"
    AMEND_ASKED = "amend_asked"
    CANCEL_REFUSED = "cancel_refused"  # the other side does not consent: the trade stays as it was agreed
    AMEND_REFUSED = "amend_refused"
    CALCULATED = "calculated"  # asked for: what the agreed rules make of the trade


class Finality(StrEnum):
    """Whether the nodes of both sides stand behind an answer."""

    FINAL = "final"
    PROVISIONAL = "provisional"  # the other side's node was away for as long as the rules allow
    WITHDRAWN = "withdrawn"  # told as provisional before, and not confirmed: it does not hold


class FundAnswer(Canonical):
    """The status of one fund of the message. reason: the first field that differs; empty if none."""

    account: FundAccount
    reference: Reference | None = None
    status: ComponentStatus
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    text: str = ""


class Answer(Canonical):
    """One answer to one raw message, whatever number of canonical messages it said.

    id: unique per answer to one side, safe as a file name. outcome: the id of the outcome it tells.
    to: what the raw message said that is answered. trade_date: of the trade, where known.
    reason: the canonical name of the first differing field, or the first problem's rule; empty if none.
    calculation: what the agreed rules make of the trade, where that is told.
    finality: final unless `with_finality` says otherwise; then its words stand first in every text.
    """

    id: Annotated[str, Field(max_length=ID_CHARACTERS_MAX)]
    outcome: str
    to: Annotated[tuple[Source, ...], Field(min_length=1)]
    status: AnswerStatus
    trade: str = ""
    trade_date: date | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    funds: tuple[FundAnswer, ...] = ()
    problems: tuple[Problem, ...] = ()
    text: str = ""
    calculation: Calculation | None = None
    finality: Finality = Finality.FINAL


def answers(outcome: AnyOutcome, role: Role) -> tuple[Answer, ...]:
    """What the side `role` hears: an answer for each of its raw messages that the outcome concerns."""
    if isinstance(outcome, Result):
        return _of_result(outcome, role)
    return (_of_entry(outcome),) if outcome.to is role else ()


_SUFFIX = {Finality.PROVISIONAL: "-p", Finality.WITHDRAWN: "-w"}
_WORDS = {
    Finality.PROVISIONAL: "provisional: the other side's node has not confirmed this yet; ",
    Finality.WITHDRAWN: "withdrawn: no longer valid; it said: ",
}


def with_finality(answer: Answer, finality: Finality) -> Answer:
    """A final `answer` as one of this finality, under an id of its own.

    What is confirmed later is confirmed by the final answer itself, so that stays as it is. The others say in
    every text what they are, and their status: a format's code for it may have to give way.
    """
    assert answer.finality is Finality.FINAL, f"{answer.id} has been made {answer.finality} before"
    if finality is Finality.FINAL:
        return answer
    name, words = answer.id + _SUFFIX[finality], _WORDS[finality]
    assert len(name) <= ID_CHARACTERS_MAX, f"{name} is too long"
    update = {
        "id": name,
        "finality": finality,
        "text": _marked(words, answer.status.value, answer.text),
        "funds": tuple(_marked_fund(fund, words) for fund in answer.funds),
        "problems": tuple(_marked_problem(problem, words) for problem in answer.problems),
    }
    return answer.model_copy(update=update)


def _marked_fund(fund: FundAnswer, words: str) -> FundAnswer:
    text = _marked(words, f"fund {fund.account.code} {fund.status}", fund.text)
    return fund.model_copy(update={"text": text})


def _marked_problem(problem: Problem, words: str) -> Problem:
    text = shortened_text(words + problem.text, _PROBLEM_CHARACTERS_MAX)
    return problem.model_copy(update={"text": text})


def _marked(words: str, status: str, text: str) -> str:
    return shortened_text(words + "; ".join(filter(None, (status, text))))


def _of_entry(outcome: Receipt | Rejection) -> Answer:
    problems = outcome.problems if isinstance(outcome, Rejection) else ()
    return Answer(
        id=f"{outcome.id}-0",
        outcome=outcome.id,
        to=outcome.sources,
        status=AnswerStatus.REFUSED if problems else AnswerStatus.RECEIVED,
        reason=problems[0].rule if problems else "",
        problems=problems,
        text=problem_text(problems),
    )


def _of_result(result: Result, role: Role) -> tuple[Answer, ...]:
    """One answer per raw message of `role`, each with the funds that rest on it; by first mention."""
    sources: dict[str, dict[Source, None]] = {}
    funds: dict[str, list[FundState]] = {}
    resting: list[tuple[Source, FundState | None]] = [(s, None) for s in result.block.sources]
    resting += [(s, fund) for fund in result.funds for s in fund.sources]
    for source, fund in (*resting, *((s, None) for s in result.cancellations)):
        if source.author is role:
            sources.setdefault(source.raw, {})[source] = None
            shown = funds.setdefault(source.raw, [])
            if fund is not None and (not shown or shown[-1] is not fund):
                shown.append(fund)
    return tuple(
        _of_message(result, role, tuple(said), funds[raw], number)
        for number, (raw, said) in enumerate(sources.items())
    )


def _of_message(
    result: Result, role: Role, said: tuple[Source, ...], funds: list[FundState], number: int
) -> Answer:
    whole = any(source in result.block.sources for source in said)
    cancelling = all(source in result.cancellations for source in said)
    differences = result.block.differences if whole else ()
    shown = tuple(_fund_answer(fund, role, result.calculation) for fund in funds)
    parted = parting(differences)
    first = next((d.field for d in parted), next((f.reason for f in shown if f.reason), ""))
    return Answer(
        id=f"{result.id}-{number}",
        outcome=result.id,
        to=said,
        status=AnswerStatus.CANCELLED if cancelling else _status(result, role, funds, whole=whole),
        trade=result.trade,
        trade_date=result.terms.trade_date,
        reason=first,
        differences=differences,
        funds=shown,
        text=_text(result, role, differences, shown),
        calculation=result.calculation,
    )


_TRADE_ANSWER = {
    TradeStatus.UNMATCHED: AnswerStatus.UNMATCHED,
    TradeStatus.PENDING: AnswerStatus.PENDING,
    TradeStatus.DISQUALIFIED: AnswerStatus.MISMATCHED,
    TradeStatus.MATCH_AGREED: AnswerStatus.MATCHED,
    TradeStatus.CANCELLED: AnswerStatus.CANCELLED,
    TradeStatus.CANCEL_AGREED: AnswerStatus.CANCELLED,
}


def _status(result: Result, role: Role, funds: list[FundState], *, whole: bool) -> AnswerStatus:
    """A message about the block has the trade's status; one about single funds has theirs."""
    if result.requests:
        return AnswerStatus.CALCULATED
    if result.change is not None and (status := _of_change(result.change, role)) is not None:
        return status
    if result.status is TradeStatus.CANCELLED and role is not result.cancelled_by:
        return AnswerStatus.UNMATCHED
    if result.status in (TradeStatus.CANCELLED, TradeStatus.CANCEL_AGREED, TradeStatus.UNMATCHED):
        return _TRADE_ANSWER[result.status]
    if whole and result.block.status is ComponentStatus.MISMATCHED:
        return AnswerStatus.MISMATCHED
    statuses = {fund.status for fund in funds}
    if ComponentStatus.MISMATCHED in statuses:
        return AnswerStatus.FUNDS_MISMATCHED
    if whole and result.block.status is ComponentStatus.WITHIN_TOLERANCE:
        statuses.add(ComponentStatus.WITHIN_TOLERANCE)
    if whole and result.status is not TradeStatus.MATCH_AGREED:
        return _TRADE_ANSWER.get(result.status, AnswerStatus.FUNDS_MISMATCHED)
    if not whole and not (statuses and all(status.is_matched for status in statuses)):
        return AnswerStatus.PENDING
    is_equal = ComponentStatus.WITHIN_TOLERANCE not in statuses
    return AnswerStatus.MATCHED if is_equal else AnswerStatus.WITHIN_TOLERANCE


_CHANGE_ANSWER = {
    (True, True): (AnswerStatus.CANCEL_REQUESTED, AnswerStatus.CANCEL_REFUSED),
    (True, False): (AnswerStatus.CANCEL_ASKED, None),
    (False, True): (AnswerStatus.AMEND_REQUESTED, AnswerStatus.AMEND_REFUSED),
    (False, False): (AnswerStatus.AMEND_ASKED, None),
}
"""By whether all is to be cancelled, and whether the side asks itself: while it waits, and once refused."""


def _of_change(change: ChangeState, role: Role) -> AnswerStatus | None:
    """What a side hears of a change after match agreed; None where the trade's own status says it."""
    waiting, refused = _CHANGE_ANSWER[change.cancels, role is change.by]
    return refused if change.refused else waiting


def _fund_answer(fund: FundState, role: Role, calculation: Calculation | None) -> FundAnswer:
    figures = [f for f in calculation.funds if f.account == fund.account] if calculation else []
    told = [difference_text(fund.differences), *map(figures_text, figures)]
    return FundAnswer(
        account=fund.account,
        reference=fund.broker_reference if role is Role.BROKER else fund.investor_reference,
        status=fund.status,
        reason=next((d.field for d in parting(fund.differences)), ""),
        differences=fund.differences,
        text="; ".join(filter(None, told)),
    )


def _text(
    result: Result, role: Role, differences: tuple[Difference, ...], funds: tuple[FundAnswer, ...]
) -> str:
    parts = [f"trade {result.trade} {result.status}"]
    if result.change is not None:
        parts.append(change_text(result, role))
    if result.funds_total:
        parts.append(f"{result.funds_matched} of {result.funds_total} funds matched")
    if differences:
        parts.append(f"block: {difference_text(differences)}")
    parts += [f"fund {fund.account.code}: {fund.text}" for fund in funds if fund.text]
    if result.problems:
        parts.append(f"not calculated: {problem_text(result.problems)}")
    if result.candidates:
        parts.append(f"fits equally well: {', '.join(result.candidates)}; give a common reference")
    return shortened_text("; ".join(parts))
