"""Checks at load that no rule of a mapping can see alone: canonical places and codes exist in the layout."""

from collections.abc import Iterator, Sequence
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from adapters.mapping_rules import ConstantRule, FieldRule, GroupRule, Level, MappingFile
from adapters.paths import Path, parse_path
from canonical.answer import Answer
from canonical.base import Canonical
from canonical.identifiers import SHORT_CHARACTERS
from canonical.message import CLASSES, NODE_KINDS

STATUS, FINALITY = "status", "finality"  # of an answer: its status, and whether that is final


def mistakes(mapping: MappingFile) -> Iterator[str]:
    """What is wrong with the canonical side of `mapping`, one sentence each.

    A mapping that reads fills the messages that it says; what it writes is one of these, or an answer.
    """
    said = [CLASSES[says.kind] for says in mapping.says]
    roots = [*CLASSES.values(), Answer]
    for says in mapping.says:
        if says.kind in NODE_KINDS:
            yield f"{says.kind.value} is said by nodes alone: no client's message can"
        filled = {
            path[0].name
            for path in (
                *(rule.to_paths[0] for rule in mapping.field if rule.reads),
                *(group.to_path for group in mapping.group if group.reads),
            )
        }
        needed = {name for name, found in CLASSES[says.kind].model_fields.items() if found.is_required()}
        for name in sorted(needed - filled):
            yield f"{says.kind.value} needs {name}: add a rule that fills it"
    if mapping.each and not _leaves(roots, parse_path(mapping.each)):
        yield f"each = {mapping.each!r}: no canonical object has such a list"
    yield from _in_level(mapping, said, roots)
    yield from _unmarked(mapping)
    yield from _without_room(mapping, inside=False)


def _without_room(rules: Level, *, inside: bool) -> Iterator[str]:
    """Rules whose text has too little room. inside: of a group, in whose entries a text goes on."""
    for rule in rules.field:
        path = rule.at_paths[0]
        in_entry = len(path) == 1 if inside else len(path) > 1 and path[-2].index is not None
        if rule.convert == "identifier" and 0 < rule.characters_max < SHORT_CHARACTERS:
            yield f"{rule.at[0]}: an identifier needs characters_max of {SHORT_CHARACTERS} or more, or none"
        if rule.continued and not (rule.characters_max and in_entry):
            where = "a field of the group" if inside else "a field of an entry, as Rsn[0]/AddtlRsnInf"
            yield f"{rule.at[0]}: to be continued, it has characters_max and is {where}"
    for group in rules.group:
        yield from _without_room(group, inside=True)


def _unmarked(rules: Level) -> Iterator[str]:
    """Rules that show a status and do not ask whether it is final: a provisional one would look as if it was.

    Inside a group nothing can ask: there the group must.
    """
    every: tuple[FieldRule | ConstantRule | GroupRule, ...] = (*rules.field, *rules.constant, *rules.group)
    for rule in every:
        if FINALITY in rule.where:
            continue
        if _shows_status(rule):
            at = rule.at[0] if isinstance(rule, FieldRule) else rule.at
            yield f'{at}: shows a status: say of which finality, as in where = {{ finality = ["final"] }}'
        elif isinstance(rule, GroupRule):
            yield from _unmarked(rule)


def _shows_status(rule: FieldRule | ConstantRule | GroupRule) -> bool:
    written = rule.to if isinstance(rule, FieldRule) and rule.writes else ()
    return any(step.name == STATUS for place in (*written, *rule.where) for step in parse_path(place))


def _in_level(rules: Level, said: Sequence[Any], roots: Sequence[Any]) -> Iterator[str]:
    """said: what the rules read into; roots: what they write from."""
    for rule in rules.field:
        yield from _in_rule(rule, said if rule.reads and said else roots)
    for group in rules.group:
        inside = _leaves(said if group.reads and said else roots, group.to_path)
        if inside:
            yield from _in_level(group, inside, inside)
        else:
            yield f"{group.at}: no canonical object has {group.to!r}"


def _in_rule(rule: FieldRule, roots: Sequence[Any]) -> Iterator[str]:
    for to, path in zip(rule.to, rule.to_paths, strict=True):
        if path[0].name.startswith("@"):
            continue
        leaves = _leaves(roots, path)
        if not leaves:
            yield f"{rule.at[0]}: no canonical object has {to!r}"
        codes = {*(rule.codes.values() if rule.reads or not rule.written_as else ()), *rule.written_as}
        known = {str(code.value) for leaf in leaves if _is_enum(leaf) for code in leaf}
        if known and (unknown := sorted(codes - known)):
            yield f"{rule.at[0]}: {to!r} has no code {', '.join(unknown)}; it has {', '.join(sorted(known))}"


def _is_enum(leaf: Any) -> bool:
    return isinstance(leaf, type) and issubclass(leaf, Enum)


def _leaves(roots: Sequence[Any], path: Path) -> list[Any]:
    """The types of what `path` leads to from any of `roots`; empty where it leads nowhere."""
    found = list(roots)
    for step in path:
        found = [
            inner
            for model in found
            if isinstance(model, type) and issubclass(model, Canonical) and step.name in model.model_fields
            for inner in _bare(model.model_fields[step.name].annotation)
        ]
    return found


def _bare(annotation: Any) -> Iterator[Any]:
    """The types that an annotation names, without Annotated, None, and the tuple around entries."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _bare(arguments[0])
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _bare(argument)
    elif origin is tuple:
        yield from _bare(arguments[0])
    elif annotation is not type(None):
        yield annotation
