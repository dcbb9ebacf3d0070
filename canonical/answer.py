"""What one side hears about one of its messages: an outcome, seen from that side.

A format has no word for a result about two sides' messages; it has words for the status of one message,
by the reference its sender gave. An `Answer` is that, without any format in it; mappings give it its face.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.base import Canonical
from canonical.identifiers import FundAccount, Reference
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import (
    AnyOutcome,
    Difference,
    FundState,
    Receipt,
    Rejection,
    Result,
    Source,
    TradeStatus,
)
from canonical.result import Status as ComponentStatus

TEXT_CHARACTERS_MAX = 1000


class AnswerStatus(StrEnum):
    """What the sender learns, first to last."""

    RECEIVED = "received"
    REFUSED = "refused"
    PENDING = "pending"  # paired and so far equal; parts are missing
    MISMATCHED = "mismatched"  # the block differs
    FUNDS_MISMATCHED = "funds_mismatched"  # the block agrees, funds differ
    MATCHED = "matched"
    UNMATCHED = "unmatched"  # no counterpart (any more)
    CANCELLED = "cancelled"


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
    """

    id: Annotated[str, Field(max_length=64)]
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


def answers(outcome: AnyOutcome, role: Role) -> tuple[Answer, ...]:
    """What the side `role` hears: an answer for each of its raw messages that the outcome concerns."""
    if isinstance(outcome, Result):
        return _of_result(outcome, role)
    return (_of_entry(outcome),) if outcome.to is role else ()


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
    shown = tuple(_fund_answer(fund, role) for fund in funds)
    first = next((d.field for d in differences), next((f.reason for f in shown if f.reason), ""))
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
        text=_text(result, differences, shown),
    )


_TRADE_ANSWER = {
    TradeStatus.UNMATCHED: AnswerStatus.UNMATCHED,
    TradeStatus.PENDING: AnswerStatus.PENDING,
    TradeStatus.DISQUALIFIED: AnswerStatus.MISMATCHED,
    TradeStatus.MATCH_AGREED: AnswerStatus.MATCHED,
    TradeStatus.CANCELLED: AnswerStatus.CANCELLED,
}


def _status(result: Result, role: Role, funds: list[FundState], *, whole: bool) -> AnswerStatus:
    """A message about the block has the trade's status; one about single funds has theirs."""
    if result.status is TradeStatus.CANCELLED and role is not result.cancelled_by:
        return AnswerStatus.UNMATCHED
    if result.status in (TradeStatus.CANCELLED, TradeStatus.UNMATCHED):
        return _TRADE_ANSWER[result.status]
    if whole and result.block.status is ComponentStatus.MISMATCHED:
        return AnswerStatus.MISMATCHED
    statuses = {fund.status for fund in funds}
    if ComponentStatus.MISMATCHED in statuses:
        return AnswerStatus.FUNDS_MISMATCHED
    if whole:
        return _TRADE_ANSWER.get(result.status, AnswerStatus.FUNDS_MISMATCHED)
    return AnswerStatus.MATCHED if statuses == {ComponentStatus.MATCHED} else AnswerStatus.PENDING


def _fund_answer(fund: FundState, role: Role) -> FundAnswer:
    return FundAnswer(
        account=fund.account,
        reference=fund.broker_reference if role is Role.BROKER else fund.investor_reference,
        status=fund.status,
        reason=fund.differences[0].field if fund.differences else "",
        differences=fund.differences,
        text=difference_text(fund.differences),
    )


def difference_text(differences: tuple[Difference, ...]) -> str:
    """The differences in words: "commission: broker 56910, investor 56900"."""
    parts = [f"{d.field}: broker {d.broker or 'none'}, investor {d.investor or 'none'}" for d in differences]
    return "; ".join(parts)


def problem_text(problems: tuple[Problem, ...]) -> str:
    """The problems in words, shortened to what text fields of formats hold."""
    parts = [f"{p.field}: {p.text}" + (f" (was: {p.value})" if p.value else "") for p in problems]
    return _shortened("; ".join(parts))


def _text(result: Result, differences: tuple[Difference, ...], funds: tuple[FundAnswer, ...]) -> str:
    parts = [f"trade {result.trade} {result.status}"]
    if result.funds_total:
        parts.append(f"{result.funds_matched} of {result.funds_total} funds matched")
    if differences:
        parts.append(f"block: {difference_text(differences)}")
    parts += [f"fund {fund.account.code}: {fund.text}" for fund in funds if fund.text]
    if result.candidates:
        parts.append(f"fits equally well: {', '.join(result.candidates)}; give a common reference")
    return _shortened("; ".join(parts))


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - 1] + "…"
