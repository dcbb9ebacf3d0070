"""Which fields are compared, and how, on each level. A field that a document leaves out must be equal."""

from functools import cached_property
from typing import LiteralString

from pydantic import model_validator

from canonical.problems import Rule, violation
from canonical.rules.clause import Clause
from canonical.rules.tolerance import EXACT, NOT_USED, Code, Holder, Tolerance

BLOCK_FIELDS = (
    "side",
    "instrument",
    "trade_date",
    "settlement_date",
    "quantity",
    "price",
    "currency",
    "gross",
    "venue",
    "order_format",
)
FUND_FIELDS = (
    "side",
    "instrument",
    "trade_date",
    "settlement_date",
    "quantity",
    "price",
    "currency",
    "gross",
    "commission",
    "consumption_tax",
    "fees",
    "accrued",
    "net",
)
TOTAL_FIELDS = ("gross", "commission", "consumption_tax", "net")
NUMBERS = ("quantity", "price", "gross", "commission", "consumption_tax", "accrued", "net")
"""What can match within tolerance: all else is equal or it is not. Fees stand as kinds with amounts."""


class _Compared(Clause):
    """Tolerances by field, in the order in which differences are told."""

    @model_validator(mode="after")
    def _numbers_alone_deviate(self) -> "_Compared":
        for name in type(self).model_fields:
            tolerance: Tolerance = getattr(self, name)
            if tolerance.allows_deviation and name not in NUMBERS:
                text: LiteralString = "{name} is no figure: it takes EXCT, CPOP or NUFM"
                raise violation(Rule.NOT_ALLOWED, text, name=name)
        return self

    @cached_property
    def tolerances(self) -> dict[str, Tolerance]:
        """By field, in order."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @cached_property
    def asks_for_figures(self) -> bool:
        """Whether a field must be given, so that even equal sides may lack something."""
        return any(tolerance.code is Code.CPOP for tolerance in self.tolerances.values())

    @cached_property
    def is_used(self) -> bool:
        """Whether any field is looked at."""
        return any(tolerance.code is not Code.NUFM for tolerance in self.tolerances.values())

    @cached_property
    def rests_on_calculation(self) -> bool:
        """Whether the calculated figure of a field may hold."""
        tolerances = self.tolerances.values()
        return any(one.allows_deviation and one.holds is Holder.CALCULATION for one in tolerances)


class BlockCompared(_Compared):
    """The block, of the names in BLOCK_FIELDS."""

    side: Tolerance = EXACT
    instrument: Tolerance = EXACT
    trade_date: Tolerance = EXACT
    settlement_date: Tolerance = EXACT
    quantity: Tolerance = EXACT
    price: Tolerance = EXACT
    currency: Tolerance = EXACT
    gross: Tolerance = EXACT
    venue: Tolerance = EXACT
    order_format: Tolerance = EXACT


class FundCompared(_Compared):
    """Each fund, of the names in FUND_FIELDS."""

    side: Tolerance = EXACT
    instrument: Tolerance = EXACT
    trade_date: Tolerance = EXACT
    settlement_date: Tolerance = EXACT
    quantity: Tolerance = EXACT
    price: Tolerance = EXACT
    currency: Tolerance = EXACT
    gross: Tolerance = EXACT
    commission: Tolerance = EXACT
    consumption_tax: Tolerance = EXACT
    fees: Tolerance = EXACT
    accrued: Tolerance = EXACT
    net: Tolerance = EXACT

    @model_validator(mode="after")
    def _one_holder(self) -> "FundCompared":
        money = (self.gross, self.commission, self.consumption_tax, self.accrued, self.net)
        holders = dict.fromkeys(tolerance.holds for tolerance in money if tolerance.allows_deviation)
        if len(holders) > 1:
            text: LiteralString = "the amounts of a fund add up to its net: let the same side's hold for all"
            raise violation(Rule.NOT_ALLOWED, text)
        return self


class TotalCompared(_Compared):
    """Sums over all funds, of the names in TOTAL_FIELDS: what each may be off, many together may not."""

    gross: Tolerance = NOT_USED
    commission: Tolerance = NOT_USED
    consumption_tax: Tolerance = NOT_USED
    net: Tolerance = NOT_USED


class Compare(Clause):
    """What is compared on each level."""

    block: BlockCompared = BlockCompared()
    fund: FundCompared = FundCompared()
    total: TotalCompared = TotalCompared()
