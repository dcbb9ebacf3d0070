"""The lists by which halves are found, while an entry is applied: each is read once and written once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from canonical.contracts.matching.v1 import open_list
from canonical.contracts.matching.v1.cards import Index, Text, Texts
from canonical.contracts.matching.v1.records import ECONOMICS_BEGIN, REFERENCE_BEGIN
from canonical.contracts.state import Working
from canonical.message import Role

# The halves that one reference or one set of economics can have. What more than these share is no reference:
# the oldest are no longer found by it, which bounds the work that one message can cause.
LISTED_MAX = 32
# The halves that one is near, by all lists that it is in: others are passed over, so that a message that
# names very many things causes no more work than others do. Links come first, and the economics last.
NEAR_MAX = 64

_EMPTY: Texts = {}
_BEGIN = (ECONOMICS_BEGIN, REFERENCE_BEGIN, *open_list.KEYS_BEGIN)
_MESSAGES_END = tuple(f"/{role.value}" for role in Role)


def is_list(key: str) -> bool:
    """Whether the record at `key` lists halves, by what they are found by or as open."""
    return key.startswith(_BEGIN) and not (key.startswith(REFERENCE_BEGIN) and key.endswith(_MESSAGES_END))


@dataclass(slots=True)
class Lists:
    """The lists of one relationship.

    held: those that were asked for, by key. changed: those of them that `write` will store.
    """

    working: Working
    held: dict[str, Texts] = field(default_factory=dict)
    changed: dict[str, dict[str, Text]] = field(default_factory=dict)

    def at(self, key: str) -> Texts:
        """The cards at `key`, by half, oldest first."""
        held = self.held.get(key)
        if held is None:
            index = self.working.get(key, Index)
            held = self.held[key] = index.texts if index is not None else _EMPTY
        return held

    def at_any(self, keys: Iterable[str], near_max: int | None = None) -> Texts:
        """The cards at all of `keys`, each half once. near_max: of so many the rest is not looked for."""
        found: dict[str, Text] = {}
        for key in keys:
            if listed := self.at(key):
                found |= listed
                if near_max is not None and len(found) >= near_max:
                    break
        return found

    def enter(self, key: str, half: str, text: Text) -> None:
        """List a half that is not listed there. The oldest gives way where there is no room."""
        listed = self._to_change(key)
        listed[half] = text
        if len(listed) > LISTED_MAX:
            del listed[next(iter(listed))]

    def strike(self, key: str, half: str) -> None:
        """Take a listed half from a list."""
        del self._to_change(key)[half]

    def rewrite(self, key: str, half: str, text: Text) -> None:
        """Write anew the card of a half, if it is listed there."""
        if self.at(key).get(half, text) != text:
            self._to_change(key)[half] = text

    def write(self) -> None:
        """Store what has changed."""
        for key, listed in self.changed.items():
            if listed:
                self.working.put(key, Index(cards=tuple(listed.values())))
            else:
                self.working.delete(key)
        self.changed.clear()

    def _to_change(self, key: str) -> dict[str, Text]:
        if key not in self.changed:
            self.held[key] = self.changed[key] = dict(self.at(key))
        return self.changed[key]
