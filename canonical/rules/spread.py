"""How what belongs to a block is divided among its funds: quantities, and charges computed on the whole."""

from enum import StrEnum

from canonical.rules.clause import Clause
from canonical.rules.figures import Units


class By(StrEnum):
    """In proportion to what a charge is spread."""

    QUANTITY = "quantity"
    GROSS = "gross"


class Remainder(StrEnum):
    """Who gets the units, or the smallest units of money, that are left when all parts are cut off."""

    LARGEST_FUND = "largest_fund"  # one fund gets all of them: that with the largest order
    LARGER_FRACTION = "larger_fraction"  # one each, by the fraction that was cut off, the largest first
    LARGER_ORDER = "larger_order"  # one each, by the size of the order
    RECEIPT = "receipt"  # one each, in the order in which the funds are named


class Spread(Clause):
    """How a charge on the block becomes the funds'. remainder: None leaves it to the contract's version."""

    by: By = By.GROSS
    remainder: Remainder | None = None


class Allocation(Clause):
    """How a block that was done in part is split: in proportion to the orders, cut to lots.

    lot: the trading unit. remainder: whose the lots are that are left.
    """

    lot: Units | None = None
    remainder: Remainder = Remainder.LARGER_FRACTION
