"""The worked examples of tests/golden/calculation, each done by hand in its comments."""

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.amounts import plain
from canonical.calculation.allocation import allocate
from canonical.calculation.arithmetic import average_price
from canonical.calculation.calculation import Calculation, calculate
from canonical.calculation.deal import Deal
from canonical.calculation.settlement import settlement_date
from canonical.calculation.working import Step
from canonical.calendar import Calendar
from canonical.problems import Problem
from canonical.rules import Rules
from canonical.rules.rounding import PriceRounding
from canonical.rules.spread import Allocation, Remainder
from canonical.rules.timetable import Settlement
from canonical.trade import FundFigures

PATHS = sorted((Path(__file__).parent.parent / "golden" / "calculation").glob("*.toml"))
WORLD = {"side": "buy", "trade_date": date(2026, 11, 20), "currency": "JPY", "price": Decimal("2845.5")}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_example(path: Path):
    """What the example comes to by hand is what the calculation says, and so is each step it shows."""
    example = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    assert example.pop("promise")
    [kind] = {"deal", "executions", "orders", "settlement"} & set(example)
    {"deal": of_deal, "executions": of_price, "orders": of_allocation, "settlement": of_date}[kind](example)


def test_there_are_examples():
    assert len(PATHS) >= 30


def of_deal(example: dict[str, Any]) -> None:
    """rules, deal -> figures of the block and of each fund, and steps; or problems."""
    rules = Rules.model_validate(example.get("rules", {}))
    remainder = Remainder(example.get("remainder", "larger_fraction"))
    found = calculate(deal_of(example["deal"]), rules, remainder)
    if not isinstance(found, Calculation):
        assert [f"{p.rule} {p.field}" for p in found] == example["problems"]
        return
    assert [figures(fund) for fund in found.funds] == example["funds"]
    if "block_gross" in example:
        assert found.block.gross is not None
        assert plain(found.block.gross.amount) == example["block_gross"]
    told = [line(step) for step in found.working]
    for step in example.get("working", ()):
        assert step in told


def deal_of(words: dict[str, Any]) -> Deal:
    """funds: "F1 20000", and where they have such "price=2846 accrued=100". The block is their sum."""
    portions = []
    for text in words["funds"]:
        code, quantity, *rest = text.split()
        more = dict(word.split("=") for word in rest)
        portions.append({"account": {"code": code}, "quantity": quantity, **more})
    whole = sum((Decimal(portion["quantity"]) for portion in portions), Decimal(0))
    rest = {key: value for key, value in words.items() if key != "funds"}
    return Deal.model_validate({**WORLD, "quantity": whole, **rest, "portions": portions})


def figures(fund: FundFigures) -> str:
    """As the examples have it: F1 gross commission tax net kind=fee."""
    assert fund.gross is not None
    amounts = (fund.gross, fund.commission, fund.consumption_tax, fund.net)
    fees = [f"{fee.kind}={plain(fee.charge.amount)}" for fee in fund.fees]
    return " ".join([fund.account.code, *(plain(money.amount) for money in amounts), *fees])


def line(step: Step) -> str:
    """A step as a line of the working."""
    whose = step.account.code if step.account else "block"
    rule = f" ({step.rule})" if step.rule else ""
    return f"{whose} {step.kind or step.name}: {step.of} = {step.exact} -> {plain(step.rounded)}{rule}"


def of_price(example: dict[str, Any]) -> None:
    """executions, rounding -> price."""
    executions = [tuple(Decimal(word) for word in text.split(" @ ")) for text in example["executions"]]
    rounding = PriceRounding.model_validate(example.get("rounding", {}))
    assert plain(average_price(executions, rounding)) == example["price"]  # pyright: ignore[reportArgumentType] - two each


def of_allocation(example: dict[str, Any]) -> None:
    """executed, orders, allocation -> parts, or a problem."""
    orders = [Decimal(order) for order in example["orders"].split()]
    allocation = Allocation.model_validate(example.get("allocation", {}))
    found = allocate(Decimal(example["executed"]), orders, allocation)
    if isinstance(found, Problem):
        assert f"{found.rule} {found.field}" == example["problem"]
    else:
        assert " ".join(plain(part) for part in found) == example["parts"]


def of_date(example: dict[str, Any]) -> None:
    """trade_date, settlement, calendar -> date, or a problem."""
    settlement = Settlement.model_validate(example["settlement"])
    calendar = Calendar.model_validate({"name": "JPX", **example["calendar"]})
    found = settlement_date(example["trade_date"], settlement, calendar)
    if isinstance(found, Problem):
        assert f"{found.rule} {found.field}" == example["problem"]
    else:
        assert found == example["date"]
