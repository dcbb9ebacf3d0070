"""A market's closed days from a library of public holidays: a draft, for people to compare and correct.

    seeded("JPX", 2026, 2028) -> Seed        as_toml(seed) -> what a plan or a network file takes

No contract and no node asks a library for a date: what the network's members have agreed on is the calendar.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from importlib.metadata import version
from typing import Any

from canonical.calendar import Calendar

YEARS_MAX = 20
_FIRST_YEAR = 2007  # holidays of the years before were others; the library knows them, nobody needs them
_LAST_YEAR = 2099  # formulas of the equinoxes hold until then
_SATURDAY = 5
_NEW_YEAR = {(1, 1): "年始休業日", (1, 2): "年始休業日", (1, 3): "年始休業日", (12, 31): "年末休業日"}


class CalendarSeedError(Exception):
    """A calendar cannot be drafted; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A drafted calendar. reasons: why each day is closed. source: what it was made of."""

    calendar: Calendar
    reasons: dict[date, str]
    source: str


def seeded(name: str, first_year: int, last_year: int) -> Seed:
    """The calendar of a market for whole years. Raises CalendarSeedError."""
    if name != "JPX":
        raise CalendarSeedError(f"no calendar {name} can be drafted: JPX is the one that is known here")
    if not _FIRST_YEAR <= first_year <= last_year <= _LAST_YEAR or last_year - first_year >= YEARS_MAX:
        raise CalendarSeedError(
            f"give a first and a last year between {_FIRST_YEAR} and {_LAST_YEAR}, at most {YEARS_MAX} years"
        )
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    holidays = dict(_library().between(first, last))
    reasons = {day: _reason(day, holidays) for day in _weekdays(first, last)}
    reasons = {day: why for day, why in reasons.items() if why}
    calendar = Calendar(name=name, first=first, last=last, closed=tuple(reasons))
    return Seed(calendar, reasons, f"jpholiday {version('jpholiday')}")


def as_toml(seed: Seed) -> str:
    """The calendar as a plan or a network file takes it, with the reason beside each day."""
    calendar = seed.calendar
    days = "".join(f"    {day.isoformat()}, # {seed.reasons[day]}\n" for day in calendar.closed)
    return (
        f"# The days from Monday to Friday on which {calendar.name} is closed.\n"
        f"# A draft: public holidays by {seed.source}, and 31 December to 3 January. Compare it with\n"
        "# what the exchange and the gazette have published: equinoxes are fixed in the February before.\n"
        "[[calendars]]\n"
        f'name = "{calendar.name}"\nfirst = {calendar.first}\nlast = {calendar.last}\n'
        f"closed = [\n{days}]\n"
    )


def _library() -> Any:
    try:
        return import_module("jpholiday")
    except ImportError as error:
        text = "this needs the library jpholiday: install yakujo with the extra, yakujo[calendars]"
        raise CalendarSeedError(text) from error


def _reason(day: date, holidays: dict[date, str]) -> str:
    """Why a weekday is closed; empty where it is open."""
    return holidays.get(day) or _NEW_YEAR.get((day.month, day.day), "")


def _weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < _SATURDAY]
