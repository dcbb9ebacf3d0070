"""What the two sides of a relationship have agreed: what is compared, and how long a result waits."""

from typing import Annotated

from pydantic import AfterValidator, Field

from canonical.base import Canonical
from canonical.problems import Rule, violation

PROVISIONAL_AFTER_SECONDS_MAX = 86_400  # a day: what nobody confirms for longer is a matter for people

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
    """What one relationship has agreed.

    block_fields, fund_fields: what must be equal, in the order in which differences are told.
    provisional_after_seconds: how long a result waits for the other side's node before it is told as
    provisional, from 1 to 86,400; None: it waits for as long as that node is away.
    """

    block_fields: Annotated[tuple[str, ...], _known(BLOCK_FIELDS)] = BLOCK_FIELDS
    fund_fields: Annotated[tuple[str, ...], _known(FUND_FIELDS)] = FUND_FIELDS
    provisional_after_seconds: Annotated[int, Field(ge=1, le=PROVISIONAL_AFTER_SECONDS_MAX)] | None = None
