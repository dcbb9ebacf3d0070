"""Commission, in all the ways in which a table of rates is read."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from canonical.amounts import plain, total
from canonical.calculation.arithmetic import EXACT, charge_of, rounded, tariff_for, tax_rate_on
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.charging import Charging, Choices, Inputs, charging, on_each_fund
from canonical.diagnosis.implied_rate import implied_rate
from canonical.diagnosis.search import Figure, Made
from canonical.diagnosis.tariffs import (
    OTHER_TARIFFS_MAX,
    Charge,
    agreed_in,
    band_departures,
    charge_by,
    departed,
    limit_departures,
    name_of,
)
from canonical.rules import Rules
from canonical.rules.charges import Band, Level, Tariff
from canonical.rules.rounding import Mode
from canonical.rules.spread import Remainder, Spread

_IMPLIED_MODES = (Mode.DOWN, Mode.HALF_UP, Mode.UP)
_NO_TARIFF = Tariff(bands=(Band(),))


class CommissionStep:
    """The commissions of one side's funds. targets: as it gives them, for the rates that they imply."""

    def __init__(
        self, inputs: Inputs, rules: Rules, remainder: Remainder, targets: Sequence[Decimal | None]
    ) -> None:
        stated, commission = inputs.stated, rules.commission
        self._inputs = inputs
        self._rules = rules
        self._targets = targets
        self._tariff = tariff_for(commission, stated.order_format, stated.venue) if commission else None
        self._how = (
            charging(commission.level, commission.rounding, commission.spread, stated, remainder)
            if commission
            else charging(Level.FUND, Mode.DOWN, Spread(), stated, remainder)
        )
        self._others = self._other_tariffs()
        self._rate = (
            tax_rate_on(rules.consumption_tax.rates, stated.trade_date) if stated.trade_date else None
        )
        self.alternatives = self._alternatives() if commission else ()

    @property
    def has_rule(self) -> bool:
        """Whether the two sides have agreed how commission is computed."""
        return self._tariff is not None

    def _other_tariffs(self) -> dict[str, Tariff]:
        tariffs = self._rules.commission.tariffs if self._rules.commission else ()
        others = {name_of(each): each for each in reversed(tariffs) if each is not self._tariff}
        return dict(list(reversed(others.items()))[:OTHER_TARIFFS_MAX])

    def _alternatives(self) -> tuple[tuple[Aspect, str], ...]:
        tariff = self._tariff
        return (
            (Aspect.CHARGED, "no"),
            *self._how.roundings(),
            *(limit_departures(tariff) if tariff is not None else ()),
            *self._inputs.levels(self._how),
            *((Aspect.TARIFF, name) for name in self._others),
            *(band_departures(tariff) if tariff is not None else ()),
            (Aspect.TAX, "included"),
            (Aspect.TAX, "taken_out"),
            (Aspect.BASE, "sum_of_funds"),
            (Aspect.BASE, "unrounded"),
        )

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect; empty where they say nothing."""
        if self._tariff is None:
            return ""
        own = {Aspect.CHARGED: "yes", Aspect.TAX: "added", Aspect.BASE: "gross"}
        return own.get(aspect, "") or self._how.agreed(aspect) or agreed_in(self._tariff, aspect)

    def under(self, made: Made) -> Figure | None:
        """The commissions under a convention."""
        choices = dict(made)
        if choices.get(Aspect.CHARGED) == "no":
            return lambda _: Decimal(0)
        how = self._how.departing(choices)
        tariff = self._chosen(choices)
        if how is None or tariff is None:
            return None
        charge = charge_by(
            departed(tariff, choices), choices.get(Aspect.BAND, "own"), self._inputs.block_gross
        )
        if charge is None:
            return None
        if choices.get(Aspect.MINIMUM) == "of_block":
            return self._with_minimum_of_block(tariff, charge, how)
        figure = self._figure(charge, how, choices.get(Aspect.BASE, "gross"))
        return self._taxed(figure, choices.get(Aspect.TAX, "added")) if figure is not None else None

    def exact(self) -> Callable[[int], Decimal | None] | None:
        """Each fund's commission before it is rounded, where it is computed for each fund."""
        tariff = self._tariff
        if tariff is None or self._how.level is Level.BLOCK:
            return None
        charge = charge_by(tariff, "own", None)
        assert charge is not None, "an amount's own band is always known"
        return self._on_fund(charge)

    def _chosen(self, choices: Choices) -> Tariff | None:
        if Aspect.TARIFF in choices:
            return self._others.get(choices[Aspect.TARIFF])
        return _NO_TARIFF if Aspect.RATE in choices and self._tariff is None else self._tariff

    def _figure(self, charge: Charge, how: Charging, base: str) -> Figure | None:
        if how.level is Level.FUND:
            if base == "sum_of_funds":
                return None
            return on_each_fund(self._on_fund(charge, unrounded=base == "unrounded"), how)
        inputs = self._inputs
        gross = inputs.total_gross if base == "sum_of_funds" else inputs.block_gross
        quantity = inputs.total_quantity
        if base == "unrounded" or gross is None or quantity is None:
            return None
        return inputs.spread(charge(gross, quantity), how)

    def _on_fund(self, charge: Charge, *, unrounded: bool = False) -> Callable[[int], Decimal | None]:
        inputs = self._inputs

        def exact(fund: int) -> Decimal | None:
            gross, quantity, figures = inputs.gross[fund], inputs.quantity[fund], inputs.stated.funds[fund]
            if gross is None or quantity is None or figures is None:
                return None
            if unrounded and figures.price is not None:
                gross = EXACT.multiply(quantity, figures.price)
            return charge(gross, quantity)

        return exact

    def _with_minimum_of_block(self, tariff: Tariff, charge: Charge, how: Charging) -> Figure | None:
        """No fund has a minimum of its own; where the whole comes to less, the block's is spread."""
        gross, quantity = self._inputs.block_gross, self._inputs.total_quantity
        if how.level is Level.BLOCK or gross is None or quantity is None:
            return None
        whole = charge_of(tariff, gross, quantity)
        if whole != charge(gross, quantity):
            return self._inputs.spread(whole, how)
        return on_each_fund(self._on_fund(charge), how)

    def _taxed(self, figure: Figure, tax: str) -> Figure | None:
        if tax == "added":
            return figure
        rate, decimals, mode = self._rate, self._how.decimals, self._rules.consumption_tax.rounding
        if rate is None:
            return None
        included = tax == "included"
        whole = Decimal(1) if included else EXACT.add(Decimal(1), rate)

        def with_tax(fund: int) -> Decimal | None:
            charge = figure(fund)
            if charge is None:
                return None
            part = rounded(EXACT.divide(EXACT.multiply(charge, rate), whole), decimals, mode)
            return EXACT.add(charge, part) if included else EXACT.subtract(charge, part)

        return with_tax

    def last_resorts(self) -> tuple[Made, ...]:
        """The rates that the commissions imply, beside each way to round."""
        charges, amounts = self._charged()
        found: list[Made] = []
        for mode in dict.fromkeys((self._how.rounding, *_IMPLIED_MODES)):
            rate = implied_rate(charges, amounts, self._how.decimals, mode)
            if rate is not None:
                same = self._tariff is not None and mode is self._how.rounding
                rounding = () if same else ((Aspect.ROUNDING, mode.value),)
                found.append(((Aspect.RATE, plain(rate)), *rounding))
        return tuple(found)

    def _charged(self) -> tuple[list[Decimal], list[Decimal]]:
        """What was charged of which amounts: of the funds', or of the block's where it is charged there."""
        inputs = self._inputs
        pairs = [
            (target, gross)
            for target, gross in zip(self._targets, inputs.gross, strict=True)
            if target is not None and gross is not None
        ]
        if self._how.level is Level.FUND or inputs.block_gross is None:
            return [target for target, _ in pairs], [gross for _, gross in pairs]
        whole = total(target for target, _ in pairs)
        return ([whole], [inputs.block_gross]) if len(pairs) == len(self._targets) else ([], [])
