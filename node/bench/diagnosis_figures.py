"""What a side makes of a deal: by the rules or, in one field, by another convention."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from canonical.diagnosis import Aspect
from canonical.rules.charges import Level, Tariff
from canonical.rules.rounding import Mode
from canonical.rules.spread import By, Remainder, Spread
from canonical.trade import Side
from node.bench.diagnosis_arithmetic import (
    Choices,
    Money,
    charge,
    departed,
    limited,
    parts,
    place,
    rounded,
    spread,
    text_of,
)
from node.bench.diagnosis_deals import CALENDAR, REMAINDER, Deal

Values = dict[str, str]

_NOTHING = Fraction(0)
_SATURDAY = 5
_MOVED = {"own": 0, "lower": -1, "higher": 1}


@dataclass(frozen=True, slots=True)
class Convention:
    """The field in which a side departs from the rules, and how. Without choices it does not."""

    name: str = ""
    choices: Mapping[Aspect, str] = field(default_factory=dict)

    def of(self, field_name: str) -> Choices:
        """The departures in one field."""
        return self.choices if field_name == self.name else {}


AS_AGREED = Convention()


def stated(deal: Deal, convention: Convention = AS_AGREED) -> tuple[Values, list[Values]]:
    """What a side says of the block, and of each fund."""
    return _Sheet(deal, convention).stated()


@dataclass(frozen=True, slots=True)
class _Charging:
    """How a charge is rounded, on which level, and how it is spread."""

    level: Level
    mode: str
    by: By
    remainder: Remainder
    decimals: int


class _Sheet:
    """One side's figures."""

    def __init__(self, deal: Deal, convention: Convention) -> None:
        self._deal = deal
        self._rules = deal.rules
        self._by = convention
        self._side = self._sided()
        self._quantities = self._counted()
        self._block_quantity = sum(self._quantities, _NOTHING)
        self._price = self._priced()
        self._block_gross, self._gross = self._grossed()
        self._commission = self._commissioned()
        self._fees = self._feed()
        self._tax = self._taxed()
        self._net = self._netted()

    def stated(self) -> tuple[Values, list[Values]]:
        """Block and funds as text, the terms in each."""
        terms = {
            "side": self._side.value,
            "trade_date": self._deal.trade_date.isoformat(),
            "settlement_date": self._settled().isoformat(),
            "isin": "JP3633400001",
            "venue": self._deal.venue,
            "order_format": self._deal.order_format.value,
            "price": text_of(self._price),
            "currency": self._deal.currency,
        }
        block = {**terms, "quantity": text_of(self._block_quantity)}
        if self._deal.gives_block_gross:
            block["gross"] = text_of(self._block_gross)
        return block, [{**terms, **self._fund(fund)} for fund in range(len(self._gross))]

    def _fund(self, fund: int) -> Values:
        fees = {kind: amounts[fund] for kind, amounts in sorted(self._fees.items()) if amounts[fund]}
        return {
            "quantity": text_of(self._quantities[fund]),
            "gross": text_of(self._gross[fund]),
            "commission": text_of(self._commission[fund]),
            "consumption_tax": text_of(self._tax[fund]),
            "fees": ", ".join(f"{kind} {text_of(amount)}" for kind, amount in fees.items()),
            "accrued": "0",
            "net": text_of(self._net[fund]),
        }

    def _sided(self) -> Side:
        if self._by.name != "side":
            return self._deal.side
        return Side.SELL if self._deal.side is Side.BUY else Side.BUY

    def _counted(self) -> Money:
        choices = self._by.of("quantity")
        factor = Fraction(int(choices.get(Aspect.TIMES, "1")), int(choices.get(Aspect.UNIT, "1")))
        quantities = [quantity * factor for quantity in self._deal.quantities]
        if self._by.name == "exchanged":
            quantities[:2] = quantities[1::-1]
        return quantities

    def _settled(self) -> date:
        choices = self._by.of("settlement_date")
        days = int(choices.get(Aspect.DAYS, str(self._rules.settlement.days)))
        kind = choices.get(Aspect.CALENDAR, "business_days")
        day = self._deal.trade_date
        while days:
            day += timedelta(days=1)
            open_day = day.weekday() < _SATURDAY and (kind == "weekdays" or day not in CALENDAR.closed)
            days -= open_day or kind == "all_days"
        return day

    def _priced(self) -> Fraction:
        choices, rules = self._by.of("price"), self._rules.average_price
        decimals = int(choices.get(Aspect.DECIMALS, str(rules.decimals)))
        price = rounded(self._deal.average, decimals, choices.get(Aspect.ROUNDING, rules.mode))
        return price * int(choices.get(Aspect.UNIT, "1"))

    def _grossed(self) -> tuple[Fraction, Money]:
        choices = self._by.of("gross")
        price = self._deal.average if Aspect.PRICE in choices else self._price
        mode = choices.get(Aspect.ROUNDING, self._rules.gross)
        decimals = int(choices.get(Aspect.DECIMALS, str(self._deal.decimals)))
        unit = Fraction(choices.get(Aspect.UNIT, "1"))

        def gross(quantity: Fraction) -> Fraction:
            whole = rounded(quantity * price, decimals, mode)
            return whole if unit == 1 else rounded(whole / unit, decimals, Mode.DOWN)

        block = gross(self._block_quantity)
        if choices.get(Aspect.LEVEL) != "block":
            return block, [gross(quantity) for quantity in self._quantities]
        remainder = Remainder(choices.get(Aspect.REMAINDER, REMAINDER))
        return block, spread(block, self._quantities, self._quantities, self._unit, remainder)

    @property
    def _unit(self) -> Fraction:
        return Fraction(1, 10**self._deal.decimals)

    def _commissioned(self) -> Money:
        choices, commission = self._by.of("commission"), self._rules.commission
        assert commission is not None, "all rules drawn have a table"
        if Aspect.CHARGED in choices:
            return [_NOTHING] * len(self._gross)
        tariff = self._tariff(choices.get(Aspect.TARIFF))
        how = self._charging(commission.level, commission.rounding, commission.spread, choices)
        of_amount = self._charge(departed(tariff, choices), choices.get(Aspect.BAND, "own"))
        if choices.get(Aspect.MINIMUM) == "of_block":
            whole = charge(tariff, self._block_gross, self._block_quantity)
            if whole != of_amount(self._block_gross, self._block_quantity):
                return self._on_block(whole, how)
        if choices.get(Aspect.BASE) == "unrounded":
            exact = [of_amount(quantity * self._price, quantity) for quantity in self._quantities]
            charges = [rounded(each, how.decimals, how.mode) for each in exact]
        else:
            whole = sum(self._gross, _NOTHING) if Aspect.BASE in choices else self._block_gross
            charges = self._charged(how, of_amount, whole)
        return self._with_tax(charges, choices.get(Aspect.TAX, "added"))

    def _tariff(self, name: str | None = None) -> Tariff:
        assert self._rules.commission is not None, "all rules drawn have a table"
        deal = self._deal
        for tariff in self._rules.commission.tariffs:
            fits = tariff.order_format in (None, deal.order_format) and tariff.venue in (None, deal.venue)
            if fits if name is None else name == f"{tariff.order_format or 'any'} {tariff.venue or 'any'}":
                return tariff
        raise AssertionError("the last tariff of all rules drawn fits every order")

    def _charge(self, tariff: Tariff, band: str) -> Callable[[Fraction, Fraction], Fraction]:
        def of_amount(gross: Fraction, quantity: Fraction) -> Fraction:
            if band == "own":
                return charge(tariff, gross, quantity)
            if band == "of_block":
                return charge(tariff, gross, quantity, place(tariff, self._block_gross))
            moved = place(tariff, gross) + _MOVED[band]
            return charge(tariff, gross, quantity, min(max(moved, 0), len(tariff.bands) - 1))

        return of_amount

    def _with_tax(self, charges: Money, tax: str) -> Money:
        rate, mode, decimals = self._tax_rate(), self._rules.consumption_tax.rounding, self._deal.decimals
        if tax == "included":
            return [each + rounded(each * rate, decimals, mode) for each in charges]
        if tax == "taken_out":
            return [each - rounded(each * rate / (1 + rate), decimals, mode) for each in charges]
        return charges

    def _tax_rate(self) -> Fraction:
        rates = self._rules.consumption_tax.rates
        return Fraction(next(each.rate for each in reversed(rates) if each.since <= self._deal.trade_date))

    def _feed(self) -> dict[str, Money]:
        found: dict[str, Money] = {}
        for number, fee in enumerate(self._rules.fees):
            choices = self._by.of("fees") if number == 0 else {}
            charged = choices.get(Aspect.CHARGED, "yes")
            if charged == "no" or (fee.side not in (None, self._side) and charged != "other_side"):
                continue
            how = self._charging(fee.level, fee.rounding, fee.spread, choices)
            funds = zip(self._gross, self._quantities, strict=True)
            if how.level is Level.FUND:
                exact = [limited(fee, parts(fee, *each)) for each in funds]
                found[fee.kind.value] = [rounded(each, how.decimals, how.mode) for each in exact]
            else:
                whole = limited(fee, parts(fee, self._block_gross, self._block_quantity))
                found[fee.kind.value] = self._on_block(whole, how)
        return found

    def _taxed(self) -> Money:
        choices, tax = self._by.of("consumption_tax"), self._rules.consumption_tax
        if Aspect.CHARGED in choices or self._by.of("commission").get(Aspect.TAX) == "included":
            return [_NOTHING] * len(self._gross)
        rate = Fraction(choices[Aspect.RATE]) if Aspect.RATE in choices else self._tax_rate()
        how = self._charging(tax.level, tax.rounding, tax.spread, choices)
        base = choices.get(Aspect.BASE, "commission_and_fees" if tax.on_fees else "commission")
        taxed = self._commission
        if base == "commission_and_fees":
            taxed = [sum(each, _NOTHING) for each in zip(taxed, *self._fees.values(), strict=True)]
        if base == "unrounded_commission":
            taxed = [
                charge(self._tariff(), *each) for each in zip(self._gross, self._quantities, strict=True)
            ]
        if Aspect.TAX in choices:
            rate /= 1 + rate
        if how.level is Level.BLOCK:
            return self._on_block(sum(taxed, _NOTHING) * rate, how)
        return [rounded(each * rate, how.decimals, how.mode) for each in taxed]

    def _netted(self) -> Money:
        choices = self._by.of("net")
        unit = Fraction(choices.get(Aspect.UNIT, "1"))
        adds = (self._side is Side.BUY) != (Aspect.SIGN in choices)
        nets = []
        for fund, gross in enumerate(self._gross):
            fees = sum((amounts[fund] for amounts in self._fees.values()), _NOTHING)
            commission, tax = self._commission[fund], self._tax[fund]
            charges = {
                "all": commission + tax + fees,
                "without_tax": commission + fees,
                "without_fees": commission + tax,
                "without_commission": fees,
                "gross_alone": _NOTHING,
            }[choices.get(Aspect.PARTS, "all")]
            net = gross + charges if adds else gross - charges
            nets.append(net if unit == 1 else rounded(net / unit, self._deal.decimals, Mode.DOWN))
        return nets

    def _charging(self, level: Level, mode: Mode, spreading: Spread, choices: Choices) -> _Charging:
        return _Charging(
            level=Level(choices.get(Aspect.LEVEL, level)),
            mode=choices.get(Aspect.ROUNDING, mode),
            by=By(choices.get(Aspect.SPREAD_BY, spreading.by)),
            remainder=Remainder(choices.get(Aspect.REMAINDER, spreading.remainder or REMAINDER)),
            decimals=int(choices.get(Aspect.DECIMALS, str(self._deal.decimals))),
        )

    def _charged(
        self, how: _Charging, of_amount: Callable[[Fraction, Fraction], Fraction], whole: Fraction
    ) -> Money:
        if how.level is Level.BLOCK:
            return self._on_block(of_amount(whole, self._block_quantity), how)
        exact = [of_amount(*each) for each in zip(self._gross, self._quantities, strict=True)]
        return [rounded(each, how.decimals, how.mode) for each in exact]

    def _on_block(self, whole: Fraction, how: _Charging) -> Money:
        weights = self._gross if how.by is By.GROSS else self._quantities
        unit = Fraction(1, 10**how.decimals)
        return spread(rounded(whole, how.decimals, how.mode), weights, self._quantities, unit, how.remainder)
