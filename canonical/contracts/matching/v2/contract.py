"""The contract: version 1 with another convention."""

from canonical.contracts.matching.v1 import contract as matching_v1
from canonical.contracts.matching.v1.conventions import Conventions
from canonical.contracts.matching.v1.forgetting import forget, halves_of
from canonical.contracts.state import Decision, Entry, View
from canonical.rules.spread import Remainder
from canonical.rules.versions import RulesOn

__all__ = ["CONVENTIONS", "apply", "forget", "halves_of"]

CONVENTIONS = Conventions(spread_remainder=Remainder.LARGER_FRACTION)


def apply(view: View, entry: Entry, rules: RulesOn, contract: str) -> Decision:
    """Apply one entry: all of its messages hold, or none does and the sender is told why."""
    return matching_v1.apply(view, entry, rules, contract, CONVENTIONS)
