"""How rules and what they come to are printed."""

import re
from collections.abc import Sequence

from rich.table import Table

from canonical.amounts import Money
from canonical.calculation.calculation import Calculation, Totals
from canonical.calculation.working import Step
from canonical.currencies import MINOR_UNITS
from canonical.trade import FundFigures
from node.checking import Verdict
from node.rules_shown import RuleShown, gathered
from node.rules_words import number

COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red"}
_WHOLE_NUMBER = re.compile(r"(?<![\d.])\d{4,}")


def rules_table(rules: Sequence[RuleShown]) -> Table:
    """All rules, those by default marked."""
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "what holds", ""):
        table.add_column(name, overflow="fold")
    for rule in gathered(rules):
        table.add_row(
            rule.place, rule.text, "" if rule.stated else "by default", style=None if rule.stated else "dim"
        )
    return table


def figures_table(found: Calculation) -> Table:
    """The money of each fund, and the sums."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    kinds = [fee.kind for fee in found.totals.fees]
    accrued = ["accrued"] if found.totals.accrued is not None else []
    names = ["quantity", "price", "gross", "commission", "consumption tax", *kinds, *accrued, "net"]
    for name in names:
        table.add_column(str(name), justify="right")
    for fund in found.funds:
        table.add_row(
            fund.account.code, number(fund.quantity), number(fund.price.value), *_money(fund, found.totals)
        )
    table.add_section()
    block = found.block
    table.add_row(
        "total", number(block.quantity), number(block.price.value), *_money(found.totals, found.totals)
    )
    return table


def _money(figures: FundFigures | Totals, totals: Totals) -> list[str]:
    """The amounts in the columns' order, with all decimals that the currency has."""
    fees = {fee.kind: fee.charge for fee in figures.fees}
    amounts: list[Money | None] = [figures.gross, figures.commission, figures.consumption_tax]
    amounts += [fees.get(fee.kind) for fee in totals.fees]
    amounts += [figures.accrued] if totals.accrued is not None else []
    return [_amount(money) for money in (*amounts, figures.net)]


def _amount(money: Money | None) -> str:
    return f"{money.amount:,.{MINOR_UNITS[money.currency]}f}" if money is not None else ""


def working_table(found: Calculation) -> Table:
    """Each step: 56,910,000 x 0.001 = 56,910 -> 56,910 (down)."""
    table = Table(box=None, pad_edge=False)
    for name in ("", "step", "working", "exact", "figure", "rule"):
        table.add_column(name, justify="right" if name in {"exact", "figure"} else "left", overflow="fold")
    for step in found.working:
        table.add_row(*_cells(step))
    return table


def _cells(step: Step) -> list[str]:
    whose = step.account.code if step.account is not None else "block"
    name = f"fee: {step.kind}" if step.kind is not None else step.name.replace("_", " ")
    return [whose, name, _grouped(step.of), _grouped(step.exact), number(step.rounded), step.rule]


def _grouped(text: str) -> str:
    """The figures in a text with separators, their decimals as they are."""
    return _WHOLE_NUMBER.sub(lambda found: f"{int(found[0]):,}", text)
