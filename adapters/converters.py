"""The closed list of converters: how a text of a client's format becomes a canonical value, and back.

A converter has two directions and no settings but those in `Options`. A text that it cannot read raises
`ConversionError`, which a mapping turns into a problem. Numbers are read as Decimal from digits alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from canonical.amounts import Charge, plain
from canonical.answer_text import problem_text
from canonical.difference_words import difference_text
from canonical.identifiers import short_form
from canonical.problems import Problem, Rule
from canonical.result import Difference
from canonical.rules import BLOCK_FIELDS, FUND_FIELDS
from canonical.trade import FundFigures, Side

_DIGITS = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
NUMBER_CHARACTERS_MAX = 40


class ConversionError(Exception):
    """A text is not what its converter reads. rule: the rule it breaks; text: what to do."""

    def __init__(self, rule: Rule, text: str) -> None:
        super().__init__(text)
        self.rule = rule
        self.text = text


@dataclass(frozen=True, slots=True)
class Options:
    """What a converter may be told. currency: of amounts without one of their own. issuer: of local codes."""

    currency: str = ""
    issuer: str = ""
    characters_max: int = 0


@dataclass(frozen=True, slots=True)
class Converter:
    """decode: text to value, raises ConversionError. encode: value to text, None for nothing to say.

    gathers: encode takes the list of all values at the canonical place, not the first.
    """

    decode: Callable[[str, Options], Any]
    encode: Callable[[Any, Options], str | None]
    gathers: bool = False


def _decimal(text: str, _: Options) -> Decimal:
    if len(text) > NUMBER_CHARACTERS_MAX or not _DIGITS.fullmatch(text):
        raise ConversionError(Rule.MALFORMED, "not a plain number: write digits, without exponent or spaces")
    return Decimal(text)


def _grouped(text: str, options: Options) -> Decimal:
    """Numbers as spreadsheets write them: 56,910,000."""
    return _decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text, options)


def _integer(text: str, _: Options) -> int:
    if len(text) > NUMBER_CHARACTERS_MAX or not text.isascii() or not text.isdigit():
        raise ConversionError(Rule.MALFORMED, "not a whole number")
    return int(text)


def _in(kind: str, number: Callable[[str, Options], Decimal]) -> Callable[[str, Options], dict[str, Any]]:
    """Numbers that carry a currency: a price's "value", money's "amount"."""

    def decode(text: str, options: Options) -> dict[str, Any]:
        return {kind: number(text, options), "currency": options.currency}

    return decode


def _out(kind: str) -> Callable[[Any, Options], str | None]:
    def encode(value: Any, _: Options) -> str:
        return plain(value[kind])

    return encode


def _day(separator: str) -> Converter:
    """Dates as year, month and day of four, two and two digits."""
    shape = separator.join(("YYYY", "MM", "DD"))

    def decode(text: str, _: Options) -> date:
        digits = text.replace(separator, "") if separator else text
        try:
            parsed = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            parsed = None
        # int() also takes "+1", " 1" and digits of other scripts; a date has one way to be written.
        if parsed is None or encode(parsed, _) != text:
            raise ConversionError(Rule.MALFORMED, f"not a date: write it as {shape}")
        return parsed

    def encode(value: date, _: Options) -> str:
        return f"{value.year:04}{separator}{value.month:02}{separator}{value.day:02}"

    return Converter(decode, encode)


def _day_of_time(text: str, options: Options) -> date:
    """The date of an ISO 8601 date and time: only its date part is compared (ISO 20022 setr.027)."""
    day: date = CONVERTERS["date_iso"].decode(text[:10], options)
    return day


def _boolean(text: str, _: Options) -> bool:
    if text not in ("true", "false"):
        raise ConversionError(Rule.UNKNOWN_CODE, "neither yes nor no")
    return text == "true"


def _local_code(text: str, options: Options) -> dict[str, str]:
    return {"code": text, "issuer": options.issuer}


def _text(value: Any, options: Options) -> str | None:
    """Free text, cut with a mark where the format holds less; never a number, date, code or reference."""
    text = str(value)
    if options.characters_max and len(text) > options.characters_max:
        return text[: options.characters_max - 3] + "..."
    return text or None


def _ascii(value: Any, options: Options) -> str | None:
    """Text for fields that hold ASCII alone (FIX 58): a question mark for the rest, see `non_ascii`."""
    text = str(value).replace("…", "...").encode("ascii", "replace").decode()
    return _text("".join(c if c.isprintable() else " " for c in text), options)


def _non_ascii(value: Any, options: Options) -> str | None:
    """The whole text for the encoded twin of an ASCII field (FIX 355), where that one loses something."""
    text = str(value)
    return None if text.replace("…", "").isascii() else _text(text, options)


def _plain_text(text: str, _: Options) -> str:
    return text


def _number(value: Any, _: Options) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _refused(_: str, __: Options) -> None:
    raise ConversionError(Rule.UNSUPPORTED, "not handled: leave it out")


def _nothing(_: Any, __: Options) -> None:
    """Nothing to say in this direction."""


def _total(values: Any, _: Options) -> str:
    """The sum of several charges, for a format with one place for them all."""
    return plain(sum((charge["amount"] for charge in values), Decimal(0)))


def _difference(value: Any, options: Options) -> str | None:
    return _text(difference_text((Difference(**value),)), options)


def _problem(value: Any, options: Options) -> str | None:
    return _text(problem_text((Problem(**value),)), options)


# The parts of the layout that formats have reason codes for.
_SUBJECTS = frozenset((*BLOCK_FIELDS, *FUND_FIELDS, "account", "broker", "investor"))


def _problem_subject(value: Any, _: Options) -> str:
    """What a problem is about: the field of the layout that its path ends in, else the broken rule."""
    names = [name for name in value.get("path", "").split(".") if name in _SUBJECTS]
    return names[-1] if names else str(value["rule"])


def _identifier(value: Any, options: Options) -> str:
    """An identifier as it is or, where the format holds less, its short form, by which it can be answered."""
    text = str(value)
    return text if len(text) <= options.characters_max else short_form(text)


def _gross(value: Any, _: Options) -> str:
    """The gross amount of a confirmation of one fund: as given, else its net amount less its charges.

    The inverse of the net amount's definition (FIX 154), so it is exact. A buy's net holds the charges, a
    sell's lacks them; accrued interest is in both.
    """
    [fund] = value["funds"]
    figures = FundFigures.model_validate(fund)
    if figures.gross is not None:
        return plain(figures.gross.amount)
    without = figures.model_copy(update={"gross": Charge(amount=Decimal(0), currency=figures.net.currency)})
    charges = without.net_of(Side(value["terms"]["side"]))
    assert charges is not None
    return plain(figures.net.amount - charges)


_TIMESTAMP = "%Y%m%d-%H:%M:%S.%f"

CONVERTERS: dict[str, Converter] = {
    "text": Converter(_plain_text, _text),
    "ascii": Converter(_plain_text, _ascii),
    "non_ascii": Converter(_plain_text, _non_ascii),
    "decimal": Converter(_decimal, _number),
    "grouped_decimal": Converter(_grouped, _number),
    "integer": Converter(_integer, _number),
    "money": Converter(_in("amount", _decimal), _out("amount")),
    "grouped_money": Converter(_in("amount", _grouped), _out("amount")),
    "price": Converter(_in("value", _decimal), _out("value")),
    "grouped_price": Converter(_in("value", _grouped), _out("value")),
    "date_basic": _day(""),
    "date_iso": _day("-"),
    "date_slash": _day("/"),
    "date_of_time": Converter(_day_of_time, lambda value, _: value.isoformat()),
    "total": Converter(_plain_text, _total, gathers=True),
    "unsupported": Converter(_refused, _nothing),
    "difference": Converter(_plain_text, _difference),
    "problem": Converter(_plain_text, _problem),
    "problem_subject": Converter(_plain_text, _problem_subject),
    "identifier": Converter(_plain_text, _identifier),
    "gross": Converter(_plain_text, _gross),
    "boolean": Converter(_boolean, lambda value, _: "true" if value else "false"),
    "local_code": Converter(_local_code, lambda value, _: str(value["code"])),
    # Times go out only: what a client's clock says decides nothing.
    "fix_time": Converter(_plain_text, lambda value, _: value.astimezone(UTC).strftime(_TIMESTAMP)[:-3]),
    "local_time": Converter(_plain_text, lambda value, _: f"{value:%Y/%m/%d %H:%M:%S}"),
    "iso_time": Converter(_plain_text, lambda value, _: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
}
