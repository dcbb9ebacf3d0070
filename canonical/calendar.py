"""Business days: the days on which a market settles, as far as somebody has said which those are."""

from bisect import bisect_left
from datetime import date, timedelta
from typing import Annotated, LiteralString

from pydantic import Field, model_validator

from canonical.base import Canonical
from canonical.identifiers import Code
from canonical.problems import Problem, Rule, violation

CLOSED_MAX = 5_000  # Japan has some 20 a year
_SATURDAY = 5
_DAY = timedelta(days=1)


class Calendar(Canonical):
    """The business days of one market, from `first` to `last`, both included: weekdays but for `closed`.

    closed: days from Monday to Friday on which it does not settle, rising. What lies outside of first and
    last is not known: it is told as a problem, and never taken for open.
    """

    name: Code
    first: date
    last: date
    closed: Annotated[tuple[date, ...], Field(max_length=CLOSED_MAX)] = ()

    @model_validator(mode="after")
    def _orderly(self) -> "Calendar":
        text: LiteralString
        if self.last < self.first:
            text = "the last day is before the first: correct one of the two"
            raise violation(Rule.DATE_ORDER, text)
        if list(self.closed) != sorted(set(self.closed)):
            text = "closed days rise: sort them, each once"
            raise violation(Rule.STRUCTURE, text)
        for day in self.closed:
            if not self.covers(day) or day.weekday() >= _SATURDAY:
                text = "{day} is a weekend or outside of the calendar: leave it out"
                raise violation(Rule.OUT_OF_RANGE, text, day=day.isoformat())
        return self

    def closed_between(self, after: date, last: date) -> tuple[date, ...]:
        """The closed days after a day, up to another one."""
        return tuple(day for day in self.closed if after < day <= last)

    def covers(self, day: date) -> bool:
        """Whether it is known if `day` is a business day."""
        return self.first <= day <= self.last

    def is_open(self, day: date) -> bool:
        """Whether a day that the calendar covers is a business day."""
        place = bisect_left(self.closed, day)
        return day.weekday() < _SATURDAY and self.closed[place : place + 1] != (day,)

    def business_day_after(self, day: date, days: int) -> date | Problem:
        """The business day so many business days after `day`; with 0, `day` itself or the next open one.

        `day` need not be a business day: others may trade while this market is closed.
        """
        if not self.covers(day):
            return self._unknown(day, days)
        if not days and self.is_open(day):
            return day
        waiting, reached = days or 1, day
        while waiting and reached < self.last:
            reached += _DAY
            waiting -= self.is_open(reached)
        return reached if not waiting else self._unknown(day, days)

    def _unknown(self, day: date, days: int) -> Problem:
        known = f"{self.first} to {self.last}"
        return Problem(
            field="trade_date",
            value=day.isoformat(),
            rule=Rule.OUT_OF_RANGE,
            text=f"{days} business days after it is not known: calendar {self.name} has {known}, extend it",
        )


def calendar_named(calendars: tuple[Calendar, ...], name: str) -> Calendar | None:
    """The calendar of a market, of those that are known."""
    return next((calendar for calendar in calendars if calendar.name == name), None)
