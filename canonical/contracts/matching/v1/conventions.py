"""What the rules of a relationship may leave open, and each version of the contract settles."""

from dataclasses import dataclass, field
from datetime import date

from canonical.rules import Rules
from canonical.rules.spread import Remainder, Spread
from canonical.rules.versions import RulesOn


@dataclass(frozen=True, slots=True)
class Conventions:
    """spread_remainder: who gets what is left of a charge on the block, where the rules do not say."""

    spread_remainder: Remainder

    def settle(self, rules: Rules) -> Rules:
        """`rules` with nothing left open; without a table of commission nothing is calculated by them."""
        if rules.commission is None:
            return rules
        tax = rules.consumption_tax
        settled = {
            "commission": rules.commission.model_copy(update=self._spread(rules.commission.spread)),
            "consumption_tax": tax.model_copy(update=self._spread(tax.spread)),
            "fees": tuple(fee.model_copy(update=self._spread(fee.spread)) for fee in rules.fees),
        }
        return rules.model_copy(update=settled)

    def _spread(self, spread: Spread) -> dict[str, Spread]:
        remainder = spread.remainder or self.spread_remainder
        return {"spread": spread.model_copy(update={"remainder": remainder})}


@dataclass(frozen=True, slots=True)
class Settled:
    """Rules by trade date, with what they leave open settled: once for an entry."""

    rules: RulesOn
    conventions: Conventions
    known: dict[date, Rules] = field(default_factory=dict)

    def on(self, trade_date: date) -> Rules:
        """See RulesOn."""
        if trade_date not in self.known:
            self.known[trade_date] = self.conventions.settle(self.rules.on(trade_date))
        return self.known[trade_date]
