"""A FIX data dictionary: which tags a message, a group and the header may hold, of which type.

Read once from an XML file in the form that QuickFIX defined and installs as `share/quickfix/FIX44.xml`; a
client's own file of the same form, with its user-defined tags, serves as well. Components are expanded,
groups keep their member order and their first tag.

    DictionaryError           the file is not a dictionary that can be used
      DictionaryMissingError  there is no such file
"""

import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from adapters.fix_types import Check, check_of

NESTING_MAX = 20  # of components and groups in the file; FIX 4.4 needs nine
FRAMING = frozenset({"8", "9", "35", "10"})  # computed from the bytes or held as the message's type


@dataclass(frozen=True, slots=True)
class Member:
    """A field or a group as one level of one message holds it.

    check: true for a text that the field may hold; for a group, for its count.
    codes: code -> description; empty where every value of the type is allowed.
    group: the members of one entry, None for a field.
    """

    tag: str
    name: str
    type: str
    codes: Mapping[str, str]
    check: Check
    group: "Level | None" = None

    @property
    def encoded(self) -> bool:
        """Whether the charset of tag 347 applies: the Encoded* data fields (FIX 4.4 vol. 1)."""
        return self.type == "DATA" and self.name.startswith("Encoded")


@dataclass(frozen=True, slots=True)
class Level:
    """What one message or one group entry may hold, in the dictionary's order, and what it must.

    checks: the checks of the members that are fields, not groups.
    """

    members: dict[str, Member]
    required: tuple[str, ...]
    checks: dict[str, Check] = field(init=False)

    def __post_init__(self) -> None:
        checks = {tag: member.check for tag, member in self.members.items() if member.group is None}
        object.__setattr__(self, "checks", checks)

    @property
    def first(self) -> str:
        """The tag that starts each entry of a group."""
        return next(iter(self.members))


class FixDictionary:
    """One version of FIX, or one client's dialect of it.

    version: as tag 8 says it: "FIX.4.4".
    header, trailer: without the framing tags 8, 9, 35 and 10.
    names: tag -> name of every field of the version.
    data_of: tag of a length -> tag of the data that follows it directly ("354" -> "355").
    length_of: the reverse. by_length: all tags of both.
    """

    def __init__(self, root: Element) -> None:
        self.version = f"{root.get('type', 'FIX')}.{root.get('major')}.{root.get('minor')}"
        self._fields = {_name(found): found for found in root.iterfind("fields/field")}
        self._components = {_name(part): part for part in root.iterfind("components/component")}
        self._plain: dict[str, Member] = {}  # by name: messages share what does not depend on them
        self._groups: dict[Element, Level] = {}
        self.names = {found.get("number", ""): name for name, found in self._fields.items()}
        self.header = self._level(root.find("header"))
        self.trailer = self._level(root.find("trailer"))
        messages = {str(found.get("msgtype")): found for found in root.iterfind("messages/message")}
        self._unknown = self._joined(Level({}, ()))
        self._levels = {message: self._joined(self._level(found)) for message, found in messages.items()}
        self.data_of = dict(self._data_pairs(root))
        self.length_of = {data: length for length, data in self.data_of.items()}
        self.data_tags = frozenset(self.data_of.values())
        self.by_length = self.data_tags | self.data_of.keys()
        self.encoded_tags = frozenset(tag for tag in self.data_tags if self.names[tag].startswith("Encoded"))

    def messages(self) -> AbstractSet[str]:
        """The values of tag 35 that the dictionary knows."""
        return self._levels.keys()

    def message(self, message: str) -> Level:
        """Header, body and trailer of one message type as one level; header and trailer alone if unknown."""
        return self._levels.get(message, self._unknown)

    def label(self, tag: str) -> str:
        """The tag with its name for a person: "72 (RefAllocID)"."""
        return f"{tag} ({self.names[tag]})" if tag in self.names else tag

    def _joined(self, body: Level) -> Level:
        parts = (self.header, body, self.trailer)
        members: dict[str, Member] = {}
        for part in parts:
            members |= {tag: member for tag, member in part.members.items() if tag not in members}
        return Level(members, tuple(tag for part in parts for tag in part.required))

    def _level(self, element: Element | None) -> Level:
        found = list(self._members(element, required=True, depth=0)) if element is not None else []
        members = {member.tag: member for member, _ in found if member.tag not in FRAMING}
        return Level(members, tuple(member.tag for member, must in found if must and member.tag in members))

    def _members(self, element: Element, *, required: bool, depth: int) -> Iterator[tuple[Member, bool]]:
        """The members of `element` and whether each must be there: only where all that holds it must be."""
        if depth > NESTING_MAX:
            raise DictionaryError(
                f"groups or components are nested deeper than {NESTING_MAX} at {_name(element)}"
            )
        for child in element:
            must = required and child.get("required") == "Y"
            if child.tag == "component":
                yield from self._members(self._component(child), required=must, depth=depth + 1)
            elif child.tag == "group":
                yield self._member(child, self._group(child, depth)), must
            else:
                yield self._member(child, None), must

    def _group(self, element: Element, depth: int) -> Level:
        if element not in self._groups:
            found = list(self._members(element, required=True, depth=depth + 1))
            if not found:
                raise DictionaryError(f"group {_name(element)} has no members: name at least its first field")
            members = {member.tag: member for member, _ in found}
            self._groups[element] = Level(members, tuple(member.tag for member, must in found if must))
        return self._groups[element]

    def _component(self, element: Element) -> Element:
        if _name(element) not in self._components:
            raise DictionaryError(
                f"component {_name(element)} is used but not defined: define it under <components>"
            )
        return self._components[_name(element)]

    def _member(self, element: Element, group: Level | None) -> Member:
        name = _name(element)
        if name not in self._plain:
            self._plain[name] = self._field(name)
        plain = self._plain[name]
        return (
            replace(plain, check=check_of("NUMINGROUP", frozenset(), self.version), group=group)
            if group
            else plain
        )

    def _field(self, name: str) -> Member:
        found = self._fields.get(name)
        if found is None:
            raise DictionaryError(f"field {name} is used but not defined: define it under <fields>")
        codes = {
            str(value.get("enum")): str(value.get("description", "")) for value in found.iterfind("value")
        }
        kind = found.get("type", "STRING")
        return Member(
            found.get("number", ""), name, kind, codes, check_of(kind, frozenset(codes), self.version)
        )

    def _data_pairs(self, root: Element) -> Iterator[tuple[str, str]]:
        """Lengths and their data: a dictionary lists the one directly before the other."""
        for holder in root.iter():
            if holder.tag == "fields":
                continue  # there they stand by number
            before: Element | None = None
            for child in holder:
                now = self._fields.get(child.get("name", "")) if child.tag == "field" else None
                if before is not None and now is not None and now.get("type") in ("DATA", "XMLDATA"):
                    yield before.get("number", ""), now.get("number", "")
                before = now if now is not None and now.get("type") == "LENGTH" else None


def installed(file: str = "FIX44.xml") -> Path:
    """Where quickfix installs its dictionaries in this environment."""
    return Path(sys.prefix) / "share" / "quickfix" / file


@lru_cache(maxsize=32)
def load(path: Path) -> FixDictionary:
    """The dictionary in `path`, read once per process.

    Raises DictionaryMissingError where there is no such file, DictionaryError where it cannot be used.
    """
    if not path.is_file():
        raise DictionaryMissingError(
            f"no FIX dictionary at {path}: install quickfix into this environment, or name the client's own "
            "dictionary file in its configuration"
        )
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314  the operator's own file, no message
    except ElementTree.ParseError as error:
        raise DictionaryError(f"{path} is not well-formed XML ({error}): restore the file") from error
    if root.tag != "fix":
        raise DictionaryError(f"{path} starts with <{root.tag}>, not <fix>: name a QuickFIX data dictionary")
    return FixDictionary(root)


class DictionaryError(Exception):
    """The file is not a FIX dictionary that can be used; the text says what to mend."""


class DictionaryMissingError(DictionaryError):
    """There is no dictionary file at the path."""


def _name(element: Element) -> str:
    return element.get("name", element.tag)
