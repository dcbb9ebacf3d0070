"""Figures about trade confirmation, as they are printed and kept: one model for people, programs and sheets.

What each one counts stands in docs/operators/figures.md. How they are counted: node.figure_counting.
"""

import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from canonical.message import Role
from canonical.problems import Rule


class Figure(BaseModel):
    """Base of all figures: plain data, equal at whoever counts the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Figure):
    """How long something took, in seconds of ledger time; None where it never happened.

    median, p95: the smallest that half, or 95 of a hundred, do not exceed.
    """

    count: int = 0
    median_seconds: Decimal | None = None
    p95_seconds: Decimal | None = None


class Figures(Figure):
    """Of some trades. Each stands in one of the ten ways that come first: they add up to `trades`.

    disputed: the sides' nodes came to unlike results. not_final: of the others, those of which both sides'
    nodes have not attested the last result yet. change_waiting: of those agreed, how many wait for a word on
    a change. funds, funds_matched: that the contract compares. on_time, late: of those agreed. on_time_share:
    of all that were not taken back. to_match: from the second side's first message to match agreed.
    mismatches: fields of a block or a fund. amended_before, amended_after: replacements, before and after
    match; cancellations: messages. messages_refused: whole submissions.
    """

    trades: int = 0
    agreed_exactly: int = 0
    agreed_within_tolerance: int = 0
    agreed_by_calculation: int = 0
    unmatched: int = 0
    pending: int = 0
    mismatched: int = 0
    disqualified: int = 0
    cancelled: int = 0
    cancelled_after_match: int = 0
    disputed: int = 0
    not_final: int = 0
    change_waiting: int = 0
    funds: int = 0
    funds_matched: int = 0
    on_time: int = 0
    late: int = 0
    on_time_share: Decimal | None = None
    to_match: Span = Span()
    mismatches: int = 0
    amended_before_match: int = 0
    amended_after_match: int = 0
    cancellations: int = 0
    amendments_asked: int = 0
    cancellations_asked: int = 0
    changes_consented: int = 0
    changes_refused: int = 0
    changes_taken_back: int = 0
    messages_refused: int = 0


class DayFigures(Figure):
    """Of one trade date; None for messages that were refused and name none."""

    trade_date: datetime.date | None
    figures: Figures


class PairFigures(Figure):
    """Of one relationship. broker, investor: LEIs."""

    broker: str
    investor: str
    figures: Figures


class FundFigures(Figure):
    """Of one fund of an investor: in how many trades it was agreed, and how; in how many it is still open.

    mismatches: fields in which the two sides' words on it parted.
    """

    investor: str
    scheme: str
    account: str
    agreed_exactly: int = 0
    agreed_within_tolerance: int = 0
    agreed_by_calculation: int = 0
    open: int = 0
    mismatches: int = 0


class FieldFigures(Figure):
    """Mismatches of one field in one relationship. place: block or fund.

    ended_by_broker, ended_by_investor: by whose message the two came to agree; dissolved: the pair was parted
    or taken back; open: they still part. These four add up to `mismatches`.
    """

    broker: str
    investor: str
    place: str
    field: str
    mismatches: int = 0
    ended_by_broker: int = 0
    ended_by_investor: int = 0
    dissolved: int = 0
    open: int = 0


class CauseFigures(Figure):
    """Trades of a relationship that differed for a cause. kind, parts_at: of a diagnosis, empty without."""

    broker: str
    investor: str
    field: str
    kind: str
    parts_at: str
    trades: int


class RuleFigures(Figure):
    """Messages that were refused for breaking a rule. author: whose; None where the sender was no side."""

    broker: str
    investor: str
    author: Role | None
    rule: Rule
    messages: int


class CardField(Figure):
    """Mismatches of one field with a counterparty, and whose message ended them."""

    place: str
    field: str
    mismatches: int
    ended_by_counterparty: int
    ended_by_institution: int


class Card(Figure):
    """How an institution and one counterparty work together.

    response, own_response: from the other side's first message to the counterparty's, or the institution's,
    where that came second.
    """

    counterparty: str
    role: Role
    trades: int
    agreed: int
    on_time: int
    on_time_share: Decimal | None
    mismatches: int
    ended_by_counterparty: int
    ended_by_institution: int
    response: Span
    own_response: Span
    fields: tuple[CardField, ...]


class Verification(Figure):
    """What a replay of the contract from the archive comes to.

    same: the stored outcomes, and so the figures, are what the ledger gives. differing: the figures that are
    not. findings: what else is not as it must be, found: how many; not_checked: sentences.
    """

    same: bool
    differing: tuple[str, ...]
    findings: tuple[str, ...]
    found: int
    not_checked: tuple[str, ...]


class FiguresReport(Figure):
    """Everything, and what it takes to come to the same.

    network_id, root: hexadecimal; root: of the tree over the entries up to `position`, which is -1 before
    the first. time: ledger time there. contracts: ids of the contracts whose word is counted. by: until when
    a match is on time, by the clock of time_zone. institution: whose relationships alone; None for all that
    this node reads. verification: None where none was asked for.
    """

    network: str
    network_id: str
    position: int
    root: str
    time: datetime.datetime | None
    contracts: tuple[str, ...]
    time_zone: str
    by: datetime.time
    institution: str | None
    total: Figures
    days: tuple[DayFigures, ...]
    relationships: tuple[PairFigures, ...]
    funds: tuple[FundFigures, ...]
    fields: tuple[FieldFigures, ...]
    causes: tuple[CauseFigures, ...]
    rules: tuple[RuleFigures, ...]
    cards: tuple[Card, ...]
    verification: Verification | None = None
