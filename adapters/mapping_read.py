"""The first half of reading: native fields into one document of canonical values, as the rules say.

A document is what all canonical messages of one native message are made of: a tree with the names of their
fields. Most messages are sound, so they are read without noting where each value came from. A message with
a problem is read once more, traced, and its problems are told at the native fields.
"""

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from adapters.converters import ConversionError, Options
from adapters.format import Decoded
from adapters.mapping_rules import HERE, PARENT, FieldRule, GroupRule, MappingFile, ReadStep
from adapters.paths import Found, Path, Tree, find, first, parse_path, put
from canonical.currencies import MINOR_UNITS
from canonical.problems import Problem, Rule, shortened

LINE = "@line"
FIELD_CHARACTERS_MAX = 256  # of Problem.field

Given = ReadOnly[str, str]
"""What the caller knows beside the bytes, under names with an "@"."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a canonical value came from: the place as the sender knows it, and the text."""

    field: str
    text: str
    line: int | None


@dataclass(slots=True)
class Reading:
    """A native message while it is read.

    wanted: names of the canonical fields that matter. line: where the message starts, where there are lines.
    places: canonical place to origin; None where nobody asks.
    """

    wanted: AbstractSet[str]
    line: int | None
    places: dict[str, Origin] | None
    options: Options = field(default_factory=Options)
    document: Tree = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(
        self, scope: "Scope", native: str, canonical: str, rule: Rule, text: str, *, value: str = ""
    ) -> None:
        """Add a problem at a native place of `scope`."""
        problem = Problem(
            field=scope.placed(native)[:FIELD_CHARACTERS_MAX],
            value=shortened(value),
            rule=rule,
            text=text,
            path=(scope.canonical + canonical).replace("/", ".") if canonical else "",
            line=scope.line,
        )
        self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Scope:
    """What stands before the places of the rules that are read. line: of the entry, where there are lines."""

    native: str = ""
    canonical: str = ""
    line: int | None = None

    def placed(self, native: str) -> str:
        """A native place within the scope, or beside it where it starts with the parent."""
        native = native.removesuffix("/#")  # the text of an element, whose name says enough
        if not native.startswith(f"{PARENT}/"):
            return self.native + native
        outer = self.native.rstrip("/").rpartition("/")[0]
        return (f"{outer}/" if outer else "") + native.removeprefix(f"{PARENT}/")


def read_one(
    mapping: MappingFile, decoded: Decoded, given: Given, wanted: AbstractSet[str], *, traced: bool
) -> Reading:
    """The document of one native message, as far as `wanted` goes, with all that is wrong with its fields."""
    reading = Reading(wanted, decoded.line, {} if traced else None, problems=list(decoded.problems))
    fields: Tree = {**decoded.fields, **given}
    scope = Scope(line=decoded.line)
    at, otherwise = mapping.currency.at, mapping.currency.default
    said = first(fields, parse_path(at)) if at else None
    reading.options = Options(currency=_currency(reading, said, at or "", scope, otherwise))
    _read_fields(reading, mapping.read_steps, fields, reading.document, scope)
    for group in mapping.group:
        if group.reads and group.to_path[0].name in wanted:
            _read_group(reading, group, fields, reading.document, scope)
    return reading


def _currency(reading: Reading, text: Any, at: str, scope: Scope, otherwise: str) -> str:
    """The currency that the sender gives, if it is one. One that is not is told once, not at each amount."""
    if not text or not isinstance(text, str):
        return otherwise
    if text not in MINOR_UNITS:
        advice = "not an ISO 4217 currency: send its three letters"
        reading.note(scope, at, "", Rule.UNKNOWN_CODE, advice, value=text)
        return otherwise
    return text


def _read_fields(
    reading: Reading, steps: Iterable[ReadStep], native: Tree, canonical: Tree, scope: Scope
) -> None:
    """Most fields are one native name and one canonical place: these are done here, the others one by one."""
    options, traced = reading.options, reading.places is not None
    for rule, name, may_skip, parent, to, decode in steps:
        text = native.get(name) if name else None
        if text and to and not traced and isinstance(text, str):
            try:
                value = decode(text, options)
            except ConversionError:
                _read_field(reading, rule, native, canonical, scope)
                continue
            if parent:
                canonical.setdefault(parent, {})[to] = value
            else:
                canonical[to] = value
        elif text or not name or not may_skip:
            _read_field(reading, rule, native, canonical, scope)


def _read_field(reading: Reading, rule: FieldRule, native: Tree, canonical: Tree, scope: Scope) -> None:
    if rule.conditions and not all(condition.holds(native) for condition in rule.conditions):
        return
    if rule.single and len(list(find(native, rule.at_paths[0]))) > 1:
        advice = "stands more than once: send one message for each"
        reading.note(scope, rule.at[0], rule.to[0], Rule.STRUCTURE, advice)
        return
    text = native.get(rule.plain_at) if rule.plain_at else _looked_up(rule, native)
    if not text or not isinstance(text, str) or text in rule.nothing:
        text = rule.default
    if text is not None:
        _take(reading, rule, text, native, canonical, scope)
    elif rule.required:
        reading.note(scope, rule.at[0], rule.to[0], Rule.REQUIRED, rule.advice or "missing: give a value")


def _looked_up(rule: FieldRule, native: Tree) -> Any:
    """What the first native place holds that holds anything."""
    for get in rule.getters:
        found = get(native)
        if found and found not in rule.nothing:
            return found
    return None


def _take(reading: Reading, rule: FieldRule, text: str, native: Tree, canonical: Tree, scope: Scope) -> None:
    options = reading.options
    if rule.get_currency and rule.currency:
        own = _currency(reading, rule.get_currency(native), rule.currency, scope, options.currency)
        options = options if own == options.currency else Options(currency=own)
    try:
        value = rule.decode(text, options)
    except ConversionError as error:
        advice = rule.advice or error.text
        reading.note(scope, _place(rule, native), rule.to[0], error.rule, advice, value=text)
        return
    names = rule.plain_to
    if len(names) == 1:
        place = names[0]
        if place != HERE:
            canonical[place] = value
    else:
        place = put(canonical, rule.to_paths[0], value)
    if reading.places is not None:
        origin = Origin(scope.placed(_place(rule, native)), text, scope.line)
        reading.places[scope.canonical + place] = origin


def _place(rule: FieldRule, native: Tree) -> str:
    """Where the rule's value stands; where it would have to stand if there is none."""
    for text, path in zip(rule.at, rule.at_paths, strict=True):
        for place, value in find(native, path):
            if value != "" and value not in rule.nothing:
                return f"{PARENT}/{place.partition('/')[2]}" if text.startswith(f"{PARENT}/") else place
    return rule.at[0]


def _read_group(reading: Reading, group: GroupRule, native: Tree, canonical: Tree, scope: Scope) -> None:
    if group.conditions and not all(condition.holds(native) for condition in group.conditions):
        return
    entries: list[Tree] | None = None
    traced = reading.places is not None
    for place, entry in _entries(group, native, traced=traced):
        if isinstance(entry, dict):
            if entries is None:
                entries = _list_at(canonical, group.to_path)
            inner = _inner(group, place, entry, len(entries), scope) if traced else scope
            entries.append(_entry(reading, group, entry, native, inner))
    if entries is None and group.required:
        reading.note(scope, group.at, group.to, Rule.REQUIRED, "at least one entry is needed: give it")


def _entries(group: GroupRule, native: Tree, *, traced: bool) -> Iterable[Found]:
    """The native entries with their places; without them, which is faster, where nobody asks."""
    path = group.at_path
    if group.at == HERE:
        return ((HERE, native),)
    if traced or len(path) > 1:
        return find(native, path)
    step = next(iter(path))
    return (("", entry) for entry in step.entries(native.get(step.name)))


def _entry(reading: Reading, group: GroupRule, entry: Tree, native: Tree, scope: Scope) -> Tree:
    """One canonical entry, with what chooses it: `fees[kind=levy]` gives entries of that kind."""
    value: Tree = {name: test.value for test in group.to_path[-1].tests if test.equal for name in test.names}
    if group.reads_parent:
        entry = {**entry, PARENT: native}
    _read_fields(reading, group.read_steps, entry, value, scope)
    for inside in group.group:
        if inside.reads:
            _read_group(reading, inside, entry, value, scope)
    return value


def _list_at(tree: Tree, path: Path) -> list[Tree]:
    """The list at `path`, made where it is not there."""
    for step in path[:-1]:
        if step.index is None:
            tree = tree.setdefault(step.name, {})
        else:
            entries = tree.setdefault(step.name, [])
            entries.extend({} for _ in range(step.index + 1 - len(entries)))
            tree = entries[step.index]
    found: list[Tree] = tree.setdefault(path[-1].name, [])
    return found


def _inner(group: GroupRule, place: str, entry: Tree, number: int, scope: Scope) -> Scope:
    """Rows of a file are told by their line, entries of other groups by their place."""
    steps = (step.name if step.index is None else f"{step.name}/{step.index}" for step in group.to_path)
    canonical = f"{scope.canonical}{'/'.join(steps)}/{number}/"
    if group.at == HERE:
        return Scope(scope.native, canonical, scope.line)
    if LINE in entry:
        return Scope(scope.native, canonical, int(entry[LINE]))
    return Scope(f"{scope.native}{place}/", canonical, scope.line)
