"""Writing: a canonical object into native fields, one Decoded per native message."""

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly
from typing import Any

from adapters.converters import Options
from adapters.format import Decoded, Fields
from adapters.mapping_rules import HERE, FieldRule, GroupRule, Level, MappingFile
from adapters.paths import ABSENT, PRESENT, Condition, Path, Step, Tree, find, first, parse_path, put
from canonical.answer_text import pieces_of, shortened_text
from canonical.base import Canonical
from canonical.message import part_reference

PART = "@part"
_FREE_TEXT = ("text", "ascii", "non_ascii")  # converters of what is cut between words where it is too long


def write(mapping: MappingFile, value: Canonical, beside: ReadOnly[str, Any]) -> tuple[Decoded, ...]:
    """The native messages for a canonical object.

    beside: what is written besides it, under reserved names: "@now" (datetime with zone), "@echo" (fields of
    the message that is answered), "@message" (its native type), "@client" (what the client's settings say).
    """
    document = {**value.model_dump(mode="python", exclude_none=True), **beside}
    if not _hold(mapping.write_conditions, document):
        return ()
    return tuple(Decoded(mapping.message, _written(mapping, each)) for each in _each(mapping, document))


def _each(mapping: MappingFile, document: Tree) -> Iterable[Tree]:
    """The document, or one per element of the list `each`, with an id and a reference of its own."""
    if not mapping.each:
        return (document,)
    elements = document.get(mapping.each, ())
    return (
        {**document, mapping.each: [element], **_names(document, number, len(elements))}
        for number, element in enumerate(elements, start=1)
    )


def _names(document: Tree, number: int, of: int) -> Tree:
    told = [key for key in ("reference", "replaces") if key in document]
    names: Tree = {key: part_reference(document[key], number, of) for key in told}
    return {**names, PART: f"{document.get('id', '')}/{number}"}


def _written(mapping: MappingFile, document: Tree) -> Fields:
    native: Tree = {}
    for path, pieces in _write_rules(mapping, document, native):
        *parents, last, name = path
        assert last.index is not None, f"{mapping.message}: what is continued stands in an entry of a list"
        entries = _list_at(native, (*parents, last))
        entries += _continued(entries[last.index], name, pieces)
    return native


Continued = list[tuple[Path, list[str]]]
"""What a field had no room for, with its place."""


def _continued(entry: Tree, name: Step, pieces: list[str]) -> list[Tree]:
    """Entries alike, each with a further piece."""
    return [{**entry, name.name: piece} for piece in pieces]


def _write_rules(rules: Level, canonical: Tree, native: Tree) -> Continued:
    for constant in rules.constant:
        if _hold(constant.write_conditions, canonical):
            value = constant.value
            put(native, parse_path(constant.at), value if isinstance(value, str) else dict(value))
    more: Continued = []
    for rule in rules.field:
        if rule.writes and not rule.at[0].startswith("@") and _hold(rule.write_conditions, canonical):
            more += _write_field(rule, canonical, native)
    for group in rules.group:
        if group.writes and _hold(group.write_conditions, canonical):
            _write_group(group, canonical, native)
    return more


def _hold(conditions: tuple[Condition, ...], canonical: Tree) -> bool:
    return all(condition.holds(canonical) for condition in conditions)


def _write_field(rule: FieldRule, canonical: Tree, native: Tree) -> Continued:
    value = _first_said(rule, canonical)
    if value is None:
        return []
    text = native_text(rule, value)
    if text is None:
        return []
    text, *pieces = pieces_of(text, rule.characters_max) if rule.continued else [text]
    put(native, rule.at_paths[0], text)
    if rule.currency:
        put(native, parse_path(rule.currency), str(value["currency"]))
    for at, values in rule.when.items():
        if values[0] not in (ABSENT, PRESENT):
            put(native, parse_path(at), values[0])
    return [(rule.at_paths[0], pieces)] if pieces else []


def native_text(rule: FieldRule, value: Any) -> str | None:
    """What `rule` writes for a canonical value; None where the format has nothing for it."""
    characters_max = 0 if rule.continued else rule.characters_max
    if isinstance(value, str) and characters_max and rule.convert in _FREE_TEXT:
        value = shortened_text(value, characters_max, "...")
    text = rule.converter.encode(value, Options(characters_max=characters_max))
    return rule.native_codes.get(text or "", rule.default) if rule.native_codes else text


def _first_said(rule: FieldRule, canonical: Tree) -> Any:
    if rule.to[0] == HERE:
        return canonical
    if rule.converter.gathers:
        return [value for path in rule.to_paths for _, value in find(canonical, path)] or None
    found = [value for path in rule.to_paths if (value := first(canonical, path)) is not None]
    return next((value for value in found if value != ""), found[0] if found else None)


def _write_group(group: GroupRule, canonical: Tree, native: Tree) -> None:
    entries: list[Tree] = []
    for _, element in find(canonical, group.to_path):
        entry: Tree = {}
        more = _write_rules(group, element, entry)
        if group.at == HERE:
            native.update(entry)
        else:
            further = [each for path, pieces in more for each in _continued(entry, path[0], pieces)]
            entries += [entry, *further]
    if entries:
        _add(native, group.at_path, entries)


def _add(native: Tree, path: Path, entries: list[Tree]) -> None:
    """Put entries behind those that stand at `path`."""
    _list_at(native, path).extend(entries)


def _list_at(native: Tree, path: Path) -> list[Tree]:
    for step in path[:-1]:
        native = native.setdefault(step.name, {})
    found: list[Tree] = native.setdefault(path[-1].name, [])
    return found
