"""What a contract says, and the rejection of what it refuses.

One `Result` for each trade that a ledger entry changed, and one `Receipt` or `Rejection` for the entry
itself. The same ledger gives the same results with the same ids at every entitled node.
"""

import hashlib
from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from canonical.base import Canonical, Term
from canonical.calculation.calculation import Calculation
from canonical.diagnosis.cause import Diagnosis
from canonical.identifiers import FundAccount, Lei, Links, Reference
from canonical.message import Kind, Role
from canonical.problems import Problem
from canonical.rules.tolerance import Tolerance
from canonical.trade import BlockFigures, Terms

ResultId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Status(Term):
    """Status of a block or of a fund (the industry's four letters)."""

    UNMATCHED = "NMAT"
    MISMATCHED = "MISM"
    MATCHED = "MACH"
    WITHIN_TOLERANCE = "MTOL"  # ours: matched, though not every figure is equal

    @property
    def is_matched(self) -> bool:
        """Whether the two sides agree."""
        return self in _MATCHED


_MATCHED = (Status.MATCHED, Status.WITHIN_TOLERANCE)


class TradeStatus(Term):
    """Status of a whole trade."""

    UNMATCHED = "NMAT"  # no counterpart
    PENDING = "PEND"  # paired; block or funds still missing
    MISMATCHED = "MISM"
    DISQUALIFIED = "DISQ"  # the broker's funds do not add up to the block
    MATCH_AGREED = "MAGR"
    CANCELLED = "CANC"  # one side took its message back before match
    CHANGE_REQUESTED = "CREQ"  # agreed, and one side asks for a change that needs the other
    CANCEL_AGREED = "CANA"  # both sides took it back after match


class Difference(Canonical):
    """One field in which the two sides are unlike. A value is empty where the side has none.

    tolerance: what was allowed; None where they had to be equal. within: they match all the same; holds: the
    figure that counts then. calculated_for: the side that has stated no figure, for which the shared
    calculation speaks. explanation, explanation_ja: why they are unlike, in English and Japanese; only what a
    side hears has them.
    """

    field: str
    broker: str
    investor: str
    tolerance: Tolerance | None = None
    within: bool = False
    holds: str = ""
    calculated_for: Role | None = None
    explanation: str = ""
    explanation_ja: str = ""


def parting(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Those in which the sides do not match."""
    return tuple(difference for difference in differences if not difference.within)


class Source(Canonical):
    """A message by its author's words. raw: SHA-256 of the raw bytes that said it."""

    author: Role
    kind: Kind
    reference: Reference
    raw: str


class BlockState(Canonical):
    """The block: its status, the differences, and the messages it rests on."""

    status: Status
    differences: tuple[Difference, ...] = ()
    sources: tuple[Source, ...] = ()


class FundState(Canonical):
    """One fund: its status, the differences, and the messages it rests on.

    unaffirmed: the broker's figures that the agreed rules do not come to, where they would affirm the fund
    for the investor otherwise: it waits for the investor's word.
    broker_reference, investor_reference: each side's own reference of this part, where it gave one.
    """

    account: FundAccount
    status: Status
    differences: tuple[Difference, ...] = ()
    unaffirmed: tuple[Difference, ...] = ()
    sources: tuple[Source, ...] = ()
    broker_reference: Reference | None = None
    investor_reference: Reference | None = None


class ChangeState(Canonical):
    """What one side asks for after match agreed, and what has become of it.

    by: the side that asks. cancels: whether it takes back all that it had said; else it replaces or takes
    back a part. refused: the other side has said no.
    """

    by: Role
    cancels: bool
    refused: bool = False


class Deadline(Canonical):
    """A deadline of the trade date, by the network's clock. number: which of so many, from 1."""

    at: time
    number: Annotated[int, Field(ge=1)]
    of: Annotated[int, Field(ge=1)]


class Allegement(Canonical):
    """What the side that has said nothing yet hears of the other's: all that it needs to answer.

    block: None where the other side has not stated its block.
    """

    to: Role
    block: BlockFigures | None = None
    links: Links = ()


class Outcome(Canonical):
    """What all outcomes carry.

    position: the ledger position of the entry that caused it. contract: the id of the code that said it.
    """

    id: ResultId
    position: Annotated[int, Field(ge=0)]
    contract: str
    broker: Lei
    investor: Lei


class Receipt(Outcome):
    """The entry is ordered and accepted: the first answer to its sender."""

    kind: Literal["receipt"] = "receipt"
    to: Role
    sources: tuple[Source, ...]
    trade_date: date | None = None


class Rejection(Outcome):
    """The entry is refused, whole, with all that is wrong. to: None where the sender is no side of it."""

    kind: Literal["rejection"] = "rejection"
    to: Role | None = None
    sources: tuple[Source, ...]
    trade_date: date | None = None
    problems: tuple[Problem, ...]


class Result(Outcome):
    """The status of a trade has changed. funds: those whose status or differences changed; all when agreed.

    candidates: trades of the other side that fit equally well, where none was chosen.
    cancelled_by: the side that took its messages back; None unless the status is cancelled.
    cancellations: what took back all or, where the status is another, a part of what a side had said.
    change: what is asked for after match agreed, or has just been refused.
    calculation: what the agreed rules make of the trade, where a side has asked, or the rules tell it.
    requests: what has asked for it. problems: why the rules make nothing of it, though they should.
    deadline: at which it is told again, with the funds that are open; None where the status has changed.
    alleged: what the side without a message hears; None where it has one, or is not to hear yet.
    diagnosis: why the sides differ, where they do.
    unaffirmed: why the broker's figures and the calculation do, where the rules would affirm otherwise.
    """

    kind: Literal["result"] = "result"
    trade: str
    status: TradeStatus
    terms: Terms
    block: BlockState
    funds: tuple[FundState, ...] = ()
    funds_matched: Annotated[int, Field(ge=0)] = 0
    funds_total: Annotated[int, Field(ge=0)] = 0
    candidates: tuple[str, ...] = ()
    cancelled_by: Role | None = None
    cancellations: tuple[Source, ...] = ()
    change: ChangeState | None = None
    calculation: Calculation | None = None
    requests: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()
    deadline: Deadline | None = None
    alleged: Allegement | None = None
    diagnosis: Diagnosis | None = None
    unaffirmed: Diagnosis | None = None


AnyOutcome = Annotated[Receipt | Rejection | Result, Field(discriminator="kind")]
OUTCOME: TypeAdapter[AnyOutcome] = TypeAdapter(AnyOutcome)


def result_id(contract: str, position: int, subject: str) -> str:
    """The id of what `contract` says about `subject` because of the entry at `position`."""
    text = f"yakujo result 1\n{contract}\n{position}\n{subject}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
