"""Both sides of a trade in few words, as tests/golden/diagnosis/README.md tells them."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from canonical.amounts import FeeKind
from canonical.calendar import Calendar
from canonical.diagnosis import Cause, FundSides, Kind, Sides, View
from canonical.diagnosis.english import in_english
from canonical.diagnosis.japanese import in_japanese
from canonical.rules import Rules
from canonical.rules.spread import Remainder

GOLDEN = Path(__file__).parents[1] / "golden" / "diagnosis"
_TERMS = {
    "side": "buy",
    "trade_date": "2026-11-20",
    "settlement_date": "2026-11-25",
    "isin": "JP3633400001",
    "currency": "JPY",
}
_FEES = {kind.value for kind in FeeKind}
_NAMES = {"tax": "consumption_tax"}

_UNTRIED = (Kind.STATED, Kind.EXCHANGED)

Values = dict[str, str]


def case(path: Path) -> dict[str, Any]:
    """One file, its figures as Decimal."""
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def sides_of(words: Mapping[str, Any]) -> Sides:
    """What a case asks about."""
    broker, investor = ({**words.get("both", {}), **words.get(name, {})} for name in ("broker", "investor"))
    funds = [_funds(broker), _funds(investor)]
    closed = words.get("closed")
    return Sides(
        broker=_block(broker),
        investor=_block(investor),
        funds=tuple(
            FundSides(account, funds[0].get(account), funds[1].get(account))
            for account in dict.fromkeys((*funds[1], *funds[0]))
        ),
        rules=Rules.model_validate(words.get("rules", {})),
        remainder=Remainder.LARGER_FRACTION,
        calendar=Calendar.model_validate(
            {"name": "JPX", "first": "2026-01-01", "last": "2026-12-31", "closed": closed}
        )
        if closed is not None
        else None,
    )


def _terms(said: Mapping[str, Any]) -> Values:
    return {**_TERMS, **said.get("terms", {})}


def _block(said: Mapping[str, Any]) -> Values | None:
    return {**_terms(said), **_figures(said["block"].split())} if "block" in said else None


def _funds(said: Mapping[str, Any]) -> dict[str, Values]:
    price = {"price": said["block"].split()[1]} if "block" in said else {}
    found = {}
    for text in said.get("funds", ()):
        account, quantity, *figures = text.split()
        found[account] = {**_terms(said), **price, **_figures([quantity, *figures])}
    return found


def _figures(words: list[str]) -> Values:
    """Quantity, price where it stands without a name, and named figures: "20000 gross=56910000 stamp=200"."""
    plain = [word for word in words if "=" not in word]
    said = dict(word.split("=") for word in words if "=" in word)
    found = dict(zip(("quantity", "price"), plain, strict=False))
    fees = [f"{kind} {said.pop(kind)}" for kind in sorted(_FEES & said.keys())]
    found |= {_NAMES.get(name, name): figure for name, figure in said.items()}
    if "commission" in said or "net" in said or fees:
        found |= {"accrued": "0", "fees": ", ".join(fees)}
    return found


def told(cause: Cause) -> dict[str, Any]:
    """A cause as a case expects it."""
    found: dict[str, Any] = {"kind": cause.kind.value, "field": cause.field}
    if cause.block:
        found["block"] = True
    if cause.accounts:
        found["funds"] = list(cause.accounts)
    if cause.follows:
        found["follows"] = list(cause.follows)
    for name, view in (("broker", cause.broker), ("investor", cause.investor)):
        found[name] = " ".join([view.figure, *(() if cause.kind in _UNTRIED else _ways(view))])
    if cause.parts_at is not None:
        found["parts_at"] = cause.parts_at.value
    return found | {"english": in_english(cause), "japanese": in_japanese(cause)}


def _ways(view: View) -> list[str]:
    """The first convention: "rounding=half_up"; "as agreed" where it departs in nothing."""
    if not view.conventions:
        return ["unexplained"]
    choices = view.conventions[0].choices
    return [f"{c.aspect.value}={c.value.replace(' ', '+')}{'' if c.agreed else '!'}" for c in choices] or [
        "as_agreed"
    ]
