"""What a diagnosis says, as data: why two sides' figures differ. Words are made of it when it is told."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.amounts import FeeKind
from canonical.base import Canonical

FIGURES = ("quantity", "price", "gross", "commission", "consumption_tax", "fees", "accrued", "net")
"""The fields that are numbers."""

ACCOUNTS_NAMED_MAX = 100
CAUSES_MAX = 60
CHOICES_MAX = 6
CONVENTIONS_NAMED_MAX = 3
CLOSED_NAMED_MAX = 20  # no ten business days have more holidays among them


class Kind(StrEnum):
    """What kind of cause it is."""

    EXPLAINED = "explained"  # a convention reproduces each side's figure, and the two are different ones
    FOLLOWS = "follows"  # one convention reproduces both, each from figures that differ before
    EXCHANGED = "exchanged"  # each of two funds has the other's figure
    STATED = "stated"  # each side says another thing, and nothing is computed: a side, a security, a fund
    UNEXPLAINED = "unexplained"  # no convention reproduces the figure of at least one side
    NOT_COMPUTED = "not_computed"  # the rules, or what a side gives, are not enough to compute the figure


class Aspect(StrEnum):
    """In what conventions can differ. Beside each the values that a choice has.

    In the order of the chain of computation: the first in which two conventions differ is where they part.
    """

    ENTRY = "entry"  # as_given, transposed: two digits that stand side by side have changed places
    TIMES = "times"  # 1; 2: booked twice
    UNIT = "unit"  # 1; 100, 1000: in lots, in thousands; 0.01: written without its decimal point
    DAYS = "days"  # 0 to 10, from trade to settlement
    CALENDAR = "calendar"  # business_days, weekdays: holidays are not observed, all_days
    PRICE = "price"  # rounded, unrounded: of what an amount is computed
    CHARGED = "charged"  # yes, no, in_commission; other_side: as for the other side of the trade
    TARIFF = "tariff"  # order format and market, such as "algorithmic XTKS"; "any" for each that is not named
    RATE = "rate"  # a part of one
    BASE = "base"  # gross, sum_of_funds, unrounded; commission, commission_and_fees, unrounded_commission
    BANDS = "bands"  # whole, marginal
    BAND = "band"  # own, lower, higher; of_block: the block's; on_border: a border's amount in the higher
    MINIMUM = "minimum"  # applied, none; of_block: the funds have none, the block has
    MAXIMUM = "maximum"  # applied, none
    DISCOUNT = "discount"  # applied, none
    DISCOUNTED = "discounted"  # first, last: before or after minimum and maximum
    TAX = "tax"  # added, included: the commission holds its tax; taken_out: the rate holds it
    LEVEL = "level"  # fund, block
    DECIMALS = "decimals"
    ROUNDING = "rounding"  # the modes of canonical/rules/rounding.py
    SPREAD_BY = "spread_by"  # quantity, gross
    REMAINDER = "remainder"  # those of canonical/rules/spread.py
    PARTS = "parts"  # all; without_tax, without_fees, without_commission, without_accrued, gross_alone
    SIGN = "sign"  # own, reversed: charges are added to a sale, or taken off a purchase


CHAIN = tuple(Aspect)


class Choice(Canonical):
    """One aspect, and how a side does it. agreed: as the rules of the relationship say."""

    agreed: bool
    aspect: Aspect
    value: str


class Convention(Canonical):
    """One way to compute a figure: its choices where it departs from the rules or from the other side's.

    Without choices it is what the rules say.
    """

    choices: Annotated[tuple[Choice, ...], Field(max_length=CHOICES_MAX)] = ()


class View(Canonical):
    """One side's figure. figure: in the first fund of the cause; empty where the side gives none.

    conventions: those that reproduce its figures, the most customary first; arithmetically they are equal.
    others: how many more do.
    """

    figure: str
    conventions: Annotated[tuple[Convention, ...], Field(max_length=CONVENTIONS_NAMED_MAX)] = ()
    others: Annotated[int, Field(ge=0)] = 0


class Cause(Canonical):
    """Why one field differs. field: of the names in canonical/rules/compared.py, or "account".

    block: whether it differs in the block. accounts: the funds in which it does for this reason, in order.
    more_accounts: how many more there are. fee: which, where the field is "fees". currency: of an amount.
    parts_at: the first step at which the two sides part. follows: the fields before it that explain it.
    closed: of settlement dates that one side counts without holidays, the holidays in question.
    """

    kind: Kind
    field: str
    block: bool = False
    accounts: Annotated[tuple[str, ...], Field(max_length=ACCOUNTS_NAMED_MAX)] = ()
    more_accounts: Annotated[int, Field(ge=0)] = 0
    fee: FeeKind | None = None
    currency: str | None = None
    broker: View
    investor: View
    parts_at: Aspect | None = None
    follows: tuple[str, ...] = ()
    closed: Annotated[tuple[date, ...], Field(max_length=CLOSED_NAMED_MAX)] = ()


class Diagnosis(Canonical):
    """The causes in the order of the chain of computation: the first is where the two sides part first.

    more_causes: how many were left out. funds, funds_looked_at: of those that either side names.
    """

    causes: Annotated[tuple[Cause, ...], Field(min_length=1, max_length=CAUSES_MAX)]
    more_causes: Annotated[int, Field(ge=0)] = 0
    funds: Annotated[int, Field(ge=0)]
    funds_looked_at: Annotated[int, Field(ge=0)]

    def cause_of(self, field: str, account: str | None) -> Cause | None:
        """The first cause of one difference; account: None for the block."""
        return next(iter(self.causes_of(field, account)), None)

    def causes_of(self, field: str, account: str | None) -> tuple[Cause, ...]:
        """All of them: of fees there is one for each kind."""
        return tuple(
            cause
            for cause in self.causes
            if cause.field == field and (cause.block if account is None else account in cause.accounts)
        )
