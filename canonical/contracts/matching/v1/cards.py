"""The lists by which halves are found, and what they say of each: enough to pass over most of them unread.

Very many blocks of one relationship may be equal, and each is near all others of its list; as a rule they
name an order each, and none is another's counterpart.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Half, block_of, economics_keys, link_keys, links_of

LINKS_LISTED_MAX = 8  # of one half in one list
CARDS_MAX = 20_000  # that are remembered: each half of a crowded list asks for the cards of all others
_LACKS = ", other lacks block"
_UNSAID = ""


class Standing(StrEnum):
    """How a half stands, as far as pairing asks. UNCLEAR: alone, and has candidates."""

    ALONE = "alone"
    UNCLEAR = "unclear"
    PAIRED = "paired"
    AGREED = "agreed"


_MAY_HAVE_OTHER = (Standing.PAIRED.value, Standing.AGREED.value)

Named = Mapping[str, frozenset[str]]
"""What links name, by kind."""


Text = str
"""A card as it stands in a list: id, role, standing, links, one in a line. No reference has several lines."""

Texts = Mapping[str, Text]
"""The cards of a list by their halves, oldest first."""


class FoundBy(NamedTuple):
    """The lists that a half is in, and what its links name, as a card has it and as text."""

    keys: list[str]
    names: Named
    links: tuple[str, ...]


class Card(NamedTuple):
    """What pairing asks of a half first. other_lacks_block: of its counterpart, if it has one."""

    half: str
    role: str
    standing: str
    other_lacks_block: bool
    names: Named

    @property
    def has_other(self) -> bool:
        """Whether it may have a counterpart."""
        return self.standing in _MAY_HAVE_OTHER


class Index(Canonical):
    """The halves under one key, oldest first, each by its card."""

    cards: tuple[Text, ...] = ()

    @cached_property
    def texts(self) -> Texts:
        """The cards by their halves. A list is asked for again and again while a store holds it ready."""
        return {half_of(text): text for text in self.cards}


def half_of(text: Text) -> str:
    """The id of the half that a card is of."""
    return text.partition("\n")[0]


def named(links: Iterable[str]) -> Named:
    """What links name, as records have them, by kind."""
    found: dict[str, frozenset[str]] = {}
    for link in links:
        kind, _, value = link.partition("/")
        found[kind] = found[kind] | {value} if kind in found else frozenset((value,))
    return found


def found_by(half: Half) -> FoundBy:
    """What a half is found by, as its statements have it."""
    links = links_of(half)
    keys = [*link_keys(half, links), *economics_keys(half, block_of(half))]
    return FoundBy(keys, named(links), links)


def card_of(half: Half, other: Half | None, found: FoundBy) -> Card:
    """The card of a half. other: its counterpart, if it has one."""
    lacks = other is not None and block_of(other) is None
    return Card(half.id, half.role, _standing(half), lacks, found.names)


def text_of(half: Half, other: Half | None, found: FoundBy) -> Text:
    """The card of a half as a list has it; no standing nor links where it has more than a list holds."""
    if len(found.links) > LINKS_LISTED_MAX:
        return "\n".join((half.id, half.role.value, _UNSAID))
    lacks = other is not None and block_of(other) is None
    standing = _standing(half).value + (_LACKS if lacks else "")
    return "\n".join((half.id, half.role.value, standing, *found.links))


@lru_cache(CARDS_MAX)
def card_in(text: Text) -> Card | None:
    """The card that text_of has written; None where the half itself must be asked."""
    half, role, said, *links = text.split("\n")
    if said == _UNSAID:
        return None
    standing, lacks, _ = said.partition(_LACKS)
    return Card(half, role, standing, bool(lacks), named(links))


def _standing(half: Half) -> Standing:
    if half.agreed:
        return Standing.AGREED
    if half.other is not None:
        return Standing.PAIRED
    return Standing.UNCLEAR if half.candidates else Standing.ALONE
