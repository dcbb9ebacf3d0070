"""What the two sides of a relationship have agreed, signed by both: one document, versioned by trade date.

    compare          which fields, on which level, with which tolerance, and whose figure then holds
    average_price, gross, commission, consumption_tax, fees, settlement       the shared calculation
    allocation       how a block is split among funds
    agreeing         who must say what before a trade is agreed
    deadlines        when what is open is told again

What a document leaves out has the value that stands here: everything compared exactly, nothing calculated.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.rules.charges import Commission, ConsumptionTax, FeeRules
from canonical.rules.clause import Clause
from canonical.rules.compared import BLOCK_FIELDS, FUND_FIELDS, NUMBERS, TOTAL_FIELDS, Compare
from canonical.rules.rounding import Mode, PriceRounding
from canonical.rules.spread import Allocation
from canonical.rules.timetable import Deadlines, Settlement
from canonical.rules.tolerance import Tolerance

__all__ = [
    "BLOCK_FIELDS",
    "FUND_FIELDS",
    "NUMBERS",
    "TOTAL_FIELDS",
    "Agreeing",
    "Resolution",
    "Rules",
    "Tolerance",
    "Way",
]

PROVISIONAL_AFTER_SECONDS_MAX = 86_400  # a day: what nobody confirms for longer is a matter for people


class Way(StrEnum):
    """How the two sides come to agree (Japan's ISUP and IDEL; affirmation; NISP)."""

    CENTRAL_MATCHING = "central_matching"  # both calculate, the contract compares; an affirmation does too
    AFFIRMATION = "affirmation"  # the broker confirms, the investor affirms
    LOCAL_MATCHING = "local_matching"  # the investor compares in a system of its own, and affirms


class Resolution(StrEnum):
    """What the contract does about a difference that a convention explains."""

    TELL = "tell"  # say what it is
    PROPOSE = "propose"  # and what the figures are by these rules: either side adopts them with one message


class Agreeing(Clause):
    """Who must say what.

    auto_affirm: a confirmation that the shared calculation reproduces is affirmed without the investor.
    confirm_by_calculation: the shared calculation confirms for the broker, once block and allocation match.
    resolve: what happens about a difference.
    """

    way: Way = Way.CENTRAL_MATCHING
    auto_affirm: bool = False
    confirm_by_calculation: bool = False
    resolve: Resolution = Resolution.TELL


class Rules(Clause):
    """What one relationship has agreed.

    gross: how quantity times price becomes money of the currency's minor units. commission: None where the
    sides have no table in common: nothing can be calculated then.
    provisional_after_seconds: how long a result waits for the other side's node before it is told as
    provisional, from 1 to 86,400; None: it waits for as long as that node is away.
    """

    agreeing: Agreeing = Agreeing()
    compare: Compare = Compare()
    average_price: PriceRounding = PriceRounding()
    gross: Mode = Mode.DOWN
    allocation: Allocation = Allocation()
    commission: Commission | None = None
    consumption_tax: ConsumptionTax = ConsumptionTax()
    fees: FeeRules = ()
    settlement: Settlement = Settlement()
    deadlines: Deadlines = Deadlines()
    provisional_after_seconds: Annotated[int, Field(ge=1, le=PROVISIONAL_AFTER_SECONDS_MAX)] | None = None

    def on(self, trade_date: date) -> "Rules":  # noqa: ARG002 - as versions of rules have it
        """These rules, for whatever trade date: see canonical.rules.versions."""
        return self
