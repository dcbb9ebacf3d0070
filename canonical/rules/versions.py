"""The rules of one relationship as both sides have agreed on them one after the other, by trade date."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from canonical.rules import Rules


class RulesOn(Protocol):
    """What a contract is given: the rules that hold for a trade date. Rules alone hold for all."""

    def on(self, trade_date: date) -> Rules:
        """The rules of a trade date."""
        ...


@dataclass(frozen=True, slots=True)
class RulesVersions:
    """founding: the first rules, for all trade dates. later: what followed, each with its first trade date.

    In the order in which they were agreed: of several that a trade date falls under, the last one holds.
    """

    founding: Rules
    later: tuple[tuple[date, Rules], ...] = ()

    def on(self, trade_date: date) -> Rules:
        """The rules of a trade date."""
        held = (rules for since, rules in reversed(self.later) if since <= trade_date)
        return next(held, self.founding)
