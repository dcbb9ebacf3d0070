"""The shared calculation of a trade, and what the rules let follow from it without another message.

It starts from what both sides have said: the block as the broker states it, else the investor; the funds as
the investor names them, else the broker. What the sides have computed has no part in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from canonical.amounts import total
from canonical.calculation.calculation import Calculation, calculate
from canonical.calculation.deal import Deal, Portion
from canonical.calendar import Calendar, calendar_named
from canonical.contracts.matching.v1.lines import account_key, account_of
from canonical.contracts.matching.v1.records import Half, Values
from canonical.contracts.matching.v1.shares import Share, Shares
from canonical.contracts.matching.v1.sides import Side
from canonical.contracts.matching.v1.statements import block_values, figures_of
from canonical.contracts.matching.v1.tolerance import TOTAL, difference
from canonical.message import Role
from canonical.problems import Problem, Rule
from canonical.result import Difference
from canonical.rules import Rules
from canonical.rules.spread import Remainder

_UNSETTLED = Remainder.LARGEST_FUND  # what rules leave open, a version settles before they come here


@dataclass(frozen=True, slots=True)
class Calculated:
    """What the calculation gives for a trade: of its funds by account, of its block, and in total.

    affirms: it may speak for the investor.
    """

    figures: dict[str, list[Values]]
    affirms: bool = False
    block: Values = field(default_factory=dict)
    totals: Values = field(default_factory=dict)

    def of(self, share: Share) -> Values:
        """The figures of a fund, or of its part at the price of `share`; empty where there are none."""
        found = self.figures.get(share.account)
        if found is None:
            return {}
        return next((values for values in found if len(found) == 1 or values["price"] == share.price), {})

    def unlike(self, share: Share, rules: Rules) -> tuple[Difference, ...]:
        """The broker's figures of a fund that are not the calculated ones, beyond tolerance."""
        values, stated = self.of(share), share.values
        compared = ((name, rules.compare.fund.tolerances[name]) for name in values)
        found = (difference(name, t, stated.get(name), values[name], {}) for name, t in compared)
        return tuple(
            each.model_copy(update={"calculated_for": Role.INVESTOR})
            for each in found
            if each is not None and not each.within
        )


NOTHING = Calculated({})


def calculation_of(
    broker: Side, investor: Side, rules: Rules, calendars: tuple[Calendar, ...]
) -> Calculation | tuple[Problem, ...]:
    """The trade's money by the rules, or what keeps it from being calculated."""
    deal = _deal(broker, investor)
    if deal is None:
        text = "the block, or some of its funds, are not known yet: state them, then ask again"
        return (Problem(field="funds", rule=Rule.REQUIRED, text=text),)
    return calculate(deal, rules, _UNSETTLED, calendar_named(calendars, rules.settlement.calendar))


def is_needed(rules: Rules) -> bool:
    """Whether what the sides say is judged by the shared calculation."""
    levels = (rules.compare.block, rules.compare.fund, rules.compare.total)
    held = any(level.rests_on_calculation for level in levels)
    return held or rules.agreeing.auto_affirm or rules.agreeing.confirm_by_calculation


def calculated(calculation: Calculation, rules: Rules) -> Calculated:
    """The figures of a calculation, as they are compared."""
    figures: dict[str, list[Values]] = {}
    for fund in calculation.funds:
        figures.setdefault(account_key(fund.account), []).append(figures_of(fund).values)
    sums, block = calculation.totals, calculation.block
    totals = {
        TOTAL + name: str(amount.amount)
        for name, amount in (
            ("gross", sums.gross),
            ("commission", sums.commission),
            ("consumption_tax", sums.consumption_tax),
            ("net", sums.net),
        )
    }
    return Calculated(figures, rules.agreeing.auto_affirm, block_values(block), totals)


def may_confirm(broker: Side, investor: Side, rules: Rules) -> bool:
    """Whether the calculation may confirm for the broker: it has given the block, and no figures of funds."""
    asked = rules.agreeing.confirm_by_calculation
    return asked and broker.given is not None and not broker.shares and investor.full and not investor.over


def confirmed(side: Side, calculation: Calculation) -> Side:
    """A side as one that has stated what was calculated, on the word of what it has said."""
    assert side.half is not None, "a side without a word states nothing"
    sources = tuple(statement.source for statement in side.half.statements)
    shares: Shares = {}
    for fund in calculation.funds:
        account = account_key(fund.account)
        share = Share(account, side.given or {}, figures_of(fund), None, calculated=True, sources=sources)
        shares.setdefault(account, []).append(share)
    return replace(side, shares=shares, quantity=calculation.block.quantity, full=True, over=False)


def _deal(broker: Side, investor: Side) -> Deal | None:
    """What the calculation starts from; None where the block or some of its funds are not known."""
    said = broker if broker.given is not None else investor
    split = investor if investor.shares else broker
    if said.half is None or said.given is None:
        return None
    portions = tuple(_portions(split.shares, said.given["price"]))
    if total(portion.quantity for portion in portions) != Decimal(said.given["quantity"]):
        return None
    return _made(said.half, said.given, portions)


def _made(half: Half, given: Values, portions: tuple[Portion, ...]) -> Deal:
    return Deal(
        side=half.terms.side,
        trade_date=half.terms.trade_date,
        currency=given["currency"],
        quantity=Decimal(given["quantity"]),
        price=Decimal(given["price"]),
        venue=half.terms.venue,
        order_format=half.terms.order_format,
        portions=portions,
    )


def _portions(shares: Shares, average: str) -> Iterator[Portion]:
    """Each fund's part; with its own price where executed prices are allocated."""
    for share in (share for each in shares.values() for share in each):
        values = share.values
        price = values.get("price", average)
        accrued, _, currency = values.get("accrued", "0").partition(" ")
        yield Portion(
            account=account_of(share.account),
            quantity=Decimal(share.figures.quantity),
            price=Decimal(price) if price != average else None,
            accrued=Decimal(accrued) if accrued != "0" and not currency else None,
        )
