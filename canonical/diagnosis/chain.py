"""The chain of computation, step by step: gross, commission, consumption tax, fees, net.

Each step takes a side's own figures from the steps before. A figure that the same convention gives on both
sides, each from its own figures, follows from the step before; where the conventions are different ones, this
is where the two sides part.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from canonical.amounts import FeeKind, plain
from canonical.diagnosis.cause import Aspect, Cause, Kind, View
from canonical.diagnosis.charging import Inputs, inputs
from canonical.diagnosis.commission import CommissionStep
from canonical.diagnosis.consumption_tax import ConsumptionTaxStep
from canonical.diagnosis.differing import Differing, Pair
from canonical.diagnosis.fees import FeeStep, fee_kinds, fee_targets
from canonical.diagnosis.gross import GrossStep
from canonical.diagnosis.net import NetStep
from canonical.diagnosis.search import Step, Trials, simplest
from canonical.diagnosis.sides import FundSides, Sides
from canonical.diagnosis.stating import EVERYONE, STATED, Stateds, exchanged
from canonical.diagnosis.telling import BLOCK, Parted, Reason, causes_of

INPUTS = {
    "gross": ("quantity", "price"),
    "commission": ("order_format", "venue", "quantity", "price", "gross"),
    "consumption_tax": ("trade_date", "gross", "commission", "fees"),
    "fees": ("side", "quantity", "price", "gross"),
    "net": ("side", "quantity", "price", "gross", "commission", "consumption_tax", "fees", "accrued"),
}
"""What each field is computed of, the nearest last."""
_WITHIN = {"quantity": "gross", "price": "gross"}  # what follows from the first is seen in the second

Targets = Sequence[Decimal | None]


class RuledStep(Step, Protocol):
    """A step that knows what the rules say of it."""

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect; empty where they say nothing."""
        ...


Steps = tuple[RuledStep, RuledStep]
"""The broker's first, as everywhere."""
Both = tuple[Targets, Targets]


class Chain:
    """The computed fields of one trade. stated: the broker's side first."""

    def __init__(
        self, sides: Sides, funds: Sequence[FundSides], stated: Stateds, differing: Differing
    ) -> None:
        self._sides = sides
        self._rules = sides.rules
        self._stated = stated
        self._differing = differing
        self._places = {field: {place: None for place, _ in found} for field, found in differing.items()}
        self._accounts = [fund.account for fund in funds]
        self._inputs: tuple[Inputs, Inputs] = (
            inputs(stated[0], sides.rules.gross),
            inputs(stated[1], sides.rules.gross),
        )

    def causes(self) -> Iterator[Cause]:
        """All of them, in order."""
        yield from self._gross()
        commissions = self._commission_steps()
        found = self._computed("commission", commissions)
        yield from found
        if self._rules.consumption_tax.on_fees:
            yield from self._fees()
            yield from self._taxes(commissions, found)
        else:
            yield from self._taxes(commissions, found)
            yield from self._fees()
        yield from self._accrued()
        yield from self._nets()

    def _of_funds(self, field: str) -> list[tuple[int, Pair]]:
        """The funds in which a field differs, with both values."""
        return [each for each in self._differing.get(field, ()) if each[0] != BLOCK]

    def _targets(self, field: str) -> Both:
        """All that each side gives of a field, fund by fund."""
        broker, investor = (
            [getattr(fund, field) if fund is not None else None for fund in stated.funds]
            for stated in self._stated
        )
        return broker, investor

    def _gross(self) -> list[Cause]:
        """The block's among the funds': a side does the same with all of them."""
        parted = self._differing.get("gross", [])
        if not parted:
            return []
        broker, investor = (
            GrossStep(stated, self._rules, self._sides.executions, self._sides.remainder)
            for stated in self._stated
        )
        blocks = [stated.block.gross if stated.block is not None else None for stated in self._stated]
        of_funds = self._targets("gross")
        targets = ((*of_funds[0], blocks[0]), (*of_funds[1], blocks[1]))
        return self._causes(
            "gross", self._reasons("gross", parted, (broker, investor), targets), (broker, investor)
        )

    def _commission_steps(self) -> tuple[CommissionStep, CommissionStep]:
        broker, investor = (
            CommissionStep(each, self._rules, self._sides.remainder, targets)
            for each, targets in zip(self._inputs, self._targets("commission"), strict=True)
        )
        return broker, investor

    def _taxes(
        self, commissions: tuple[CommissionStep, CommissionStep], found: Sequence[Cause]
    ) -> list[Cause]:
        """Consumption taxes. found: the causes in the commissions, which may hold the tax."""
        included = [
            any(_holds_tax(view) for view in views)
            for views in ([each.broker for each in found], [each.investor for each in found])
        ]
        tax = self._rules.consumption_tax
        broker, investor = (
            ConsumptionTaxStep(each, tax, self._sides.remainder, step, included=included)
            for each, step, included in zip(self._inputs, commissions, included, strict=True)
        )
        return self._computed("consumption_tax", (broker, investor))

    def _fees(self) -> list[Cause]:
        parted = self._of_funds("fees")
        known = [(place, pair) for place, pair in parted if self._gives_fees(place)]
        foreign = [
            Parted(place, *pair, Reason(Kind.STATED)) for place, pair in parted if not self._gives_fees(place)
        ]
        found = causes_of("fees", foreign, self._accounts, EVERYONE, currency=self._stated[0].currency)
        for kind in fee_kinds(*self._inputs) if known else ():
            targets = fee_targets(kind, self._inputs[0]), fee_targets(kind, self._inputs[1])
            pairs = [(place, _texts(targets, place)) for place, _ in known]
            unlike = [(place, pair) for place, pair in pairs if pair[0] != pair[1]]
            broker, investor = (
                FeeStep(kind, each, self._rules.fees, self._sides.remainder) for each in self._inputs
            )
            if unlike:
                told = self._reasons("fees", unlike, (broker, investor), targets)
                found += self._causes("fees", told, (broker, investor), fee=kind)
        return found

    def _gives_fees(self, place: int) -> bool:
        """Whether the fees of a fund are all in the currency of its price, on both sides."""
        figures = [stated.funds[place] for stated in self._stated]
        return all(fund is not None and fund.fees is not None for fund in figures)

    def _accrued(self) -> list[Cause]:
        parted = self._of_funds("accrued")
        told = [Parted(place, *pair, Reason(Kind.STATED)) for place, pair in parted]
        return causes_of("accrued", told, self._accounts, EVERYONE, currency=self._stated[0].currency)

    def _nets(self) -> list[Cause]:
        return self._computed("net", (NetStep(self._inputs[0]), NetStep(self._inputs[1])))

    def _computed(self, field: str, steps: Steps) -> list[Cause]:
        """The causes of one field of the funds."""
        parted = self._of_funds(field)
        told = self._reasons(field, parted, steps, self._targets(field)) if parted else []
        return self._causes(field, told, steps)

    def _causes(
        self, field: str, told: Sequence[Parted], steps: Steps, fee: FeeKind | None = None
    ) -> list[Cause]:
        agreed = steps[0].agreed, steps[1].agreed
        return causes_of(field, told, self._accounts, agreed, fee=fee, currency=self._stated[0].currency)

    def _reasons(
        self, field: str, parted: Sequence[tuple[int, Pair]], steps: Steps, targets: Both
    ) -> list[Parted]:
        trials = Trials(steps[0], targets[0]), Trials(steps[1], targets[1])
        reasons = {place: _reason(place, trials, self._follows(field, place)) for place, _ in parted}
        crossed = exchanged([each for each in parted if reasons[each[0]].kind is Kind.UNEXPLAINED])
        return [
            Parted(place, *pair, Reason(Kind.EXCHANGED) if place in crossed else reasons[place])
            for place, pair in parted
        ]

    def _follows(self, field: str, place: int) -> tuple[str, ...]:
        """What differs before, among the inputs of a field: in this fund, else in any other."""
        untaxed = field == "consumption_tax" and not self._rules.consumption_tax.on_fees
        inputs_of = [name for name in INPUTS[field] if not (untaxed and name == "fees")]
        parted = [name for name in inputs_of if name in self._places]
        found = [name for name in parted if place in self._places[name] or name in STATED] or parted
        within = _WITHIN | ({"gross": "commission"} if field == "consumption_tax" else {})
        return tuple(name for name in found if within.get(name) not in found)


def _holds_tax(view: View) -> bool:
    """Whether a side's commission is told to hold the tax."""
    choices = view.conventions[0].choices if view.conventions else ()
    return any(choice.aspect is Aspect.TAX and choice.value == "included" for choice in choices)


def _texts(targets: Both, place: int) -> Pair:
    broker, investor = (target[place] for target in targets)
    return (plain(broker) if broker is not None else "", plain(investor) if investor is not None else "")


def _reason(place: int, trials: tuple[Trials, Trials], follows: tuple[str, ...]) -> Reason:
    """Why the two figures of one place differ. Amounts in two currencies are not computed with."""
    if not all(trial.gives(place) for trial in trials):
        return Reason(Kind.STATED)
    broker, investor = (trial.conventions[place] for trial in trials)
    if all(trial.follows_rules(place) for trial in trials):
        return Reason(Kind.FOLLOWS, ((),), ((),), follows)
    alike = [made for made in (*broker[:1], *investor[:1]) if all(t.reproduces(made, place) for t in trials)]
    if alike and follows:
        made = simplest(alike)
        return Reason(Kind.FOLLOWS, (made,), (made,), follows)
    if broker and investor:
        return Reason(Kind.EXPLAINED, broker, investor)
    computed = all(trial.computes(place) for trial in trials)
    return Reason(Kind.UNEXPLAINED if computed else Kind.NOT_COMPUTED, broker, investor)
