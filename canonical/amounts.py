"""Quantities, prices and money: Decimal, finite, limited, never a float and never an exponent.

Every value is kept in one form, without trailing zeros, so that equal values are equal as text too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from functools import partial, reduce
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from canonical.base import Canonical
from canonical.currencies import MINOR_UNITS
from canonical.problems import Rule, violation

DIGITS_MAX = 18  # the most that FIX, ISO 20022 (18/5, 18/17) and MT (15d) clients exchange in practice
FEES_MAX = 20
LEAST_MAGNITUDE = -6  # no price is less than a millionth; below, str() of a Decimal would have an exponent

# Sums are exact or a bug: the calling thread's own decimal context has no say in them.
_EXACT = Context(prec=64, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])

_UNSIGNED = r"(0|0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?)"
_SIGNED = r"(0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?))"


def plain(value: Decimal) -> str:
    """`value` as digits, without exponent, sign of zero or trailing zeros: 2845.50 is "2845.5"."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return reduce(_EXACT.add, values, Decimal(0))


def difference(left: Decimal, right: Decimal) -> Decimal:
    """`left` less `right`, exact."""
    return _EXACT.subtract(left, right)


@dataclass(frozen=True, slots=True)
class Exact:
    """What a decimal field holds. decimals: places after the point. signed: below 0 too. zero: 0 too."""

    decimals: int
    signed: bool = False
    zero: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """From Python a Decimal alone; from JSON the one text that its byte form has.

        Read strictly, as what nodes write is, a text is refused without a word on the limit that it breaks.
        """
        text = core_schema.str_schema(
            pattern=f"^{_SIGNED if self.signed else _UNSIGNED}$", max_length=DIGITS_MAX + 3
        )
        limited = core_schema.str_schema(pattern=f"^({'|'.join(_limited(self))})$")
        check = partial(_checked, self)
        return core_schema.json_or_python_schema(
            json_schema=core_schema.lax_or_strict_schema(
                lax_schema=core_schema.no_info_after_validator_function(partial(_read, self), text),
                strict_schema=core_schema.no_info_after_validator_function(Decimal, limited),
            ),
            python_schema=core_schema.no_info_after_validator_function(
                check, core_schema.is_instance_schema(Decimal)
            ),
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )


def _limited(limits: Exact) -> Iterator[str]:
    """Patterns of all texts that a value within limits has, and of no others."""
    sign = "-?" if limits.signed else ""
    if limits.zero:
        yield "0"
    yield rf"{sign}[1-9][0-9]{{0,{DIGITS_MAX - 1}}}"
    for places in range(1, limits.decimals + 1):
        yield rf"{sign}[1-9][0-9]{{0,{DIGITS_MAX - 1 - places}}}\.[0-9]{{{places - 1}}}[1-9]"
    for zeros in range(min(limits.decimals, -LEAST_MAGNITUDE)):
        others = limits.decimals - zeros - 1
        yield rf"{sign}0\.0{{{zeros}}}[1-9]" + (rf"([0-9]{{0,{others - 1}}}[1-9])?" if others else "")


def _read(limits: Exact, digits: str) -> Decimal:
    """The value of a text in the one form that values have."""
    return _checked(limits, Decimal(digits))


def _checked(limits: Exact, value: Decimal) -> Decimal:
    """`value` in its one form. Its str() has no exponent: canonical/encoding.py rests on that."""
    digits = str(value)
    if digits.isdigit() and len(digits) <= DIGITS_MAX and digits != "0":
        return value  # a whole number, as most are, is soon seen
    if not value.is_finite():
        raise violation(Rule.MALFORMED, "not a finite number")
    if not value:
        if limits.zero:
            return Decimal(0)
        raise violation(Rule.OUT_OF_RANGE, "must be more than zero")
    if value < 0 and not limits.signed:
        raise violation(Rule.OUT_OF_RANGE, "must not be negative")
    return Decimal(_within(limits, value))


def _within(limits: Exact, value: Decimal) -> str:
    """The digits of `value`, which is not zero, if there are not too many before and after the point."""
    magnitude = value.adjusted()  # looked at first: 1E+999999 is never written out
    if magnitude >= DIGITS_MAX:
        raise violation(Rule.OUT_OF_RANGE, "has more than {digits} digits", digits=DIGITS_MAX)
    text = plain(value) if magnitude >= -limits.decimals else ""
    whole, _, fraction = text.lstrip("-").partition(".")
    if not text or len(fraction) > limits.decimals:
        raise violation(Rule.DECIMALS, "has more than {decimals} decimals", decimals=limits.decimals)
    if len(whole.lstrip("0")) + len(fraction) > DIGITS_MAX:
        raise violation(Rule.OUT_OF_RANGE, "has more than {digits} digits", digits=DIGITS_MAX)
    if magnitude < LEAST_MAGNITUDE:
        raise violation(Rule.OUT_OF_RANGE, "is less than 0.000001")
    return text


class _KnownCurrency:
    """A currency of `canonical/currencies.py`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            core_schema.literal_schema(sorted(MINOR_UNITS)),
            custom_error_type=Rule.UNKNOWN_CODE.value,
            custom_error_message="not an ISO 4217 currency: give its three letters",
        )


Quantity = Annotated[Decimal, Exact(decimals=6, zero=False)]
Rate = Annotated[Decimal, Exact(decimals=10, zero=False)]
Amount = Annotated[Decimal, Exact(decimals=4, signed=True)]
Currency = Annotated[str, _KnownCurrency()]


class Price(Canonical):
    """A price per unit. decimals: to how many it was rounded, where the sender says so (FIX 74)."""

    value: Rate
    currency: Currency
    decimals: Annotated[int, Field(ge=0, le=10)] | None = None


class Money(Canonical):
    """An amount with no more decimals than its currency has minor units: yen have none."""

    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _whole_minor_units(self) -> "Money":
        digits = str(self.amount)
        if "." in digits and len(digits.partition(".")[2]) > MINOR_UNITS[self.currency]:
            raise violation(
                Rule.DECIMALS,
                "{currency} has {units} decimals: round the amount as agreed and send it again",
                currency=self.currency,
                units=MINOR_UNITS[self.currency],
            )
        return self


class Charge(Money):
    """Money that is never negative: commission, tax, a fee."""

    amount: Annotated[Decimal, Exact(decimals=4)]


class FeeKind(StrEnum):
    """What a fee or tax is for (FIX 139, ISO 20022 OthrAmts, MT :19A::)."""

    REGULATORY = "regulatory"
    EXCHANGE = "exchange"
    STAMP = "stamp"
    LEVY = "levy"
    TRANSACTION_TAX = "transaction_tax"
    TRANSFER = "transfer"
    LOCAL_COMMISSION = "local_commission"
    LOCAL_TAX = "local_tax"
    OTHER = "other"


class Fee(Canonical):
    """One fee or tax besides commission and consumption tax."""

    kind: FeeKind
    charge: Charge


Fees = Annotated[tuple[Fee, ...], Field(max_length=FEES_MAX)]
