"""The lists by which halves are found, and what they say of each: enough to pass over most of them unread.

Very many blocks of one relationship may be equal, and each is near all others of its list; as a rule they
name an order each, and none is another's counterpart.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Half, block_of, economics_keys, link_keys, links_of
from canonical.identifiers import Link

LINKS_LISTED_MAX = 8  # of one half in one list
_LACKS = ", other lacks block"
_UNSAID = ""


class Standing(StrEnum):
    """How a half stands, as far as pairing asks. UNCLEAR: alone, and has candidates."""

    ALONE = "alone"
    UNCLEAR = "unclear"
    PAIRED = "paired"
    AGREED = "agreed"


Named = dict[str, set[str]]
"""What links name, by kind."""


Text = tuple[str, ...]
"""A card as it stands in a list: id, role, standing, links."""


class FoundBy(NamedTuple):
    """The lists that a half is in, and what its links name, as a card has it and as text."""

    keys: list[str]
    names: Named
    links: Text


class Card(NamedTuple):
    """What pairing asks of a half first. other_lacks_block: of its counterpart, if it has one."""

    half: str
    role: str
    standing: str
    other_lacks_block: bool
    names: Named


class Index(Canonical):
    """The halves under one key, oldest first.

    named: of each the id, the role and what its links name. standings: how each stands now. That is no part
    of what sides attest: a node that cannot read a destroyed day may know another standing of a half that is
    listed here with others.
    """

    named: tuple[Text, ...] = ()
    standings: tuple[str, ...] = ()

    @classmethod
    def of(cls, cards: tuple[Text, ...]) -> "Index":
        """The list of these halves."""
        named = tuple((half, role, *links) for half, role, _, *links in cards)
        return cls(named=named, standings=tuple(standing for _, _, standing, *_ in cards))

    @property
    def cards(self) -> tuple[Text, ...]:
        """The cards of its halves."""
        each = zip(self.named, self.standings, strict=True)
        return tuple((half, role, standing, *links) for (half, role, *links), standing in each)

    @property
    def halves(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(half for half, *_ in self.named)


def named(links: Iterable[Link]) -> Named:
    """What is named, by kind."""
    found: Named = {}
    for link in links:
        found.setdefault(link.kind, set()).add(link.value)
    return found


def found_by(half: Half) -> FoundBy:
    """What a half is found by, as its statements have it."""
    links = links_of(half)
    keys = [*link_keys(half, links), *economics_keys(half, block_of(half))]
    return FoundBy(keys, named(links), tuple(f"{link.kind}/{link.value}" for link in links))


def card_of(half: Half, other: Half | None, found: FoundBy) -> Card:
    """The card of a half. other: its counterpart, if it has one."""
    lacks = other is not None and block_of(other) is None
    return Card(half.id, half.role, _standing(half), lacks, found.names)


def text_of(half: Half, other: Half | None, found: FoundBy) -> Text:
    """The card of a half as a list has it; no standing nor links where it has more than a list holds."""
    if len(found.links) > LINKS_LISTED_MAX:
        return (half.id, half.role.value, _UNSAID)
    lacks = other is not None and block_of(other) is None
    return (half.id, half.role.value, _standing(half).value + (_LACKS if lacks else ""), *found.links)


def card_in(text: Text) -> Card | None:
    """The card that text_of has written; None where the half itself must be asked."""
    half, role, said, *links = text
    if said == _UNSAID:
        return None
    standing, lacks, _ = said.partition(_LACKS)
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
