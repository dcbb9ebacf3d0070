"""What figures need of outcomes, and nothing else of them: read many times faster than whole ones."""

import datetime
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter

from canonical.message import Kind, Role
from canonical.problems import Rule
from canonical.result import Status, TradeStatus


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Word(_Part):
    """A message: whose, of what kind, how it is called."""

    author: Role
    kind: Kind
    reference: str


class Unlike(_Part):
    """A field in which the two sides are unlike."""

    field: str
    within: bool = False


class Account(_Part):
    """An account of a fund."""

    code: str
    scheme: str


class Block(_Part):
    """The block of a trade."""

    status: Status
    differences: tuple[Unlike, ...] = ()
    sources: tuple[Word, ...] = ()


class Fund(_Part):
    """One fund of a trade."""

    account: Account
    status: Status
    differences: tuple[Unlike, ...] = ()
    sources: tuple[Word, ...] = ()


class Change(_Part):
    """What is asked for after match agreed."""

    by: Role
    cancels: bool
    refused: bool = False


class Terms(_Part):
    """The day of a trade."""

    trade_date: datetime.date


class Diagnosed(_Part):
    """One cause of a diagnosis."""

    field: str
    kind: str
    parts_at: str = ""


class Diagnosis(_Part):
    """Why two sides differ."""

    causes: tuple[Diagnosed, ...]


class Calculated(_Part):
    """That a calculation is there."""


class Told(_Part):
    """A result. requests: what has asked for a calculation, where it tells nothing else."""

    contract: str
    broker: str
    investor: str
    trade: str
    status: TradeStatus
    terms: Terms
    block: Block
    funds: tuple[Fund, ...] = ()
    funds_matched: int = 0
    funds_total: int = 0
    cancelled_by: Role | None = None
    change: Change | None = None
    calculation: Calculated | None = None
    requests: tuple[Word, ...] = ()
    diagnosis: Diagnosis | None = None

    def words(self) -> Iterator[Word]:
        """The messages that it rests on."""
        yield from self.block.sources
        for fund in self.funds:
            yield from fund.sources


class Broken(_Part):
    """A rule that was broken."""

    rule: Rule


class Answered(_Part):
    """A receipt or a rejection. to: the sender's side, None where it has none."""

    contract: str
    kind: str
    broker: str
    investor: str
    to: Role | None = None
    sources: tuple[Word, ...]
    trade_date: datetime.date | None = None
    problems: tuple[Broken, ...] = ()


TOLD: TypeAdapter[Told] = TypeAdapter(Told)
ANSWERED: TypeAdapter[Answered] = TypeAdapter(Answered)


class Cause(NamedTuple):
    """Why a trade differs. kind, parts_at: of a diagnosis; empty without one."""

    field: str
    kind: str = ""
    parts_at: str = ""


def cause_of(result: Told) -> tuple[Cause, ...]:
    """Why a trade differs, each cause once: by its diagnosis, else the fields in which the sides part."""
    if result.diagnosis is not None:
        found = (Cause(one.field, one.kind, one.parts_at) for one in result.diagnosis.causes)
    else:
        unlike = (*result.block.differences, *(d for fund in result.funds for d in fund.differences))
        found = (Cause(one.field) for one in unlike if not one.within)
    return tuple(dict.fromkeys(found))
