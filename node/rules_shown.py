"""A rules document as it is shown, and two of them as they differ."""

from collections.abc import Iterator, Sequence
from typing import Any

from canonical.base import Model
from canonical.rules import Rules
from canonical.rules.clause import Clause
from node.inspection import Shown
from node.rules_document import RulesDocument, place_of
from node.rules_words import lines_of

HEAD = ("broker", "investor", "version", "from_trade_date")


class RuleShown(Shown):
    """One rule. stated: whether the document says so, or leaves it out and has the default."""

    place: str
    text: str
    stated: bool


class DocumentShown(Shown):
    """A document and its rules. document: as it can be read by programs."""

    document: dict[str, Any]
    rules: tuple[RuleShown, ...]


class RuleDifference(Shown):
    """A rule that changes. before, after: None where there is no such rule."""

    place: str
    before: str | None
    after: str | None


def shown(document: RulesDocument) -> DocumentShown:
    """All rules of a document, those that it leaves out too."""
    rules = tuple(
        RuleShown(place=place, text=text, stated=_is_stated(document.rules, place))
        for place, text in lines_of(document.rules)
    )
    return DocumentShown(document=document.model_dump(mode="json", exclude_none=True), rules=rules)


def _is_stated(rules: Rules, place: str) -> bool:
    """Whether the document has the place, or one above or below it."""
    here: Any = rules
    for step in place.split("."):
        name, _, number = step.partition("[")
        if name not in here.model_fields_set:
            return False
        here = getattr(here, name)
        if not isinstance(here, Clause) or number:
            return True
    return True


def gathered(rules: Sequence[RuleShown]) -> Iterator[RuleShown]:
    """Fields of one level that are compared in the same way as one line: compare.fund: side, instrument."""
    fields: dict[tuple[str, str, bool], list[str]] = {}
    for rule in rules:
        if rule.place.startswith("compare."):
            level, _, field = rule.place.rpartition(".")
            fields.setdefault((level, rule.text, rule.stated), []).append(field)
    told = False
    for rule in rules:
        if not rule.place.startswith("compare."):
            yield rule
        elif not told:
            told = True
            for (level, text, stated), names in fields.items():
                yield RuleShown(place=f"{level}: {', '.join(names)}", text=text, stated=stated)


def differences(old: RulesDocument, new: RulesDocument) -> tuple[RuleDifference, ...]:
    """Each rule that is another one in the new document, whether stated or by default, and the head.

    What has no effect on either side of the change, such as the spread of a charge on the fund, is named too.
    """
    found = list(_different(_words(old), _words(new)))
    told = tuple(difference.place for difference in found)
    quiet = _different(dict(_leaves(old)), dict(_leaves(new)))
    return (*found, *(leaf for leaf in quiet if not leaf.place.startswith(told)))


def _different(before: dict[str, str], after: dict[str, str]) -> Iterator[RuleDifference]:
    for place in dict.fromkeys((*before, *after)):
        if before.get(place) != after.get(place):
            yield RuleDifference(place=place, before=before.get(place), after=after.get(place))


def _words(document: RulesDocument) -> dict[str, str]:
    head = {name: str(getattr(document, name)) for name in HEAD}
    return {**head, **{f"rules.{place}": text for place, text in lines_of(document.rules)}}


def _leaves(value: Any, steps: tuple[int | str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every value of a document by its place."""
    if isinstance(value, Model):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name), (*steps, name))
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _leaves(each, (*steps, number))
    else:
        yield place_of(steps), "nothing" if value is None else str(value)
