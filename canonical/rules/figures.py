"""Figures in rules: Decimal as everywhere, and whole numbers where a document writes them without a point."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from canonical.amounts import Exact


def _decimal(value: Any) -> Any:
    """A TOML integer as a Decimal. Floats never come here: documents are read with `parse_float=Decimal`."""
    return Decimal(value) if type(value) is int else value


_Written = BeforeValidator(_decimal)

Amount = Annotated[Decimal, Exact(decimals=4), _Written]
"""Money in the currency of the trade."""
Fraction = Annotated[Decimal, Exact(decimals=10), _Written]
"""A part of one: 0.0010 is 10 basis points."""
Percent = Annotated[Decimal, Exact(decimals=8), _Written]
Deviation = Annotated[Decimal, Exact(decimals=10), _Written]
"""How far two figures of any kind may lie apart."""
Units = Annotated[Decimal, Exact(decimals=6, zero=False), _Written]
"""A quantity of a security."""
