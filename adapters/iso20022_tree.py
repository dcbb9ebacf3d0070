"""The tree of an ISO 20022 message: which elements stand where, how often, in which order.

Read from the tables in `iso20022_trees/` (one per message, made by scripts/iso20022_trees.py from the
schemas of iso20022.org: names, cardinalities and facets only). A tree knows no namespace: the versions of
a message that share their elements share one tree.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TypeAlias, TypedDict, cast

from adapters.iso20022_facets import Facets, Text, text_of

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"

TREES = {
    # .03 and .04 hold the same elements as .05; clients still send them.
    "setr.027.001.03": "setr.027.001.05",
    "setr.027.001.04": "setr.027.001.05",
    "setr.027.001.05": "setr.027.001.05",
    "setr.029.001.02": "setr.029.001.02",
    "setr.030.001.03": "setr.030.001.03",
    "setr.044.001.04": "setr.044.001.04",
    "head.001.001.02": "head.001.001.02",
    "head.001.001.04": "head.001.001.04",
    "head.002.001.01": "head.002.001.01",
}


@dataclass(frozen=True, slots=True)
class Valued:
    """A text with required attributes: an amount and its currency."""

    text: Text
    attributes: dict[str, Text]


@dataclass(frozen=True, slots=True)
class Open:
    """Exactly one element of somebody else's making: of `namespace`, or of any where it is "##any"."""

    namespace: str


@dataclass(slots=True, eq=False)
class Group:
    """Elements within an element: all in the order given, or one of them where `is_choice`.

    required: the names that must be there; for a choice, all names where one of them must be there.
    """

    is_choice: bool
    members: dict[str, "Member"] = field(default_factory=dict)
    required: tuple[str, ...] = ()


Node: TypeAlias = Text | Valued | Open | Group


@dataclass(frozen=True, slots=True)
class Member:
    """An element of a group.

    order: its place from 0; most: None where there is no limit; is_repeatable: most is not 1, and its
    fields are a list, also of one.
    """

    name: str
    node: Node
    order: int
    least: int
    most: int | None
    is_repeatable: bool


class _PartTable(TypedDict, total=False):
    """One complex type: one of sequence, choice (lines "name type least..most"), text, any."""

    sequence: list[str]
    choice: list[str]
    text: str
    attributes: dict[str, str]
    any: str


class _Table(TypedDict):
    root: str
    parts: dict[str, _PartTable]
    texts: dict[str, Facets]


@cache
def tree(message: str) -> Member:
    """The root element ("Document", "AppHdr", "Xchg") of `message`, with all that stands below.

    Raises KeyError where the message is none of `TREES`.
    """
    source = resources.files("adapters") / "iso20022_trees" / f"{TREES[message]}.json"
    return _Compiler(cast(_Table, json.loads(source.read_text(encoding="utf-8")))).root()


def group_of(member: Member) -> Group:
    """What stands below an element that the tables know as a group; anything else is a bug."""
    assert isinstance(member.node, Group), member.name
    return member.node


class _Compiler:
    """Makes the nodes of one table, one per type."""

    def __init__(self, table: _Table) -> None:
        self._table = table
        self._nodes: dict[str, Node] = {}

    def root(self) -> Member:
        name, kind = self._table["root"].split()
        return Member(name, self._node(kind), order=0, least=1, most=1, is_repeatable=False)

    def _node(self, kind: str) -> Node:
        if kind not in self._nodes:
            if kind in self._table["texts"]:
                self._nodes[kind] = self._text(kind)
            else:
                self._make_part(kind, self._table["parts"][kind])
        return self._nodes[kind]

    def _text(self, kind: str) -> Text:
        return text_of(self._table["texts"][kind])

    def _make_part(self, kind: str, part: _PartTable) -> None:
        if "any" in part:
            self._nodes[kind] = Open(part["any"])
        elif "text" in part:
            attributes = {name: self._text(of) for name, of in part.get("attributes", {}).items()}
            self._nodes[kind] = Valued(self._text(part["text"]), attributes)
        else:
            # Known before its members are made: a type may hold itself.
            group = self._nodes[kind] = Group(is_choice="choice" in part)
            lines = part.get("choice") or part.get("sequence", [])
            group.members = {line.split()[0]: self._member(order, line) for order, line in enumerate(lines)}
            group.required = _required(group)

    def _member(self, order: int, line: str) -> Member:
        name, kind, counts = line.split()
        least, most = counts.split("..")
        limit = None if most == "*" else int(most)
        return Member(name, self._node(kind), order, int(least), limit, limit != 1)


def _required(group: Group) -> tuple[str, ...]:
    names = tuple(member.name for member in group.members.values() if member.least)
    # A choice with an optional alternative may be empty (XML Schema 1.0 part 1, 3.8.6: emptiable).
    is_emptiable = group.is_choice and len(names) < len(group.members)
    return () if is_emptiable else names
