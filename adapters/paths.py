"""Paths into trees of names: how a mapping says where a field stands, on the native and the canonical side.

    54                          a name
    TradDtls/Sd                 a name in a part
    Refs/Ref/BlckId             in a list: the first entry in which the rest is found
    Refs[0]/Ref/BlckId          the first entry
    453[452=1,447=D]/448        the entry in which other names have these values; made if it is not there
    136[139!=9]                 entries in which it has not; for groups
    links[kind=common]/value    the same on the canonical side

A place is what a path turned out to mean in one tree, entries counted from 1: "453[2]/448".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Tree = dict[str, Any]
Found = tuple[str, Any]
"""The place of a value, and the value."""

_STEP = re.compile(r"([^/\[\]]+)(?:\[([^\]]*)\])?(?:/|$)")
_TEST = re.compile(r"([^!=,]+)(!?=)([^,]*)(?:,|$)")


@dataclass(frozen=True, slots=True)
class Test:
    """What an entry of a list must hold. names: from the entry to the text."""

    names: tuple[str, ...]
    equal: bool
    value: str

    def holds(self, entry: Tree) -> bool:
        """Whether `entry` passes. A name that is not there equals nothing."""
        found: Any = entry
        for name in self.names:
            if not isinstance(found, dict):
                return not self.equal
            found = found.get(name)
        return (str(found) == self.value) is self.equal

    def passed(self, entries: Sequence[Any]) -> list[Any]:
        """Those of `entries` that pass."""
        if len(self.names) > 1:
            return [entry for entry in entries if self.holds(entry)]
        value, equal = self.value, self.equal
        name = next(iter(self.names))
        return [entry for entry in entries if (str(entry.get(name)) == value) is equal]


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, with what chooses among the entries of a list.

    chooses: whether it means an entry of a list rather than what stands under its name.
    """

    name: str
    index: int | None = None
    tests: tuple[Test, ...] = ()
    chooses: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chooses", self.index is not None or bool(self.tests))

    def entries(self, value: Any) -> Sequence[Any]:
        """The entries of `value`, what stands under the name, that this step means."""
        if not isinstance(value, list | tuple):
            return (value,) if value is not None and self.index in (None, 0) and not self.tests else ()
        found: Sequence[Any] = value
        if self.index is not None:
            return found[self.index : self.index + 1]
        for test in self.tests:
            found = test.passed(found)
        return found

    def chosen(self, value: Any) -> Iterator[Found]:
        """The same with their places: "453[2]"."""
        if not isinstance(value, list | tuple):
            yield from ((self.name, entry) for entry in self.entries(value))
            return
        for number, entry in enumerate(value):
            if self.index in (None, number) and all(test.holds(entry) for test in self.tests):
                yield f"{self.name}[{number + 1}]", entry


Path = tuple[Step, ...]

ABSENT = ""  # as a value of a condition: nothing stands there
PRESENT = "*"  # anything stands there


@dataclass(frozen=True, slots=True)
class Condition:
    """What must stand at a place: one of `values`, ABSENT and PRESENT among them."""

    place: str
    get: "Getter"
    values: frozenset[str]

    def holds(self, tree: Tree) -> bool:
        """Whether `tree` fulfils it. Amounts count by value: 0.00 is 0."""
        found = self.get(tree)
        if found is None or found == "":
            return ABSENT in self.values
        if isinstance(found, dict | list):
            return PRESENT in self.values
        text = str(found)
        return text in self.values or PRESENT in self.values or _without_zeros(text) in self.values


def _without_zeros(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return whole if point and whole.isdecimal() and not fraction.strip("0") else text


def conditions_of(table: dict[str, tuple[str, ...]]) -> tuple[Condition, ...]:
    """The conditions that a mapping writes as { place = [values] }. ValueError where one is no place."""
    return tuple(
        Condition(place, getter(parse_path(place)), frozenset(values)) for place, values in table.items()
    )


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """The steps of `text`. Raises ValueError where it is no path."""
    steps, end = [], 0
    for match in _STEP.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        steps.append(_step(match[1], match[2]))
    if end != len(text) or not steps or text.endswith("/"):
        raise ValueError(f"not a path: {text!r}")
    return tuple(steps)


def _step(name: str, chooser: str | None) -> Step:
    if chooser is None:
        return Step(name)
    if chooser.isdecimal():
        return Step(name, index=int(chooser))
    tests = [Test(tuple(m[1].split(".")), m[2] == "=", m[3]) for m in _TEST.finditer(chooser)]
    if not tests or _TEST.sub("", chooser):
        raise ValueError(f"not a choice of entries: [{chooser}]")
    return Step(name, tests=tuple(tests))


def find(tree: Tree, path: Path) -> Iterator[Found]:
    """Every value that `path` leads to, in order."""
    step, rest = path[0], path[1:]
    for place, value in step.chosen(tree.get(step.name)):
        if not rest:
            yield place, value
        elif isinstance(value, dict):
            for below, found in find(value, rest):
                yield f"{place}/{below}", found


def replaced(tree: Tree, path: Path, old: str, new: str) -> Tree:
    """A copy of `tree` in which each text `old` that the names of `path` lead to is `new`."""
    step, rest = path[0], path[1:]

    def inside(value: Any) -> Any:
        if isinstance(value, list):
            return [inside(entry) for entry in value]
        if rest:
            return replaced(value, rest, old, new) if isinstance(value, dict) else value
        return new if value == old else value

    return {name: inside(value) if name == step.name else value for name, value in tree.items()}


Getter = Callable[[Tree], Any]


def first(tree: Tree, path: Path) -> Any:
    """The first value that `path` leads to; None where it leads nowhere."""
    return getter(path)(tree)


def getter(path: Path) -> Getter:
    """What `first` does with one path, made ready to be done often."""
    step, rest = path[0], path[1:]
    name = step.name
    below = getter(rest) if rest else None

    def get(tree: Tree) -> Any:
        value = tree.get(name)
        if value is None:
            return None
        if step.chooses or isinstance(value, list | tuple):
            return _first_in(step.entries(value), below)
        if below is None:
            return value
        return below(value) if isinstance(value, dict) else None

    return get


def _first_in(entries: Sequence[Any], below: Getter | None) -> Any:
    """The first of `entries` in which something is found."""
    for entry in entries:
        if below is None:
            return entry
        found = below(entry) if isinstance(entry, dict) else None
        if found is not None:
            return found
    return None


def put(tree: Tree, path: Path, value: Any) -> str:
    """Set `value` at `path`; parts and entries on the way are made. Returns where it went: "links/0/value".

    A new entry gets its value first and then what its tests ask for, in their order: FIX wants the first
    tag of a group in front.
    """
    step, rest = path[0], path[1:]
    if not step.chooses:
        if not rest:
            tree[step.name] = value
            return step.name
        return f"{step.name}/{put(tree.setdefault(step.name, {}), rest, value)}"
    assert rest, f"a path must not end in an entry: {step}"
    entries = tree.setdefault(step.name, [])
    number = _entry(entries, step)
    below = put(entries[number], rest, value)
    for test in step.tests:
        if test.equal and not test.holds(entries[number]):
            put(entries[number], tuple(Step(name) for name in test.names), test.value)
    return f"{step.name}/{number}/{below}"


def _entry(entries: list[Tree], step: Step) -> int:
    """The number of the entry that `step` means, made where it is not there."""
    if step.index is not None:
        entries.extend({} for _ in range(step.index + 1 - len(entries)))
        return step.index
    for number, entry in enumerate(entries):
        if all(test.holds(entry) for test in step.tests):
            return number
    entries.append({})
    return len(entries) - 1
