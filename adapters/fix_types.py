"""What a FIX field may hold, by the type that the dictionary gives it (FIX 4.4 vol. 1, "Field data types").

A check is a plain callable that is true for an allowed text: most are methods implemented in C, since
each field of each message passes one. Text that is empty fails every check.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import TypeAlias

Check: TypeAlias = Callable[[str], object]

_DAY_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.(?:[0-9]{3}|[0-9]{6}|[0-9]{9}))?"
_TIME = re.compile(_DAY_TIME)
_TIMESTAMP_REST = re.compile("-" + _DAY_TIME)
_WEEK = re.compile(r"w[1-5]")


def check_of(kind: str, codes: frozenset[str], version: str) -> Check:
    """The check of a field of type `kind` that allows `codes`, or every value where there are none."""
    if codes and kind in _SEVERAL_CODES:
        return lambda value: bool(value) and codes.issuperset(value.split(" "))
    if codes:
        return codes.__contains__
    if kind == "EXCHANGE" and version <= "FIX.4.2":
        return _matches(r"[A-Z0-9]{1,5}")  # a Reuters suffix; a market identifier code since 4.3
    return _CHECKS.get(kind, bool)


def wording(kind: str) -> str:
    """What a field of type `kind` holds, for the text of a problem."""
    return _WORDINGS.get(kind, "a text")


def _is_date(value: str) -> bool:
    if len(value) != len("YYYYMMDD") or not (value.isascii() and value.isdigit()):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_timestamp(value: str) -> bool:
    return _TIMESTAMP_REST.fullmatch(value, 8) is not None and _is_date(value[:8])


def _is_month(value: str) -> bool:
    rest = value[6:]
    return _is_date(value[:6] + "01") and (not rest or bool(_WEEK.fullmatch(rest)) or _is_date(value))


def _matches(pattern: str) -> Check:
    return re.compile(pattern).fullmatch


_COUNT = _matches(r"[0-9]{1,18}")
_DECIMAL = _matches(r"-?[0-9]{1,28}(?:\.[0-9]{0,28})?|-?\.[0-9]{1,28}")  # digits: as a Decimal holds them
_SEVERAL_CODES = frozenset({"MULTIPLEVALUESTRING", "MULTIPLESTRINGVALUE", "MULTIPLECHARVALUE"})

_CHECKS: dict[str, Check] = {
    "INT": _matches(r"-?[0-9]{1,18}"),
    "LENGTH": _COUNT,
    "NUMINGROUP": _COUNT,
    "SEQNUM": _COUNT,
    "FLOAT": _DECIMAL,
    "QTY": _DECIMAL,
    "QUANTITY": _DECIMAL,
    "PRICE": _DECIMAL,
    "PRICEOFFSET": _DECIMAL,
    "AMT": _DECIMAL,
    "PERCENTAGE": _DECIMAL,
    "CHAR": _matches(r"[ -~]"),
    "BOOLEAN": _matches(r"[YN]"),
    "CURRENCY": _matches(r"[A-Z]{3}"),
    "COUNTRY": _matches(r"[A-Z]{2}"),
    "EXCHANGE": _matches(r"[A-Z0-9]{4}"),
    "DAYOFMONTH": _matches(r"0?[1-9]|[12][0-9]|3[01]"),
    "LOCALMKTDATE": _is_date,
    "UTCDATE": _is_date,
    "UTCDATEONLY": _is_date,
    "UTCTIMEONLY": _TIME.fullmatch,
    "UTCTIMESTAMP": _is_timestamp,
    "MONTHYEAR": _is_month,
}

_NUMBER = "a number: at most 28 digits, at most one point, no exponent and no plus sign"
_DATE = "a date that exists, YYYYMMDD"
_WORDINGS = {
    "INT": "a whole number",
    "LENGTH": "a whole number that is not negative",
    "NUMINGROUP": "a whole number that is not negative",
    "SEQNUM": "a whole number that is not negative",
    **dict.fromkeys(("FLOAT", "QTY", "QUANTITY", "PRICE", "PRICEOFFSET", "AMT", "PERCENTAGE"), _NUMBER),
    "CHAR": "one ASCII character",
    "BOOLEAN": "Y or N",
    "CURRENCY": "a currency code of three capital letters (ISO 4217)",
    "COUNTRY": "a country code of two capital letters (ISO 3166)",
    "EXCHANGE": "a market identifier code (ISO 10383)",
    "DAYOFMONTH": "a day of the month, 1 to 31",
    "LOCALMKTDATE": _DATE,
    "UTCDATE": _DATE,
    "UTCDATEONLY": _DATE,
    "UTCTIMEONLY": "a time of day, HH:MM:SS or HH:MM:SS.sss",
    "UTCTIMESTAMP": "a time, YYYYMMDD-HH:MM:SS or YYYYMMDD-HH:MM:SS.sss",
    "MONTHYEAR": "a month, YYYYMM, YYYYMMDD or YYYYMMw1 to w5",
}
