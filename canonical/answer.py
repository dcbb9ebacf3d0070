"""What one side hears about one of its messages: an outcome, seen from that side.

A format has no word for a result about two sides' messages; it has words for the status of one message,
by the reference its sender gave. An `Answer` is that, without any format in it; mappings give it its face.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from canonical.answer_status import AnswerStatus, status_of
from canonical.answer_text import (
    SEPARATOR,
    TEXT_CHARACTERS_MAX,
    alleged_text,
    calculated_texts,
    figures_text,
    problem_text,
    result_text,
    shortened_text,
    unaffirmed_text,
    worked_out,
    working_text,
)
from canonical.base import Canonical
from canonical.calculation.calculation import Calculation
from canonical.difference_words import difference_text, explained
from canonical.identifiers import FundAccount, Links, Reference
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import (
    Allegement,
    AnyOutcome,
    Difference,
    FundState,
    Receipt,
    Rejection,
    Result,
    Source,
    parting,
)
from canonical.result import Status as ComponentStatus
from canonical.trade import BlockFigures, FundFigures, Terms

__all__ = ["Answer", "AnswerStatus", "Finality", "FundAnswer", "answers"]

ID_CHARACTERS_MAX = 64


class Finality(StrEnum):
    """Whether the nodes of both sides stand behind an answer."""

    FINAL = "final"
    PROVISIONAL = "provisional"  # the other side's node was away for as long as the rules allow
    WITHDRAWN = "withdrawn"  # told as provisional before, and not confirmed: it does not hold


class _Told(Canonical):
    """Texts that tell what differs in all of a trade's funds are longer than what messages hold."""

    __pydantic_config__: ClassVar[ConfigDict] = {
        **Canonical.__pydantic_config__,
        "str_max_length": TEXT_CHARACTERS_MAX,
    }


class FundAnswer(_Told):
    """The status of one fund of the message. reason: the first field that differs; empty if none.

    unaffirmed: the figures that keep the agreed rules from affirming it; empty where they do, or have no say.
    theirs: the references of the other side's messages that it rests on.
    text_ja: the text with what differs, and why, in Japanese; empty where nothing does.
    """

    account: FundAccount
    reference: Reference | None = None
    status: ComponentStatus
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    unaffirmed: tuple[Difference, ...] = ()
    theirs: tuple[Reference, ...] = ()
    text: str = ""
    text_ja: str = ""


class FundCalculation(_Told):
    """What the agreed rules make of one fund, and in words. working: how. reference: this side's own.

    id: as an answer has one.
    """

    id: Annotated[str, Field(max_length=ID_CHARACTERS_MAX)]
    figures: FundFigures
    text: str
    working: str
    reference: Reference | None = None


class Answer(_Told):
    """One answer to one raw message, whatever number of canonical messages it said.

    id: unique per answer to one side, safe as a file name. outcome: the id of the outcome it tells.
    to: what the raw message said that is answered; the other side's messages where they are alleged.
    theirs: the references of the other side's messages that it rests on; while it asks for a change, of those
    that ask, which are to be answered.
    trade_date: of the trade, where known. terms: of what is alleged or calculated; None else.
    block, links: what is alleged; None, or none, else.
    reason: the canonical name of the first differing field, or the first problem's rule; empty if none.
    text_ja: the text with what differs, and why, in Japanese; empty where nothing does.
    summary, summary_ja: the same without the texts of the funds, for formats that tell each by itself.
    calculation: what the agreed rules make of the trade, where that is told; not to a message about funds
    alone of which they know none. calculated: of each fund.
    finality: final unless `with_finality` says otherwise; then its words stand first in every text.
    """

    id: Annotated[str, Field(max_length=ID_CHARACTERS_MAX)]
    outcome: str
    to: Annotated[tuple[Source, ...], Field(min_length=1)]
    status: AnswerStatus
    theirs: tuple[Reference, ...] = ()
    trade: str = ""
    trade_date: date | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    funds: tuple[FundAnswer, ...] = ()
    problems: tuple[Problem, ...] = ()
    text: str = ""
    text_ja: str = ""
    summary: str = ""
    summary_ja: str = ""
    calculation: Calculation | None = None
    calculated: tuple[FundCalculation, ...] = ()
    finality: Finality = Finality.FINAL
    terms: Terms | None = None
    block: BlockFigures | None = None
    links: Links = ()


def answers(outcome: AnyOutcome, role: Role) -> tuple[Answer, ...]:
    """What the side `role` hears: an answer for each of its raw messages that the outcome concerns."""
    if isinstance(outcome, Result):
        if outcome.alleged is not None and outcome.alleged.to is role:
            return (_alleged(outcome, outcome.alleged),)
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
    calculated = calculated_texts(result)
    return tuple(
        _of_message(result, role, tuple(said), funds[raw], number, calculated)
        for number, (raw, said) in enumerate(sources.items())
    )


def _of_message(
    result: Result,
    role: Role,
    said: tuple[Source, ...],
    funds: list[FundState],
    number: int,
    calculated: dict[FundAccount, list[str]],
) -> Answer:
    """calculated: what the rules make of each fund, in words."""
    whole = any(source in result.block.sources for source in said)
    cancelling = all(source in result.cancellations for source in said)
    differences = explained(result.block.differences, result.diagnosis, None) if whole else ()
    shown = tuple(_fund_answer(f, role, result, calculated.get(f.account, [])) for f in funds)
    parted, name = parting(differences), f"{result.id}-{number}"
    first = next((d.field for d in parted), next((f.reason for f in shown if f.reason), ""))
    worked = tuple(_calculated(result, shown, name, whole=whole))
    return Answer(
        id=name,
        outcome=result.id,
        to=said,
        status=AnswerStatus.CANCELLED if cancelling else status_of(result, role, funds, whole=whole),
        theirs=_references(result.block.sources, role) if whole else (),
        trade=result.trade,
        trade_date=result.terms.trade_date,
        reason=first,
        differences=differences,
        funds=shown,
        text=result_text(result, role, differences, [(f.account.code, f.text) for f in shown]),
        text_ja=_japanese(result, role, differences, shown),
        summary=result_text(result, role, differences, ()),
        summary_ja=_japanese(result, role, differences, ()),
        calculation=result.calculation if worked else None,
        calculated=worked,
        terms=result.terms if worked else None,
    )


def _references(sources: Iterable[Source], role: Role) -> tuple[Reference, ...]:
    """Those that the other side's messages go by."""
    return tuple(dict.fromkeys(source.reference for source in sources if source.author is not role))


def _calculated(
    result: Result, funds: tuple[FundAnswer, ...], answer: str, *, whole: bool
) -> Iterator[FundCalculation]:
    """Calculated figures with their working, of all funds or, to a message about some, of these.

    A fund may stand several times, at several prices.
    """
    if result.calculation is None:
        return
    references = {fund.account: fund.reference for fund in funds}
    for number, (fund, steps) in enumerate(worked_out(result.calculation), start=1):
        if whole or fund.account in references:
            yield FundCalculation(
                id=f"{answer}-c{number}",
                figures=fund,
                text=figures_text(fund),
                working=working_text(steps),
                reference=references.get(fund.account),
            )


def _alleged(result: Result, alleged: Allegement) -> Answer:
    """What the side hears that has said nothing: its only answer that is not to a message of its own."""
    return Answer(
        id=f"{result.id}-a",
        outcome=result.id,
        to=result.block.sources,
        status=AnswerStatus.ALLEGED,
        trade=result.trade,
        trade_date=result.terms.trade_date,
        text=alleged_text(result, alleged),
        terms=result.terms,
        block=alleged.block,
        links=alleged.links,
    )


def _fund_answer(fund: FundState, role: Role, result: Result, calculated: list[str]) -> FundAnswer:
    """calculated: what the rules make of it, in words."""
    differences = explained(fund.differences, result.diagnosis, fund.account.code)
    unaffirmed = explained(fund.unaffirmed, result.unaffirmed, fund.account.code)
    told = [difference_text(differences), unaffirmed_text(unaffirmed), *calculated]
    japanese = [
        difference_text(differences, japanese=True),
        unaffirmed_text(unaffirmed, japanese=True),
        *calculated,
    ]
    is_explained = any(d.explanation_ja for d in (*differences, *unaffirmed))
    return FundAnswer(
        account=fund.account,
        reference=fund.broker_reference if role is Role.BROKER else fund.investor_reference,
        status=fund.status,
        reason=next((d.field for d in parting(differences)), ""),
        differences=differences,
        unaffirmed=unaffirmed,
        theirs=_references(fund.sources, role),
        text=shortened_text(SEPARATOR.join(filter(None, told))),
        text_ja=shortened_text(SEPARATOR.join(filter(None, japanese))) if is_explained else "",
    )


def _japanese(
    result: Result, role: Role, differences: tuple[Difference, ...], funds: tuple[FundAnswer, ...]
) -> str:
    """The text with what differs, and why, in Japanese; empty where nothing does."""
    if not any(d.explanation_ja for d in differences) and not any(fund.text_ja for fund in funds):
        return ""
    told = [(fund.account.code, fund.text_ja or fund.text) for fund in funds]
    return result_text(result, role, differences, told, japanese=True)
