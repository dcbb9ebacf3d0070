"""Net amounts: which parts are in them, and with which sign."""

from decimal import Decimal

from canonical.amounts import total
from canonical.calculation.arithmetic import EXACT, net_of, rounded
from canonical.diagnosis.cause import Aspect
from canonical.diagnosis.charging import Inputs
from canonical.diagnosis.gross import UNITS
from canonical.diagnosis.search import Figure, Made
from canonical.rules.rounding import Mode
from canonical.trade import Side

LEFT_OUT = {
    "without_tax": ("consumption_tax",),
    "without_fees": ("fees",),
    "without_commission": ("commission", "consumption_tax"),
    "without_accrued": ("accrued",),
    "gross_alone": ("commission", "consumption_tax", "fees", "accrued"),
}
"""What is not in a net amount."""


class NetStep:
    """The net amounts of one side's funds, of its own gross, charges and accrued interest."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._side = inputs.stated.side
        self.alternatives = (
            *((Aspect.PARTS, parts) for parts in LEFT_OUT),
            (Aspect.SIGN, "reversed"),
            *((Aspect.UNIT, unit) for unit in UNITS),
        )

    @property
    def has_rule(self) -> bool:
        """Whether it is known which way the money goes."""
        return self._side is not None

    def agreed(self, aspect: Aspect) -> str:
        """What everyone does."""
        return {Aspect.PARTS: "all", Aspect.SIGN: "own", Aspect.UNIT: "1"}.get(aspect, "")

    def under(self, made: Made) -> Figure | None:
        """The net amounts under a convention."""
        choices = dict(made)
        if self._side is None:
            return None
        left_out = LEFT_OUT.get(choices.get(Aspect.PARTS, ""), ())
        other = Side.SELL if self._side is Side.BUY else Side.BUY
        side = other if Aspect.SIGN in choices else self._side
        unit = UNITS.get(choices.get(Aspect.UNIT, ""))

        def figure(fund: int) -> Decimal | None:
            net = self._net(fund, side, left_out)
            if net is None or unit is None:
                return net
            return rounded(EXACT.multiply(net, unit), self._inputs.stated.decimals, Mode.DOWN)

        return figure

    def _net(self, fund: int, side: Side, left_out: tuple[str, ...]) -> Decimal | None:
        figures, gross = self._inputs.stated.funds[fund], self._inputs.gross[fund]
        if figures is None or gross is None or figures.fees is None:
            return None
        if figures.commission is None or figures.consumption_tax is None or figures.accrued is None:
            return None
        charges = []
        if "commission" not in left_out:
            charges.append(figures.commission)
        if "consumption_tax" not in left_out:
            charges.append(figures.consumption_tax)
        if "fees" not in left_out:
            charges.extend(figures.fees.values())
        accrued = Decimal(0) if "accrued" in left_out else figures.accrued
        return net_of(side, gross, total(charges), accrued)

    def last_resorts(self) -> tuple[Made, ...]:
        """None."""
        return ()
