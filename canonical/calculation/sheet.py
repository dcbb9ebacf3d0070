"""A calculation under way: the funds side by side, and each step as it is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from canonical.amounts import FeeKind, plain, total
from canonical.calculation.arithmetic import EXACT, charge_of, fee_of, rounded, spread
from canonical.calculation.deal import Deal
from canonical.calculation.working import Step, StepName, Working, exact_text, fee_text, tariff_text
from canonical.identifiers import FundAccount
from canonical.rules.charges import Commission, ConsumptionTax, FeeRule, Level, Tariff
from canonical.rules.rounding import Mode
from canonical.rules.spread import By, Remainder, Spread


@dataclass(frozen=True, slots=True)
class Basis:
    """What a charge is computed from, of one fund or of the block. taxed: the charges that the tax is on."""

    gross: Decimal
    quantity: Decimal
    taxed: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Charged:
    """One charge as agreed. exact: the unrounded amount. text: how it is written out."""

    name: StepName
    level: Level
    rounding: Mode
    spread: Spread
    exact: Callable[[Basis], Decimal]
    text: Callable[[Basis], str]
    kind: FeeKind | None = None


class Sheet:
    """gross: of each fund, as block_gross is of the block."""

    def __init__(self, deal: Deal, rounding: Mode, decimals: int, remainder: Remainder) -> None:
        """decimals: of the currency. remainder: whose the rest is where the rules leave it open."""
        self._taken: list[_Taken] = []
        self._decimals = decimals
        self._remainder = remainder
        self._accounts = [portion.account for portion in deal.portions]
        self._quantities = [portion.quantity for portion in deal.portions]
        prices = [portion.price or deal.price for portion in deal.portions]
        self.block_gross = self._gross(None, deal.quantity, deal.price, rounding)
        self.gross = [
            self._gross(account, quantity, price, rounding)
            for account, quantity, price in zip(self._accounts, self._quantities, prices, strict=True)
        ]
        self._block_quantity = deal.quantity

    def _gross(self, account: FundAccount | None, quantity: Decimal, price: Decimal, mode: Mode) -> Decimal:
        exact = EXACT.multiply(quantity, price)
        of = f"{plain(quantity)} x {plain(price)}"
        return self._step(StepName.GROSS, account, of, exact, rounded(exact, self._decimals, mode), rule=mode)

    def charge(self, charged: Charged, taxed: Sequence[Decimal] | None = None) -> list[Decimal]:
        """What each fund is charged: computed on its own figures, or on the block's and spread."""
        taxed = taxed or [Decimal(0)] * len(self._accounts)
        if charged.level is Level.BLOCK:
            whole = self._charged(charged, None, Basis(self.block_gross, self._block_quantity, total(taxed)))
            return self._spread(charged, whole)
        funds = zip(self._accounts, self.gross, self._quantities, taxed, strict=True)
        return [self._charged(charged, account, Basis(*figures)) for account, *figures in funds]

    def _charged(self, charged: Charged, account: FundAccount | None, basis: Basis) -> Decimal:
        exact = charged.exact(basis)
        value = rounded(exact, self._decimals, charged.rounding)
        of = charged.text(basis)
        return self._step(charged.name, account, of, exact, value, rule=charged.rounding, kind=charged.kind)

    def _spread(self, charged: Charged, whole: Decimal) -> list[Decimal]:
        """The block's charge among the funds, in proportion to what they trade."""
        by, remainder = charged.spread.by, charged.spread.remainder or self._remainder
        weights = self.gross if by is By.GROSS and any(self.gross) else self._quantities
        unit = Decimal(1).scaleb(-self._decimals)
        parts = spread(whole, weights, self._quantities, unit, remainder)
        everything = total(weights)
        for account, weight, part in zip(self._accounts, weights, parts, strict=True):
            exact = EXACT.divide(EXACT.multiply(whole, weight), everything)
            of = f"{plain(whole)} x {plain(weight)} / {plain(everything)}"
            rule = f"spread by {by}, {remainder}"
            self._step(charged.name, account, of, exact, part, rule=rule, kind=charged.kind)
        return list(parts)

    def net(self, account: FundAccount, of: str, value: Decimal) -> None:
        """Note what a fund pays or receives."""
        self._step(StepName.NET, account, of, value, value)

    def _step(
        self,
        name: StepName,
        account: FundAccount | None,
        of: str,
        exact: Decimal,
        value: Decimal,
        *,
        rule: str = "",
        kind: FeeKind | None = None,
    ) -> Decimal:
        self._taken.append(_Taken(account, name, kind, of, exact, value, str(rule)))
        return value

    def working(self) -> Working:
        """The steps so far. Only where all amounts are known to fit into messages."""
        return tuple(
            Step(
                account=taken.account,
                name=taken.name,
                kind=taken.kind,
                of=taken.of,
                exact=exact_text(taken.exact),
                rounded=taken.rounded,
                rule=taken.rule,
            )
            for taken in self._taken
        )


class _Taken(NamedTuple):
    """A step, whose amount may still have more digits than a message holds."""

    account: FundAccount | None
    name: StepName
    kind: FeeKind | None
    of: str
    exact: Decimal
    rounded: Decimal
    rule: str


def commission_of(commission: Commission, tariff: Tariff) -> Charged:
    """The commission of one tariff."""
    return Charged(
        name=StepName.COMMISSION,
        level=commission.level,
        rounding=commission.rounding,
        spread=commission.spread,
        exact=lambda basis: charge_of(tariff, basis.gross, basis.quantity),
        text=lambda basis: tariff_text(tariff, basis.gross, basis.quantity),
    )


def fee_charged(fee: FeeRule) -> Charged:
    """One fee."""
    return Charged(
        name=StepName.FEE,
        kind=fee.kind,
        level=fee.level,
        rounding=fee.rounding,
        spread=fee.spread,
        exact=lambda basis: fee_of(fee, basis.gross, basis.quantity),
        text=lambda basis: fee_text(fee, basis.gross, basis.quantity),
    )


def tax_charged(tax: ConsumptionTax, rate: Decimal) -> Charged:
    """Consumption tax at one rate, on charges as they are charged: rounded ones.

    The tax base is what is paid for the service (Consumption Tax Act, article 28), which is the rounded
    commission. Commission and fees of one fund are taxed in one sum, and that is rounded once.
    """
    return Charged(
        name=StepName.CONSUMPTION_TAX,
        level=tax.level,
        rounding=tax.rounding,
        spread=tax.spread,
        exact=lambda basis: EXACT.multiply(basis.taxed, rate),
        text=lambda basis: f"{plain(basis.taxed)} x {plain(rate)}",
    )
