"""Fees besides commission and consumption tax, each kind by itself."""

from collections.abc import Callable
from decimal import Decimal

from canonical.amounts import FeeKind, total
from canonical.calculation.arithmetic import fee_of
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.charging import Charging, Choices, Inputs, charging, on_each_fund
from canonical.diagnosis.search import Figure, Made
from canonical.rules.charges import FeeRule, FeeRules, Level
from canonical.rules.spread import Remainder


class FeeStep:
    """The fees of one kind of one side's funds. Several rules of one kind add up."""

    def __init__(self, kind: FeeKind, inputs: Inputs, rules: FeeRules, remainder: Remainder) -> None:
        stated = inputs.stated
        self._inputs = inputs
        self._remainder = remainder
        of_kind = [rule for rule in rules if rule.kind is kind]
        self._rules = [rule for rule in of_kind if rule.side in (None, stated.side)]
        self._for_other_side = [rule for rule in of_kind if rule.side not in (None, stated.side)]
        self.alternatives = self._alternatives()

    @property
    def has_rule(self) -> bool:
        """Whether the two sides have agreed on such a fee, be it for one side of trades alone."""
        return bool(self._rules or self._for_other_side)

    def _alternatives(self) -> tuple[tuple[Aspect, str], ...]:
        found: list[tuple[Aspect, str]] = []
        if self._rules:
            how = self._how(self._rules[0])
            found += [(Aspect.CHARGED, "no"), *how.roundings(), *self._inputs.levels(how)]
        if self._for_other_side:
            found.append((Aspect.CHARGED, "other_side"))
        for limit in (Aspect.MINIMUM, Aspect.MAXIMUM):
            if any(getattr(rule, limit.value) is not None for rule in self._rules):
                found.append((limit, "none"))
        return tuple(found)

    def _how(self, rule: FeeRule) -> Charging:
        return charging(rule.level, rule.rounding, rule.spread, self._inputs.stated, self._remainder)

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect; empty where they say nothing."""
        if aspect is Aspect.CHARGED:
            return "yes" if self._rules else "no"
        if not self._rules:
            return ""
        if aspect in (Aspect.MINIMUM, Aspect.MAXIMUM):
            return "applied"
        return self._how(self._rules[0]).agreed(aspect)

    def under(self, made: Made) -> Figure | None:
        """The fees under a convention."""
        choices = dict(made)
        charged = choices.pop(Aspect.CHARGED, "yes")
        if charged == "no":
            return lambda _: Decimal(0)
        rules = self._for_other_side if charged == "other_side" else self._rules
        parts = [self._figure(rule, choices) for rule in rules]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return known[0] if len(known) == 1 else _sum_of(known)

    def _figure(self, rule: FeeRule, choices: Choices) -> Figure | None:
        how = self._how(rule).departing(choices)
        limits = {limit.value: None for limit in (Aspect.MINIMUM, Aspect.MAXIMUM) if limit in choices}
        fee = rule.model_copy(update=limits) if limits else rule
        if how is None:
            return None
        if how.level is Level.FUND:
            return on_each_fund(self._on_fund(fee), how)
        gross, quantity = self._inputs.block_gross, self._inputs.total_quantity
        if gross is None or quantity is None:
            return None
        return self._inputs.spread(fee_of(fee, gross, quantity), how)

    def _on_fund(self, fee: FeeRule) -> Callable[[int], Decimal | None]:
        inputs = self._inputs

        def exact(fund: int) -> Decimal | None:
            gross, quantity = inputs.gross[fund], inputs.quantity[fund]
            return None if gross is None or quantity is None else fee_of(fee, gross, quantity)

        return exact

    def last_resorts(self) -> tuple[Made, ...]:
        """None: a fee is by rule, or it is not."""
        return ()


def _sum_of(parts: list[Figure]) -> Figure:
    """What several rules of one kind come to; nothing where there is none."""

    def figure(fund: int) -> Decimal | None:
        values = [part(fund) for part in parts]
        known = [value for value in values if value is not None]
        return total(known) if len(known) == len(values) else None

    return figure


def fee_kinds(*sides: Inputs) -> tuple[FeeKind, ...]:
    """The kinds of fees that any of the sides gives, in the order of the kinds."""
    given = [fund.fees for side in sides for fund in side.stated.funds if fund is not None and fund.fees]
    return tuple(kind for kind in FeeKind if any(kind.value in fees for fees in given))


def fee_targets(kind: FeeKind, inputs: Inputs) -> list[Decimal | None]:
    """What a side charges of one kind: nothing where it does not name it."""
    funds = inputs.stated.funds
    return [
        fund.fees.get(kind.value, Decimal(0)) if fund is not None and fund.fees is not None else None
        for fund in funds
    ]
