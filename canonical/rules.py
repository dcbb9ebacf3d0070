"""What the two sides of a relationship have agreed for comparing their figures."""

from typing import Annotated

from pydantic import AfterValidator

from canonical.base import Canonical
from canonical.problems import Rule, violation

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


def _known(known: tuple[str, ...]) -> AfterValidator:
    """A check that each name is one of `known`: a misspelt field would never be compared."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in known:
                raise violation(Rule.UNKNOWN_CODE, "{name} is no field that is compared", name=name)
        return names

    return AfterValidator(check)


class Rules(Canonical):
    """The fields that must be equal, block and fund, in the order in which differences are told."""

    block_fields: Annotated[tuple[str, ...], _known(BLOCK_FIELDS)] = BLOCK_FIELDS
    fund_fields: Annotated[tuple[str, ...], _known(FUND_FIELDS)] = FUND_FIELDS
