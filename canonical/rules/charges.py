"""Commission, consumption tax and other fees, as tables that both sides have signed."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, LiteralString

from pydantic import Field, model_validator

from canonical.amounts import FeeKind
from canonical.identifiers import Mic
from canonical.problems import Rule, violation
from canonical.rules.clause import Clause
from canonical.rules.figures import Amount, Fraction, Percent, PerUnit
from canonical.rules.rounding import Mode
from canonical.rules.spread import Spread
from canonical.trade import OrderFormat, Side

BANDS_MAX = 50
TARIFFS_MAX = 100
TAX_RATES_MAX = 20
FEES_MAX = 20


class Level(StrEnum):
    """On what a charge is computed."""

    FUND = "fund"  # on each fund's own amount
    BLOCK = "block"  # on the whole, and then spread


class Bands(StrEnum):
    """What the band of an amount is applied to."""

    WHOLE = "whole"  # the amount's band, to all of it
    MARGINAL = "marginal"  # each band to the part of the amount that lies in it


class Discounted(StrEnum):
    """When a discount is taken off."""

    LAST = "last"  # off what minimum and maximum have left: less than the minimum can be paid
    FIRST = "first"  # off what the bands give: nobody pays less than the minimum


class Band(Clause):
    """What is charged from an amount on. Of rate, per_share and flat one or several, which add up.

    above: the band begins above this gross amount, which itself is in the band below (Japan's tables say
    超 and 以下: jia-sec.co.jp/charge.html); the first one's is 0. rate: of the gross amount. per_share: for
    each unit. flat: once.
    """

    above: Amount = Decimal(0)
    rate: Fraction = Decimal(0)
    per_share: PerUnit = Decimal(0)
    flat: Amount = Decimal(0)


class Tariff(Clause):
    """The commission of one kind of order. order_format, venue: which orders it is for; None for any.

    minimum, maximum: of the commission, on its level. discount_percent: off it. discounted: before or after
    minimum and maximum; a published table has the minimum hold after the discount (naito-sec.co.jp).
    """

    order_format: OrderFormat | None = None
    venue: Mic | None = None
    applied: Bands = Bands.WHOLE
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=BANDS_MAX)]
    minimum: Amount | None = None
    maximum: Amount | None = None
    discount_percent: Percent = Decimal(0)
    discounted: Discounted = Discounted.LAST

    @model_validator(mode="after")
    def _orderly(self) -> "Tariff":
        starts = [band.above for band in self.bands]
        if starts[0] != 0 or starts != sorted(set(starts)):
            text: LiteralString = "bands begin above 0 and rise: sort them"
            raise violation(Rule.STRUCTURE, text)
        if self.applied is Bands.MARGINAL and any(band.per_share or band.flat for band in self.bands):
            text = "a marginal band has a rate alone: no part of a share lies in a band"
            raise violation(Rule.NOT_ALLOWED, text)
        _assert_limits(self.minimum, self.maximum)
        if self.discount_percent > 100:  # noqa: PLR2004 - a hundred percent
            text = "a discount is at most 100 percent"
            raise violation(Rule.OUT_OF_RANGE, text)
        return self


def _assert_limits(minimum: Decimal | None, maximum: Decimal | None) -> None:
    if minimum is not None and maximum is not None and minimum > maximum:
        raise violation(Rule.OUT_OF_RANGE, "the minimum is more than the maximum: exchange the two")


class Commission(Clause):
    """tariffs: the first that fits an order holds; where none does, nothing can be calculated."""

    level: Level = Level.FUND
    rounding: Mode = Mode.DOWN
    spread: Spread = Spread()
    tariffs: Annotated[tuple[Tariff, ...], Field(min_length=1, max_length=TARIFFS_MAX)]


class TaxRate(Clause):
    """since: the first trade date that it is for."""

    since: date
    rate: Fraction


_JAPAN = (  # Consumption Tax Act; local consumption tax included
    TaxRate(since=date(1989, 4, 1), rate=Decimal("0.03")),
    TaxRate(since=date(1997, 4, 1), rate=Decimal("0.05")),
    TaxRate(since=date(2014, 4, 1), rate=Decimal("0.08")),
    TaxRate(since=date(2019, 10, 1), rate=Decimal("0.10")),
)


class ConsumptionTax(Clause):
    """On commission and, where `on_fees` says so, on the other fees. rates: by trade date, oldest first."""

    level: Level = Level.FUND
    rounding: Mode = Mode.DOWN
    spread: Spread = Spread()
    on_fees: bool = False
    rates: Annotated[tuple[TaxRate, ...], Field(min_length=1, max_length=TAX_RATES_MAX)] = _JAPAN

    @model_validator(mode="after")
    def _orderly(self) -> "ConsumptionTax":
        days = [rate.since for rate in self.rates]
        if days != sorted(set(days)):
            raise violation(Rule.STRUCTURE, "tax rates follow one another by date: sort them")
        return self


class FeeRule(Clause):
    """One fee besides commission and consumption tax. side: of the trades it is for; None for both.

    What rate, per_share and flat give adds up; minimum and maximum hold for the sum.
    """

    kind: FeeKind
    side: Side | None = None
    level: Level = Level.FUND
    rate: Fraction = Decimal(0)
    per_share: PerUnit = Decimal(0)
    flat: Amount = Decimal(0)
    minimum: Amount | None = None
    maximum: Amount | None = None
    rounding: Mode = Mode.DOWN
    spread: Spread = Spread()

    @model_validator(mode="after")
    def _orderly(self) -> "FeeRule":
        _assert_limits(self.minimum, self.maximum)
        return self


FeeRules = Annotated[tuple[FeeRule, ...], Field(max_length=FEES_MAX)]
