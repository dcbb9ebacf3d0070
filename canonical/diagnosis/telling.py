"""Causes put together: funds that part for one reason are told as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canonical.amounts import FeeKind
from canonical.diagnosis.cause import (
    ACCOUNTS_NAMED_MAX,
    CHAIN,
    CONVENTIONS_NAMED_MAX,
    FIGURES,
    Aspect,
    Cause,
    Choice,
    Convention,
    Kind,
    View,
)
from canonical.diagnosis.search import Made

Agreed = Callable[[Aspect], str]
"""What the rules say of an aspect; empty where they say nothing."""

Words = tuple[str | bool, ...]

BLOCK = -1  # the block's place among the funds, which begin at 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one figure differs. broker, investor: the conventions of each, the most customary first."""

    kind: Kind
    broker: tuple[Made, ...] = ()
    investor: tuple[Made, ...] = ()
    follows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parted:
    """One figure that differs. place: of the fund, or BLOCK."""

    place: int
    broker: str
    investor: str
    reason: Reason


def causes_of(
    field: str,
    parted: Sequence[Parted],
    accounts: Sequence[str],
    agreed: tuple[Agreed, Agreed],
    *,
    fee: FeeKind | None = None,
    currency: str | None = None,
) -> list[Cause]:
    """One cause for each reason, in the order in which they first appear. agreed: the broker's side first."""
    groups: dict[tuple[Reason, Words], list[Parted]] = {}
    for each in parted:
        groups.setdefault((each.reason, _words(field, each)), []).append(each)
    named = _Named(field, fee, currency)
    return [_cause(named, reason, group, accounts, agreed) for (reason, _), group in groups.items()]


def _words(field: str, parted: Parted) -> Words:
    """What must be alike for words to be told together: who names a fund, or what each side says."""
    if parted.reason.kind is not Kind.STATED or field in FIGURES:
        return ()
    return (bool(parted.broker),) if field == "account" else (parted.broker, parted.investor)


@dataclass(frozen=True, slots=True)
class _Named:
    """What differs."""

    field: str
    fee: FeeKind | None
    currency: str | None


def _cause(
    named: _Named,
    reason: Reason,
    group: Sequence[Parted],
    accounts: Sequence[str],
    agreed: tuple[Agreed, Agreed],
) -> Cause:
    first = group[0]
    aspects = _departed_in(reason)
    views = [
        _view(figure, made, aspects, of_side)
        for figure, made, of_side in zip(
            (first.broker, first.investor), (reason.broker, reason.investor), agreed, strict=True
        )
    ]
    funds = [accounts[each.place] for each in group if each.place != BLOCK]
    return Cause(
        kind=reason.kind,
        field=named.field,
        block=first.place == BLOCK,
        accounts=tuple(funds[:ACCOUNTS_NAMED_MAX]),
        more_accounts=max(0, len(funds) - ACCOUNTS_NAMED_MAX),
        fee=named.fee,
        currency=named.currency,
        broker=views[0],
        investor=views[1],
        parts_at=_parts_at(aspects, *views) if reason.kind is Kind.EXPLAINED else None,
        follows=reason.follows,
    )


def _departed_in(reason: Reason) -> tuple[Aspect, ...]:
    """The aspects in which the first convention of either side is not what the rules say."""
    firsts = [made[0] for made in (reason.broker, reason.investor) if made]
    departed = [aspect for made in firsts for aspect, _ in made]
    return tuple(aspect for aspect in CHAIN if aspect in departed)


def _view(figure: str, conventions: Sequence[Made], aspects: Sequence[Aspect], agreed: Agreed) -> View:
    named = conventions[:CONVENTIONS_NAMED_MAX]
    return View(
        figure=figure,
        conventions=tuple(
            _convention(made, aspects if place == 0 else (), agreed) for place, made in enumerate(named)
        ),
        others=len(conventions) - len(named),
    )


def _convention(made: Made, beside: Sequence[Aspect], agreed: Agreed) -> Convention:
    """A convention with what it departs in, and what it does where the other side departs."""
    departures = dict(made)
    choices = []
    for aspect in CHAIN:
        if aspect in departures:
            value = departures[aspect]
        elif aspect in beside and agreed(aspect):
            value = agreed(aspect)
        else:
            continue
        choices.append(Choice(agreed=value == agreed(aspect), aspect=aspect, value=value))
    return Convention(choices=tuple(choices))


def _parts_at(aspects: Sequence[Aspect], broker: View, investor: View) -> Aspect | None:
    """The first aspect in which the two conventions have different values."""
    values = [
        {choice.aspect: choice.value for choice in view.conventions[0].choices} if view.conventions else {}
        for view in (broker, investor)
    ]
    return next((aspect for aspect in aspects if values[0].get(aspect) != values[1].get(aspect)), None)
