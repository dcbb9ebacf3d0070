"""When a trade settles, by what its two sides have agreed."""

from datetime import date

from canonical.calendar import Calendar
from canonical.problems import Problem, Rule
from canonical.rules.timetable import Settlement


def settlement_date(trade_date: date, settlement: Settlement, calendar: Calendar) -> date | Problem:
    """The trade date and so many business days of the agreed calendar.

    A problem where `calendar` is another one, or does not reach so far.
    """
    if calendar.name != settlement.calendar:
        text = f"the rules settle by calendar {settlement.calendar}, not by {calendar.name}: take that one"
        return Problem(field="settlement.calendar", value=calendar.name, rule=Rule.UNKNOWN_CODE, text=text)
    return calendar.business_day_after(trade_date, settlement.days)
