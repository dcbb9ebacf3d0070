"""The second half of refusing: what the canonical layout finds wrong, told at the client's own fields."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from adapters.mapping_read import Origin, Reading
from adapters.mapping_rules import FieldRule, Level, MappingFile
from adapters.paths import Tree
from canonical.amounts import plain
from canonical.base import Canonical
from canonical.message import CLASSES, Kind
from canonical.problems import Problem, Rule, shortened
from canonical.trade import Allocation, BlockFigures, FundFigures, Side, assert_adds_up, assert_distinct

Fault = tuple[str, Rule, str]
"""A canonical place, the rule broken there, and the sentence that says what to do."""

# Which rule a failed constraint of the layout stands for; what is not here is a malformed value.
_RULES = {
    "missing": Rule.REQUIRED,
    "too_short": Rule.REQUIRED,
    "string_too_short": Rule.REQUIRED,
    "too_long": Rule.TOO_LARGE,
    "string_too_long": Rule.TOO_LARGE,
    "string_unicode": Rule.UNDECODABLE,
    "enum": Rule.UNKNOWN_CODE,
    "greater_than": Rule.OUT_OF_RANGE,
    "greater_than_equal": Rule.OUT_OF_RANGE,
    "less_than_equal": Rule.OUT_OF_RANGE,
    "decimal_max_digits": Rule.OUT_OF_RANGE,
    "decimal_whole_digits": Rule.OUT_OF_RANGE,
    "decimal_max_places": Rule.DECIMALS,
    "unexpected_keyword_argument": Rule.UNKNOWN_FIELD,
    "union_tag_not_found": Rule.REQUIRED,
    "union_tag_invalid": Rule.UNKNOWN_CODE,
}

# Rules about a part as a whole are told at the one field in it that is most likely wrong.
_BLAMED = {Rule.DATE_ORDER: "settlement_date", Rule.UNSUPPORTED: "net"}


def faults_of(kind: Kind, document: Tree) -> Iterator[Fault]:
    """Everything in `document` that the layout of `kind` refuses."""
    try:
        CLASSES[kind].model_validate(document)
    except ValidationError as error:
        # What concerns the whole message is left to `_between`: the layout stops at the first.
        found = [
            fault_of(fault) for fault in error.errors(include_url=False, include_input=False) if fault["loc"]
        ]
        for place, rule, text in found:
            # A list whose entries are all wrong is called too short as well.
            if not any(other.startswith(f"{place}/") for other, _, _ in found):
                yield place, rule, text
        yield from _between(kind, document)


def fault_of(fault: Any) -> Fault:
    """What pydantic found, as a fault."""
    rule = _rule(fault["type"])
    parts = [str(part) for part in fault["loc"]]
    return "/".join([*parts, *_within(rule, parts)]), rule, _sentence(fault["type"], fault["msg"])


def _rule(kind: str) -> Rule:
    try:
        return Rule(kind)
    except ValueError:
        return _RULES.get(kind, Rule.MALFORMED)


def _within(rule: Rule, parts: list[str]) -> list[str]:
    return [_BLAMED[rule]] if rule in _BLAMED and (parts[-1] == "terms" or parts[-1].isdecimal()) else []


_SENTENCES = {
    "missing": "missing: give a value",
    "unexpected_keyword_argument": "no field of the layout: leave it out",
    "union_tag_not_found": "missing: give a value",
    "string_too_short": "empty: give a value",
    "string_unicode": "no text in its character set: mend that",
}


def _sentence(kind: str, message: str) -> str:
    """What is wrong and what to do."""
    text = _SENTENCES.get(kind, message)[:480]
    return text if ":" in text else f"{text}: correct it"


def _between(kind: Kind, document: Tree) -> Iterator[Fault]:
    """What is wrong between sound parts: dates, sums, accounts given twice, net amounts."""
    fields = CLASSES[kind].model_fields
    if "terms" in fields:
        yield from _dates(document.get("terms", {}))
    name = next((name for name in ("allocations", "funds") if name in fields), None)
    if name is None:
        return
    figures: type[Allocation] | type[FundFigures] = Allocation if name == "allocations" else FundFigures
    block = _sound(BlockFigures, document.get("block"))
    parts = [_sound(figures, part) for part in document.get(name, ())]
    sound: Any = tuple(part for part in parts if part is not None)
    if block is not None and len(sound) == len(parts) > 0:
        yield from _failed("block/quantity", assert_adds_up, block, sound)
    yield from _twice(name, parts)
    side = _sound_side(document)
    for number, part in enumerate(parts):
        if isinstance(part, FundFigures) and side is not None:
            yield from _net(f"{name}/{number}/net", part, side)


def _dates(terms: Tree) -> Iterator[Fault]:
    traded, settles = terms.get("trade_date"), terms.get("settlement_date")
    if isinstance(traded, date) and isinstance(settles, date) and settles < traded:
        text = "settlement date is before trade date: correct one of the two"
        yield "terms/settlement_date", Rule.DATE_ORDER, text


def _sound(model: type[Canonical], value: Any) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _sound_side(document: Tree) -> Side | None:
    side = document.get("terms", {}).get("side")
    return Side(side) if side in list(Side) else None


def _failed(place: str, check: Any, *values: Any) -> Iterator[Fault]:
    try:
        check(*values)
    except PydanticCustomError as error:
        yield place, Rule(error.type), error.message()


def _twice(name: str, parts: list[Any]) -> Iterator[Fault]:
    """A fault for each part whose account stands before it already."""
    seen: dict[str, list[Any]] = {}
    for number, part in enumerate(parts):
        if part is not None:
            alike = seen.setdefault(part.account.code, [])
            faults = list(_failed(f"{name}/{number}/account/code", assert_distinct, (*alike, part)))
            yield from faults
            if not faults:
                alike.append(part)


def _net(place: str, fund: FundFigures, side: Side) -> Iterator[Fault]:
    expected = fund.net_of(side)
    if expected is not None and expected != fund.net.amount:
        text = f"its gross, commission, taxes and fees give {plain(expected)}: correct the one that is wrong"
        yield place, Rule.SUM, text


def told(mapping: MappingFile, reading: Reading, place: str, rule: Rule, text: str) -> Problem:
    """The problem for a fault at a canonical place, in the words of the sender."""
    origin = _origin(reading.places or {}, place.split("/"))
    if origin is None:
        origin = Origin(_would_stand(mapping, place) or mapping.message, "", reading.line)
    return Problem(
        field=origin.field[:256],
        value="" if rule is Rule.REQUIRED else shortened(origin.text),
        rule=rule,
        text=text,
        path=place.replace("/", "."),
        line=origin.line,
    )


def _origin(places: dict[str, Origin], parts: list[str]) -> Origin | None:
    """Where a canonical place came from: its own, that of what it is part of, or of the first thing in it.

    What the caller knew beside the bytes, "@sender", is nothing that the sender wrote.
    """
    written = {path: origin for path, origin in places.items() if not origin.field.startswith("@")}
    for length in range(len(parts), 0, -1):
        path = "/".join(parts[:length])
        if path in written:
            return written[path]
    prefix = "/".join(parts) + "/"
    return next((origin for path, origin in written.items() if path.startswith(prefix)), None)


def _would_stand(rules: Level, place: str) -> str:
    """The native place of the first rule that would have filled `place`; empty where none would."""
    names = [name for name in place.split("/") if not name.isdecimal()]
    for rule in rules.field:
        if rule.reads and not rule.at[0].startswith("@") and _leads_to(rule, names):
            return rule.at[0].removesuffix("/#")
    for group in rules.group:
        to = [step.name for step in group.to_path]
        if group.reads and names[: len(to)] == to:
            inside = _would_stand(group, "/".join(names[len(to) :])) if len(names) > len(to) else ""
            return "/".join(part for part in (group.at, inside) if part and part != "@")
    return ""


def _leads_to(rule: FieldRule, names: list[str]) -> bool:
    steps = [step.name for step in rule.to_paths[0]]
    return steps[: len(names)] == names or names[: len(steps)] == steps
