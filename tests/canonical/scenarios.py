"""Scenarios of tests/golden/contract: who says what and what both hear; README.md there tells how."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from trades import BROKER, INVESTOR, MORNING, STRANGER, TOKYO, Replica, message, submission

from canonical.amounts import plain
from canonical.answer import answers
from canonical.calendar import Calendar
from canonical.diagnosis.english import in_english
from canonical.message import Role
from canonical.result import AnyOutcome, BlockState, Difference, FundState, Rejection, Result
from canonical.rules import Rules
from canonical.submission import Submission
from canonical.trade import FundFigures

FOLDER = Path(__file__).parent.parent / "golden" / "contract"
SENDERS = {"broker": BROKER, "investor": INVESTOR, "stranger": STRANGER}


@dataclass(frozen=True)
class Step:
    """One entry and what is expected of it. time: of the ledger."""

    submission: Submission
    expected: dict[str, Any]
    time: datetime

    def apply(self, replica: Replica) -> tuple[AnyOutcome, ...]:
        """What a replica says to it."""
        replica.time = self.time
        return replica.apply(self.submission)


def steps(path: Path) -> list[Step]:
    """The steps of a scenario."""
    found, now = list[Step](), MORNING
    for step in tomllib.loads(path.read_text())["step"]:
        now = _later(now, step.pop("time", None))
        sender = next(name for name in SENDERS if name in step)
        said = [message(words) for words in step.pop(sender)]
        found.append(Step(submission(SENDERS[sender], *said, raw=step.pop("raw", "")), step, now))
    return found


def _later(now: datetime, given: time | datetime | None) -> datetime:
    """The time of a step: as given, of the same day or another; else that of the step before."""
    if isinstance(given, time):
        return datetime.combine(now.date(), given, TOKYO)
    return given.replace(tzinfo=TOKYO) if given is not None else now


def rules_of(path: Path) -> Rules:
    """What the two sides of a scenario have agreed."""
    document = tomllib.loads(path.read_text(), parse_float=Decimal)
    return Rules.model_validate(document.get("rules", {}))


def calendars_of(path: Path) -> tuple[Calendar, ...]:
    """The master data of a scenario: what is closed in 2026; none where it does not say."""
    closed = tomllib.loads(path.read_text()).get("closed")
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    return () if closed is None else (Calendar(name="JPX", first=first, last=last, closed=tuple(closed)),)


def replica_of(path: Path, *, stored: bool = False) -> Replica:
    """A replica that has applied nothing of a scenario yet."""
    return Replica(stored=stored, rules=rules_of(path), calendars=calendars_of(path))


def actual(outcomes: tuple[AnyOutcome, ...]) -> dict[str, Any]:
    """What the contract said, in the words of a scenario."""
    found: dict[str, Any] = {}
    first = outcomes[0] if outcomes else None
    if isinstance(first, Rejection):
        found["refused"] = [f"{problem.rule} {problem.field}" for problem in first.problems]
    results = [_result(each) for each in outcomes if isinstance(each, Result)]
    if results:
        found["results"] = results
    for role in Role:
        heard = [a for each in outcomes if isinstance(each, Result) for a in answers(each, role)]
        if heard:
            found[f"{role}_hears"] = [f"{'+'.join(s.reference for s in a.to)} {a.status}" for a in heard]
    return found


def _result(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {"status": result.status.value, "block": _block(result.block)}
    if result.funds:
        found["funds"] = [_fund(fund) for fund in result.funds]
    if result.funds_total:
        found["matched"] = f"{result.funds_matched} of {result.funds_total}"
    if result.candidates:
        found["candidates"] = len(result.candidates)
    if result.deadline:
        found["deadline"] = f"{result.deadline.at} {result.deadline.number}/{result.deadline.of}"
    if result.alleged:
        found["alleged_to"] = result.alleged.to.value
    found |= _calculation(result)
    if result.problems:
        found["not_calculated"] = [f"{problem.rule} {problem.field}" for problem in result.problems]
    if result.cancelled_by:
        found["cancelled_by"] = result.cancelled_by.value
    return found


def _calculation(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if result.calculation:
        found["calculation"] = [_calculated(fund) for fund in result.calculation.funds]
    if result.calculation and result.calculation.settlement_date:
        found["settles"] = result.calculation.settlement_date
    if result.diagnosis and (cause := result.diagnosis.cause_of("settlement_date", None)):
        found["settlement"] = in_english(cause)
    return found


def _calculated(fund: FundFigures) -> str:
    amounts = (fund.commission.amount, fund.consumption_tax.amount, fund.net.amount)
    return f"{fund.account.code} {' '.join(map(plain, amounts))}"


def _block(block: BlockState) -> str:
    return _with_differences(block.status.value, block.differences)


def _fund(fund: FundState) -> str:
    return _with_differences(f"{fund.account.code} {fund.status}", fund.differences)


def _with_differences(text: str, differences: tuple[Difference, ...]) -> str:
    return f"{text}: {', '.join(map(_difference, differences))}" if differences else text


def _difference(found: Difference) -> str:
    holds = f" {found.holds} holds" if found.within else ""
    return f"{found.field} {found.broker or '-'}/{found.investor or '-'}{holds}"


def run(path: Path, replica: Replica) -> list[dict[str, Any]]:
    """What a replica says to each step."""
    return [actual(step.apply(replica)) for step in steps(path)]
