"""How a figure came about, told step by step so that both sides can do it again by hand."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.amounts import Amount, FeeKind, plain
from canonical.base import Canonical
from canonical.calculation.arithmetic import amounts_in, band_of
from canonical.identifiers import FundAccount
from canonical.rules.charges import Band, Bands, Discounted, FeeRule, Tariff

STEPS_MAX = 50_000
EXACT_DECIMALS_MAX = 10


class StepName(StrEnum):
    """The figure that a step gives."""

    GROSS = "gross"
    COMMISSION = "commission"
    FEE = "fee"
    CONSUMPTION_TAX = "consumption_tax"
    NET = "net"


class Step(Canonical):
    """One step: `of` gives `exact`, which `rule` makes `rounded`.

    account: None for the block. kind: of a fee. of: the sum or product, written out. exact: with an ellipsis
    where it has more than 10 decimals. rule: the rounding, or how the block's figure is spread; empty where
    nothing has to be rounded.
    """

    account: FundAccount | None = None
    name: StepName
    kind: FeeKind | None = None
    of: str
    exact: str
    rounded: Amount
    rule: str = ""


Working = Annotated[tuple[Step, ...], Field(max_length=STEPS_MAX)]


def steps_of_funds(working: Working, accounts: Sequence[FundAccount]) -> list[Working]:
    """The steps of each fund, in their order. accounts: of the funds; one may stand several times.

    Every step is taken for all funds, in the order of the funds, before the next: an account's steps come in
    turns, one for each of its places.
    """
    steps: dict[FundAccount | None, list[Step]] = {}
    for step in working:
        steps.setdefault(step.account, []).append(step)
    turns, places = Counter(accounts), Counter[FundAccount]()
    found = []
    for account in accounts:
        found.append(tuple(steps[account][places[account] :: turns[account]]))
        places[account] += 1
    return found


def exact_text(value: Decimal) -> str:
    """`value` as digits, of more than 10 decimals the first 10 and an ellipsis."""
    whole, point, fraction = plain(value).partition(".")
    return f"{whole}{point}{fraction[:EXACT_DECIMALS_MAX]}{'…' if fraction[EXACT_DECIMALS_MAX:] else ''}"


def tariff_text(tariff: Tariff, gross: Decimal, quantity: Decimal) -> str:
    """What a commission is computed from: "56910000 x 0.001, at most 50000, less 10 %"."""
    if tariff.applied is Bands.MARGINAL:
        parts = amounts_in(tariff.bands, gross)
        told = " + ".join(f"{plain(amount)} x {plain(rate)}" for amount, rate in parts) or "0"
    else:
        told = _parts_text(band_of(tariff.bands, gross), gross, quantity)
    limits = "".join(_limits(tariff))
    less = f", less {plain(tariff.discount_percent)} %" if tariff.discount_percent else ""
    return f"{told}{less}{limits}" if tariff.discounted is Discounted.FIRST else f"{told}{limits}{less}"


def fee_text(fee: FeeRule, gross: Decimal, quantity: Decimal) -> str:
    """What a fee is computed from."""
    return _parts_text(fee, gross, quantity) + "".join(_limits(fee))


def _parts_text(charged: Band | FeeRule, gross: Decimal, quantity: Decimal) -> str:
    parts = []
    if charged.rate:
        parts.append(f"{plain(gross)} x {plain(charged.rate)}")
    if charged.per_share:
        parts.append(f"{plain(quantity)} x {plain(charged.per_share)}")
    if charged.flat:
        parts.append(plain(charged.flat))
    return " + ".join(parts) or "0"


def _limits(limits: Tariff | FeeRule) -> Iterator[str]:
    if limits.minimum is not None:
        yield f", at least {plain(limits.minimum)}"
    if limits.maximum is not None:
        yield f", at most {plain(limits.maximum)}"
