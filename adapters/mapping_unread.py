"""The inverse of reading, as far as answers need it: the head of the native message that said something.

Where one node has a client's raw bytes and another has to answer it, that other has what was said and the
same mapping. The fields of the head, without its groups, follow from these: what the mapping then reads in
them must be what was said, or it is not the mapping that read it.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from adapters.format import Decoded
from adapters.mapping import RAW
from adapters.mapping_read import Given, read_one
from adapters.mapping_rules import HERE, FieldRule, MappingFile
from adapters.mapping_write import native_text
from adapters.paths import ABSENT, PRESENT, Tree, first, parse_path, put
from canonical.message import CLASSES, Kind, Message

# What the ledger names in its own way: it does not tell how the client did.
_RENAMED, _RENAMED_TERM = ("broker", "investor"), "instrument"
_PARTS = ("allocations", "funds")


def unread(mapping: MappingFile, messages: Sequence[Message], given: Given) -> Decoded | None:
    """The head of a native message in which `mapping` reads `messages`; None where there is none.

    given: what was known beside the bytes. Where several would say the same, it is the one whose codes come
    first in the mapping: a new message rather than the first version of a replacement.
    """
    said: dict[Kind, Tree] = {m.kind: m.model_dump(mode="python", exclude_none=True) for m in messages}
    if len(said) < len(messages):  # no native message says a thing twice
        return None
    by_digest = any(rule.at[0] == RAW for rule in mapping.field)
    if by_digest is not all(message.reference == given.get(RAW) for message in messages):
        return None
    document: Tree = {name: value for each in said.values() for name, value in each.items()}
    for native in _variants(mapping, list(said)):
        _write(mapping, document, native)
        if _kinds(mapping, native) == list(said) and _reads(mapping, native, said, given):
            return Decoded(mapping.message, native)
    return None


def _variants(mapping: MappingFile, kinds: list[Kind]) -> Iterator[Tree]:
    """Native trees with no more in them than what makes the mapping say these kinds of messages."""
    values: dict[str, dict[str, None]] = {}
    for says in mapping.says:
        for place, codes in (*says.when.items(), *((place, (PRESENT,)) for place in says.present)):
            values.setdefault(place, {}).update(dict.fromkeys(codes))
    groups = {group.at for group in mapping.group}
    for chosen in product(*([*codes, ABSENT] for codes in values.values())):
        native: Tree = {}
        for place, code in zip(values, chosen, strict=True):
            if code != ABSENT:
                put(native, parse_path(place), [{}] if place in groups else code)
        if _kinds(mapping, native) == kinds:
            yield native


def _kinds(mapping: MappingFile, native: Tree) -> list[Kind]:
    return [says.kind for says in mapping.says if all(c.holds(native) for c in says.conditions)]


def _write(mapping: MappingFile, document: Tree, native: Tree) -> None:
    """Write what the mapping would read. Rules with conditions come last, and none is made to fail."""
    rules = [rule for rule in mapping.field if rule.reads and rule.to[0] != HERE]
    for rule in sorted(rules, key=lambda rule: bool(rule.when)):
        value = first(document, rule.to_paths[0])
        text = native_text(rule, value) if value is not None else None
        if text is None or rule.at[0].startswith("@") or not _fulfil(rule, native):
            continue
        put(native, rule.at_paths[0], text)
        currency = rule.currency or mapping.currency.at
        if currency and isinstance(value, dict) and "currency" in value:
            put(native, parse_path(currency), str(value["currency"]))


def _fulfil(rule: FieldRule, native: Tree) -> bool:
    """Whether the rule's conditions hold, or nothing stood where they ask for a code, which now does."""
    missing: dict[str, str] = {}
    for condition in rule.conditions:
        if not condition.holds(native):
            code = rule.when[condition.place][0]
            if condition.get(native) is not None or code == PRESENT:
                return False
            missing[condition.place] = code
    for place, code in missing.items():
        put(native, parse_path(place), code)
    return True


def _reads(mapping: MappingFile, native: Tree, said: dict[Kind, Tree], given: Given) -> bool:
    """Whether the mapping reads in a head what was said, as far as a head goes."""
    head = mapping.model_copy(update={"group": ()})
    in_groups = {group.to for group in mapping.group if group.reads}
    names = {kind: [n for n in CLASSES[kind].model_fields if _counts(n, in_groups)] for kind in said}
    wanted = frozenset(name for each in names.values() for name in each)
    reading = read_one(head, Decoded(mapping.message, native), given, wanted, traced=False)
    if any(_matters(problem.path, wanted) for problem in reading.problems):
        return False
    return all(
        _comparable(name, said[kind].get(name)) == _comparable(name, reading.document.get(name))
        for kind in said
        for name in names[kind]
    )


def _counts(name: str, in_groups: set[str]) -> bool:
    return name not in ("kind", *_RENAMED, *in_groups)


def _matters(path: str, wanted: frozenset[str]) -> bool:
    head, _, rest = path.partition(".")
    return head.partition("[")[0] in wanted and not rest.startswith(_RENAMED_TERM)


def _comparable(name: str, value: Any) -> Any:
    """A field as it is compared: of parts their number, of terms what was not renamed, nothing as None."""
    if name in _PARTS:
        return len(value or ())
    if name == "terms" and value:
        return {key: each for key, each in value.items() if key != _RENAMED_TERM}
    return list(value) or None if isinstance(value, list | tuple) else value
