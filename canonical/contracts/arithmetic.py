"""The arithmetic of contracts: one decimal context, whatever the calling thread has set for itself."""

from contextlib import AbstractContextManager
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    localcontext,
)

PRECISION_DIGITS = 64

_EXACT = Context(
    prec=PRECISION_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)


def contract_arithmetic() -> AbstractContextManager[Context]:
    """What a contract runs in: 64 digits, and an error instead of infinity, of no number, of a float."""
    return localcontext(_EXACT)  # a copy of it
