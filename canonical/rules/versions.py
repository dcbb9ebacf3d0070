"""The rules of one relationship as both sides have agreed on them one after the other, by trade date.

Where they name no deadlines, those of the network hold.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from canonical.rules import Rules
from canonical.rules.timetable import Deadlines


class RulesOn(Protocol):
    """What a contract is given: the rules that hold for a trade date. Rules alone hold for all."""

    def on(self, trade_date: date) -> Rules:
        """The rules of a trade date."""
        ...


@dataclass(frozen=True, slots=True)
class RulesVersions:
    """founding: the first rules, for all trade dates. later: what followed, each with its first trade date.

    deadlines: the network's, likewise. In the order in which they were agreed: of several that a trade date
    falls under, the last one holds.
    """

    founding: Rules
    later: tuple[tuple[date, Rules], ...] = ()
    deadlines: tuple[tuple[date, Deadlines], ...] = ()

    def on(self, trade_date: date) -> Rules:
        """The rules of a trade date."""
        held = (rules for since, rules in reversed(self.later) if since <= trade_date)
        rules = next(held, self.founding)
        deadlines = next((one for since, one in reversed(self.deadlines) if since <= trade_date), None)
        if deadlines is None or rules.deadlines.remind_at:
            return rules
        return rules.model_copy(update={"deadlines": deadlines.beside(rules.deadlines)})
