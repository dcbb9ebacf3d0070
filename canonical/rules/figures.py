"""Figures in rules: Decimal as everywhere, in documents also written as whole numbers or as text."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from canonical.amounts import Exact
from canonical.problems import Rule, violation


def _decimal(value: Any, info: ValidationInfo) -> Any:
    """What a document gives, as a Decimal. No TOML float comes here: it is read with parse_float=Decimal."""
    if info.mode == "json" or type(value) not in (int, str):
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        return value


def _part_of_one(value: Decimal) -> Decimal:
    if value > 1:
        raise violation(
            Rule.OUT_OF_RANGE, "a rate is a part of one: 10 percent is 0.10, a basis point 0.0001"
        )
    return value


_Written = BeforeValidator(_decimal)

Amount = Annotated[Decimal, Exact(decimals=4), _Written]
"""Money in the currency of the trade."""
Fraction = Annotated[Decimal, Exact(decimals=10), AfterValidator(_part_of_one), _Written]
"""A part of one: 0.0010 is 10 basis points."""
PerUnit = Annotated[Decimal, Exact(decimals=10), _Written]
"""Money for each unit of a security, where it may be nothing."""
Percent = Annotated[Decimal, Exact(decimals=8), _Written]
Deviation = Annotated[Decimal, Exact(decimals=10), _Written]
"""How far two figures of any kind may lie apart."""
Units = Annotated[Decimal, Exact(decimals=6, zero=False), _Written]
"""A quantity of a security."""
UnitPrice = Annotated[Decimal, Exact(decimals=10, zero=False), _Written]
"""Money for one unit of a security."""
