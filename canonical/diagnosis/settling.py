"""Settlement dates: so many days after the trade, of which calendar."""

from collections.abc import Iterator
from datetime import date, timedelta

from canonical.calculation.settlement import settlement_date
from canonical.calendar import Calendar
from canonical.diagnosis.cause import Aspect, View
from canonical.diagnosis.search import Made
from canonical.rules.timetable import SETTLEMENT_DAYS_MAX, Settlement

WITHOUT_HOLIDAYS = (Aspect.CALENDAR, "weekdays")


def settling_conventions(
    trade_date: date, settles: date, agreed: Settlement, calendar: Calendar | None
) -> tuple[Made, ...] | None:
    """What gives a settlement date, the most customary first; None where the calendar is not known."""
    if calendar is None or not isinstance(by_rules := settlement_date(trade_date, agreed, calendar), date):
        return None
    if by_rules == settles:
        return ((),)
    return tuple(made for made, day in _departures(trade_date, agreed, calendar) if day == settles)


def settling_agreed(aspect: Aspect, agreed: Settlement) -> str:
    """What the rules say of one aspect of settlement."""
    return {Aspect.DAYS: str(agreed.days), Aspect.CALENDAR: "business_days"}.get(aspect, "")


def counts_holidays(view: View) -> bool:
    """Whether a side takes holidays for business days, by the first convention that gives its date."""
    choices = view.conventions[0].choices if view.conventions else ()
    return any((choice.aspect, choice.value) == WITHOUT_HOLIDAYS for choice in choices)


def _departures(trade_date: date, agreed: Settlement, calendar: Calendar) -> Iterator[tuple[Made, object]]:
    """Holidays that are not observed, another number of days from the nearest on, days of any kind."""
    weekdays = calendar.model_copy(update={"closed": ()})
    yield (WITHOUT_HOLIDAYS,), weekdays.business_day_after(trade_date, agreed.days)
    others = [days for days in range(SETTLEMENT_DAYS_MAX + 1) if days != agreed.days]
    for days in sorted(others, key=lambda days: (abs(days - agreed.days), days)):
        yield ((Aspect.DAYS, str(days)),), calendar.business_day_after(trade_date, days)
    yield ((Aspect.CALENDAR, "all_days"),), trade_date + timedelta(days=agreed.days)
