"""What the outside did wrong, said so that the sender can mend it.

A `Problem` is a value, never an exception: a message collects all of its problems and the client hears
them at once, in its own format. What only a bug can cause is an assertion instead.
"""

from enum import StrEnum
from typing import Any, LiteralString

from pydantic import Field
from pydantic_core import PydanticCustomError

from canonical.base import Canonical

VALUE_CHARACTERS_MAX = 64
PROBLEMS_PER_MESSAGE_MAX = 100


class Rule(StrEnum):
    """The rule that was broken. A closed list: every format maps it to its own reason codes."""

    UNDECODABLE = "undecodable"  # the bytes are not what the format or the character set says
    TOO_LARGE = "too_large"  # bytes, rows, fields, depth: over a limit
    EMPTY = "empty"
    STRUCTURE = "structure"  # framing, order, counts, well-formedness
    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_CODE = "unknown_code"  # not in the code table
    MALFORMED = "malformed"  # not a number, a date, an identifier …
    CHECK_DIGIT = "check_digit"
    OUT_OF_RANGE = "out_of_range"  # negative, zero, too many digits
    DECIMALS = "decimals"  # more decimals than the currency has minor units
    DATE_ORDER = "date_order"  # settlement before trade date
    SUM = "sum"  # parts do not add up to the whole
    UNKNOWN_SENDER = "unknown_sender"
    UNKNOWN_PARTY = "unknown_party"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_REFERENCE = "unknown_reference"
    DUPLICATE = "duplicate"  # same reference, same content: done once
    REUSED_REFERENCE = "reused_reference"  # same reference, other content
    NOT_ALLOWED = "not_allowed"  # wrong author, wrong state, no relationship
    UNSUPPORTED = "unsupported"  # a message, version or feature that is not handled
    UNAVAILABLE = "unavailable"  # nothing is wrong with it: the service provider cannot take it now


class Problem(Canonical):
    """One thing wrong with one field.

    field: the place as the sender knows it: "78[2]/80", "数量", "TradDtls/DealPric/Val/Amt".
    value: what stood there, shortened; empty where nothing did.
    rule: the rule broken.
    text: what is wrong and what to do, in one sentence.
    path: the canonical place, "funds.1.net"; empty where there is none.
    line: the line of a file, from 1; None where there are no lines.
    """

    field: str = Field(max_length=256)
    value: str = Field(default="", max_length=VALUE_CHARACTERS_MAX)
    rule: Rule
    text: str = Field(max_length=512)
    path: str = Field(default="", max_length=256)
    line: int | None = Field(default=None, ge=1)


def shortened(value: str) -> str:
    r"""`value` as a problem may carry it: at most 64 characters, an ellipsis where it was cut.

    Bytes that are no text, which formats keep as lone surrogates, are written out: "\udc81".
    """
    value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value if len(value) <= VALUE_CHARACTERS_MAX else value[: VALUE_CHARACTERS_MAX - 1] + "…"


def violation(rule: Rule, text: LiteralString, **values: str | int) -> PydanticCustomError:
    """The error by which a value of the layout breaks `rule`. text: what to do; {name} stands for a value."""
    code: Any = rule.value  # one of a closed list, which is what pydantic wants a literal for
    return PydanticCustomError(code, text, values or None)
