"""When things are due: settlement in business days, and the deadlines of a trade date by the clock."""

from datetime import time
from typing import Annotated, LiteralString

from pydantic import Field, model_validator

from canonical.identifiers import Code
from canonical.problems import Rule, violation
from canonical.rules.clause import Clause

SETTLEMENT_DAYS_MAX = 10
DEADLINES_MAX = 8


class Settlement(Clause):
    """days: business days from trade to settlement; Japanese shares settle on T+2. calendar: whose days."""

    days: Annotated[int, Field(ge=0, le=SETTLEMENT_DAYS_MAX)] = 2
    calendar: Code = "JPX"


class Deadlines(Clause):
    """At what times of the trade date, by the network's clock, each side hears what is not matched yet.

    Asset managers want confirmed data by 16:00; the exchange closes at 15:30. allege_at_once: each side also
    hears at once of what the other has said and it has not, and not first at the next deadline. What comes
    when the last deadline of its trade date has passed is always told at once.
    """

    remind_at: Annotated[tuple[time, ...], Field(max_length=DEADLINES_MAX)] = ()
    allege_at_once: bool = False

    def beside(self, own: "Deadlines") -> "Deadlines":
        """These times, for rules that name none; they may still have things told at once."""
        at_once = self.allege_at_once or own.allege_at_once
        return Deadlines(remind_at=self.remind_at, allege_at_once=at_once)

    @model_validator(mode="after")
    def _rising(self) -> "Deadlines":
        times = list(self.remind_at)
        text: LiteralString
        if any(one.tzinfo is not None or one.microsecond for one in times):
            text = "a deadline is a time such as 16:00:00, without a zone"
            raise violation(Rule.MALFORMED, text)
        if times != sorted(set(times)):
            text = "times rise: sort them"
            raise violation(Rule.STRUCTURE, text)
        return self
