"""The rules of one relationship over the API, in all versions that its two sides have agreed on."""

import datetime
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from canonical.identifiers import Lei
from canonical.rules import Rules
from node.act_records import stored_register
from node.inspection import Shown, View
from node.rules_document import RulesDocument
from node.rules_history import FIRST_VERSION, is_about
from node.rules_words import lines_of


class RulesAsked(BaseModel):
    """trade_date: the version alone that holds for it; all of them if not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trade_date: datetime.date | None = None


class RuleLine(Shown):
    """One rule in words. place: in the document."""

    place: str
    text: str


class RulesVersion(Shown):
    """One version. from_trade_date: None for the first, which is for all. agreed: at which position.

    rules: None where this service provider cannot read the document that the two have agreed on.
    """

    version: int
    from_trade_date: datetime.date | None
    agreed: int | None
    rules: Rules | None
    lines: tuple[RuleLine, ...]


class RelationshipRules(Shown):
    """The rules of a relationship, first to last: of several for a trade date, the last one holds."""

    broker: Lei
    investor: Lei
    versions: tuple[RulesVersion, ...]


Documents = Callable[[str], RulesDocument | None]
"""Gives what the document of an id says; None where this node does not know."""


def rules_shown(
    view: View, documents: Documents, sides: tuple[str, str], asked: RulesAsked
) -> RelationshipRules | None:
    """The rules between two institutions, in whichever order; None where there is no relationship."""
    register = stored_register(view.connection, view.network)
    orders = (sides, (sides[1], sides[0]))
    pair = next((pair for pair in orders if register.is_relationship(*pair)), None)
    if pair is None:
        return None
    versions = [_version(FIRST_VERSION, None, None, register.now.rules[pair])]
    for position, act in register.agreed.versions(*pair):
        document = documents(act.document)
        rules = document.rules if is_about(document, act) and document is not None else None
        versions.append(_version(act.version, act.from_trade_date, position, rules))
    if (day := asked.trade_date) is not None:
        versions = [one for one in versions if one.from_trade_date is None or one.from_trade_date <= day][-1:]
    return RelationshipRules(broker=pair[0], investor=pair[1], versions=tuple(versions))


def _version(
    number: int, first: datetime.date | None, agreed: int | None, rules: Rules | None
) -> RulesVersion:
    told = lines_of(rules) if rules is not None else ()
    lines = tuple(RuleLine(place=place, text=text) for place, text in told)
    return RulesVersion(version=number, from_trade_date=first, agreed=agreed, rules=rules, lines=lines)
