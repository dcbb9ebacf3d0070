"""The lists by which halves are found, and what they say of each: enough to pass over most of them unread.

Very many blocks of one relationship may be equal, and each is near all others of its list; as a rule they
name an order each, and none is another's counterpart.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Half, block_of, links_of
from canonical.identifiers import Link

LINKS_LISTED_MAX = 8  # of one half in one list
_LACKS = "other_lacks_block"
_UNSAID = 2  # id and role


class Standing(StrEnum):
    """How a half stands, as far as pairing asks. UNCLEAR: alone, and has candidates."""

    ALONE = "alone"
    UNCLEAR = "unclear"
    PAIRED = "paired"
    AGREED = "agreed"


Named = dict[str, set[str]]
"""What links name, by kind."""


class Card(NamedTuple):
    """What pairing asks of a half first. other_lacks_block: of its counterpart, if it has one."""

    half: str
    role: str
    standing: str
    other_lacks_block: bool
    names: Named


class Index(Canonical):
    """The halves under one key, oldest first: of each its card as text, or its id and role alone."""

    cards: tuple[tuple[str, ...], ...] = ()

    @property
    def halves(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(card[0] for card in self.cards)


def named(links: Iterable[Link]) -> Named:
    """What is named, by kind."""
    found: Named = {}
    for link in links:
        found.setdefault(link.kind, set()).add(link.value)
    return found


def card_of(half: Half, other: Half | None) -> Card:
    """The card of a half. other: its counterpart, if it has one."""
    lacks = other is not None and block_of(other) is None
    return Card(half.id, half.role, _standing(half), lacks, named(links_of(half)))


def text_of(half: Half, other: Half | None) -> tuple[str, ...]:
    """The card of a half as a list has it; id and role alone where it has more links than a list holds."""
    links = links_of(half)
    if len(links) > LINKS_LISTED_MAX:
        return (half.id, half.role.value)
    lacks = other is not None and block_of(other) is None
    said = (half.id, half.role.value, _standing(half).value, _LACKS if lacks else "")
    return (*said, *(f"{link.kind}/{link.value}" for link in links))


def card_in(text: tuple[str, ...]) -> Card | None:
    """The card that text_of has written; None where the half itself must be asked."""
    if len(text) == _UNSAID:
        return None
    half, role, standing, lacks, *links = text
    names: Named = {}
    for link in links:
        kind, _, value = link.partition("/")
        names.setdefault(kind, set()).add(value)
    return Card(half, role, standing, bool(lacks), names)


def _standing(half: Half) -> Standing:
    if half.agreed:
        return Standing.AGREED
    if half.other is not None:
        return Standing.PAIRED
    return Standing.UNCLEAR if half.candidates else Standing.ALONE
