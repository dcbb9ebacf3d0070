"""Consumption tax: on what, at which rate, on which level, and whether it stands where it belongs."""

from collections.abc import Callable
from decimal import Decimal

from canonical.amounts import plain, total
from canonical.calculation.arithmetic import EXACT, tax_rate_on
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.charging import Inputs, charging, on_each_fund
from canonical.diagnosis.commission import CommissionStep
from canonical.diagnosis.search import Figure, Made
from canonical.rules.charges import ConsumptionTax, Level
from canonical.rules.spread import Remainder

_ON_COMMISSION = "commission"
_ON_ALL = "commission_and_fees"


class ConsumptionTaxStep:
    """The taxes of one side's funds, of its own commissions. included: its commissions hold them already."""

    def __init__(
        self,
        inputs: Inputs,
        tax: ConsumptionTax,
        remainder: Remainder,
        commission: CommissionStep,
        *,
        included: bool,
    ) -> None:
        stated = inputs.stated
        self._inputs = inputs
        self._commission = commission
        self._missing = "in_commission" if included else "no"
        self._how = charging(tax.level, tax.rounding, tax.spread, stated, remainder)
        self._base = _ON_ALL if tax.on_fees else _ON_COMMISSION
        self._rate = tax_rate_on(tax.rates, stated.trade_date) if stated.trade_date is not None else None
        others = (rate.rate for rate in reversed(tax.rates) if rate.rate != self._rate)
        self._other_rates = tuple(dict.fromkeys(plain(rate) for rate in others))
        self.alternatives = self._alternatives()

    @property
    def has_rule(self) -> bool:
        """Whether a rate holds on the trade date."""
        return self._rate is not None

    def _alternatives(self) -> tuple[tuple[Aspect, str], ...]:
        other_base = _ON_COMMISSION if self._base == _ON_ALL else _ON_ALL
        return (
            (Aspect.CHARGED, self._missing),
            *self._how.roundings(),
            *self._inputs.levels(self._how),
            *((Aspect.RATE, rate) for rate in self._other_rates),
            (Aspect.BASE, other_base),
            (Aspect.BASE, "unrounded_commission"),
            (Aspect.TAX, "taken_out"),
        )

    def agreed(self, aspect: Aspect) -> str:
        """What the rules say of one aspect."""
        own = {
            Aspect.CHARGED: "yes",
            Aspect.RATE: plain(self._rate) if self._rate is not None else "",
            Aspect.BASE: self._base,
            Aspect.TAX: "added",
        }
        return own.get(aspect, "") or self._how.agreed(aspect)

    def under(self, made: Made) -> Figure | None:
        """The taxes under a convention."""
        choices = dict(made)
        if Aspect.CHARGED in choices:
            return lambda _: Decimal(0)
        how = self._how.departing(choices)
        rate = Decimal(choices[Aspect.RATE]) if Aspect.RATE in choices else self._rate
        base = self._based(choices.get(Aspect.BASE, self._base), choices.get(Aspect.TAX, "added"))
        if how is None or rate is None or base is None:
            return None
        whole_rate = EXACT.add(Decimal(1), rate) if Aspect.TAX in choices else Decimal(1)
        if how.level is Level.FUND:
            return on_each_fund(lambda fund: _part(base(fund), rate, whole_rate), how)
        parts = [base(fund) for fund in range(len(self._inputs.stated.funds))]
        known = [part for part in parts if part is not None]
        whole = _part(total(known), rate, whole_rate)
        return self._inputs.spread(whole, how) if whole is not None and len(known) == len(parts) else None

    def _based(self, base: str, tax: str) -> Callable[[int], Decimal | None] | None:
        """What the tax is on, fund by fund."""
        if tax == "taken_out":
            return self._commission.under(()) if base == _ON_COMMISSION else None
        if base == "unrounded_commission":
            return self._commission.exact()
        return self._on_all if base == _ON_ALL else self._on_commission

    def _on_commission(self, fund: int) -> Decimal | None:
        figures = self._inputs.stated.funds[fund]
        return figures.commission if figures is not None else None

    def _on_all(self, fund: int) -> Decimal | None:
        figures = self._inputs.stated.funds[fund]
        if figures is None or figures.commission is None or figures.fees is None:
            return None
        return total((figures.commission, *figures.fees.values()))

    def last_resorts(self) -> tuple[Made, ...]:
        """None: the rates of a tax are known."""
        return ()


def _part(base: Decimal | None, rate: Decimal, whole: Decimal) -> Decimal | None:
    """The product comes first: a division may have no end."""
    return None if base is None else EXACT.divide(EXACT.multiply(base, rate), whole)
