"""The texts of ISO 20022: what a simple type of a schema allows, as a check that says what is wrong.

Types: the bases and facets that the ISO 20022 catalogue uses (XML Schema 1.0 part 2). Narrower than the
standard on purpose: years 0001 to 9999 and hours 00 to 23, so that every accepted date is a real one to
its reader.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Required, TypeAlias, TypedDict

from canonical.problems import Rule

XML_SPACE = " \t\r\n"
CODES_SHOWN_MAX = 60

Fault: TypeAlias = tuple[Rule, str]
Check: TypeAlias = Callable[[str], Fault | None]


class Facets(TypedDict, total=False):
    """One simple type as the tables hold it; lengths in characters, digits in decimal digits."""

    base: Required[str]
    codes: list[str]
    pattern: str
    length_min: int
    length_max: int
    digits: int
    decimals: int
    minimum: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text: its check, and whether XML space around it does not count (numbers, dates; not strings)."""

    check: Check
    trimmed: bool


def text_of(facets: Facets) -> Text:
    """The check for one simple type.

    Raises KeyError where its base is none of the known ones: a defect of the table.
    """
    if facets["base"] == "string":
        return Text(_string_check(facets), trimmed=False)
    return Text(_BASES[facets["base"]](facets), trimmed=True)


def _string_check(facets: Facets) -> Check:
    if "codes" in facets:
        return _code_check(facets["codes"])
    if "pattern" in facets:
        return _pattern_check(facets["pattern"])
    return _length_check(facets.get("length_min", 0), facets.get("length_max"))


def _code_check(codes: list[str]) -> Check:
    allowed = frozenset(codes)
    shown = ", ".join(codes[:CODES_SHOWN_MAX]) + (" …" if len(codes) > CODES_SHOWN_MAX else "")

    def check(text: str) -> Fault | None:
        if text in allowed:
            return None
        return Rule.UNKNOWN_CODE, f"not a code of this element: send one of {shown}"

    return check


_FORMS = {
    "[A-Z]{3,3}": "a currency, three capitals such as JPY",
    "[A-Z]{2,2}": "a country, two capitals such as JP",
    "[A-Z0-9]{4,4}": "a MIC, four characters such as XTKS",
    "[A-Z]{2,2}[A-Z0-9]{9,9}[0-9]{1,1}": "an ISIN, twelve characters such as JP3633400001",
    "[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}": "a BIC, eight or eleven capitals and digits",
    "[A-Z0-9]{18,18}[0-9]{2,2}": "an LEI, eighteen capitals and digits and two digits",
    "[0-9]{3}": "three digits, such as 002",
}


def _pattern_check(pattern: str) -> Check:
    # The catalogue's patterns use only what XML Schema and Python read alike: classes, groups, counts.
    matches = re.compile(pattern, re.ASCII).fullmatch
    form = _FORMS.get(pattern, f"the form {pattern}")

    def check(text: str) -> Fault | None:
        if matches(text):
            return None
        return Rule.MALFORMED, f"not as expected: send {form}"

    return check


def _length_check(least: int, most: int | None) -> Check:
    def check(text: str) -> Fault | None:
        length = len(text)
        if length < least:
            return Rule.EMPTY, f"too short: send at least {least} character(s) or leave the element out"
        if most is not None and length > most:
            return Rule.OUT_OF_RANGE, f"{length} characters: send at most {most}"
        return None

    return check


_DECIMAL = re.compile(r"[+-]?(?=\.?[0-9])0*([0-9]*)(?:\.([0-9]*))?", re.ASCII).fullmatch


def _decimal_check(facets: Facets) -> Check:
    digits, decimals, minimum = facets.get("digits"), facets.get("decimals"), facets.get("minimum")
    least = None if minimum is None else Decimal(minimum)

    def check(text: str) -> Fault | None:
        match = _DECIMAL(text)
        if match is None:
            return Rule.MALFORMED, "not a number: send digits and a decimal point, no exponent, no separators"
        fraction = (match[2] or "").rstrip("0")
        if decimals is not None and len(fraction) > decimals:
            return Rule.OUT_OF_RANGE, f"{len(fraction)} decimals: send at most {decimals}"
        if digits is not None and len(match[1]) + len(fraction) > digits:
            return Rule.OUT_OF_RANGE, f"{len(match[1]) + len(fraction)} digits: send at most {digits}"
        if least is not None and text[0] == "-" and Decimal(text) < least:
            return Rule.OUT_OF_RANGE, f"below {least}: send {least} or more"
        return None

    return check


_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_DATE = re.compile(_DAY + _ZONE, re.ASCII).fullmatch
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_DATE_TIME = re.compile(_DAY + "T" + _TIME + _ZONE, re.ASCII).fullmatch
_YEAR_MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])" + _ZONE, re.ASCII).fullmatch


def _date_check(_: Facets) -> Check:
    def check(text: str) -> Fault | None:
        match = _DATE(text)
        if match and _is_real(match[1]):
            return None
        return Rule.MALFORMED, "not a date: send a real one as YYYY-MM-DD"

    return check


def _date_time_check(_: Facets) -> Check:
    def check(text: str) -> Fault | None:
        match = _DATE_TIME(text)
        if match and _is_real(match[1]):
            return None
        return Rule.MALFORMED, "not a date and time: send a real one as YYYY-MM-DDThh:mm:ss+09:00"

    return check


def _year_month_check(_: Facets) -> Check:
    def check(text: str) -> Fault | None:
        return None if _YEAR_MONTH(text) else (Rule.MALFORMED, "not a month: send it as YYYY-MM")

    return check


def _boolean_check(_: Facets) -> Check:
    return _code_check(["true", "false", "1", "0"])


def _is_real(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


_BASES: dict[str, Callable[[Facets], Check]] = {
    "decimal": _decimal_check,
    "date": _date_check,
    "dateTime": _date_time_check,
    "gYearMonth": _year_month_check,
    "boolean": _boolean_check,
}
