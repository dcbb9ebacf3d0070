"""Which trade of its author's a message belongs to: a half that is there, or a new one."""

from decimal import Decimal
from typing import NamedTuple

from canonical.contracts.matching.v1.admission import RefusedError, Spoken, refused
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.cards import Card, Named, named
from canonical.contracts.matching.v1.lines import Stated, account_of
from canonical.contracts.matching.v1.lists import NEAR_MAX
from canonical.contracts.matching.v1.messages import mention_of
from canonical.contracts.matching.v1.pairing import contradict, narrowed, same_deal
from canonical.contracts.matching.v1.records import (
    Half,
    block_of,
    economics_keys,
    half_id,
    half_key,
    link_key,
    link_keys,
    link_text,
    relationship,
    trade_key,
)
from canonical.contracts.matching.v1.shares import quantity_of, shares_of
from canonical.contracts.matching.v1.statements import OWN_BLOCK, Stating, given_links
from canonical.message import Role
from canonical.problems import Rule

_BLOCKS = tuple(OWN_BLOCK.values())


class Own(NamedTuple):
    """The half that a message is part of. is_new: it opens it, which states it and is not in the book yet."""

    half: Half
    is_new: bool = False


def own_half(book: Book, said: Spoken, message: Stating, stated: Stated, anchor: str | None) -> Own:
    """The half that the message adds to. anchor: the half of its submission or of what it replaces.

    A message that names the block belongs there. One that shares another link, or gives the economics of one
    half alone, belongs there if that half lacks what it brings. Raises RefusedError where several halves fit.
    """
    if anchor is not None and (half := book.find(anchor)) is not None:
        return Own(half)
    opened = _opened(said, message, stated)
    if _is_near_any(book, opened):
        new = _New(opened, stated, named(given_links(message)))
        for search in (_named, _linked, _alike):
            found = search(book, new)
            if len(found) > 1:
                raise _ambiguous(found)
            if found:
                return Own(found[0])
    # No half of this place was there before: its id is made of the place.
    book.working.know_absent(half_key(opened.id), trade_key(opened.id))
    return Own(opened, is_new=True)


def _opened(said: Spoken, message: Stating, stated: Stated) -> Half:
    broker, investor = message.broker.lei, message.investor.lei
    assert broker is not None
    assert investor is not None
    return Half(
        id=half_id(said.between, said.role, said.position, said.number),
        role=said.role,
        broker=broker,
        investor=investor,
        opened=said.position,
        terms=message.terms,
        statements=(stated.statement,),
        mentions=(mention_of(said.source),),
    )


class _New(NamedTuple):
    """What looks for its half. half: the one that it opens if there is none. given: the links it gives."""

    half: Half
    stated: Stated
    given: Named


def _is_near_any(book: Book, opened: Half) -> bool:
    """Whether any half is near a new one that is its author's, or has one of these for its counterpart.

    Mostly none is: the message is the first of its trade, or the first of its side.
    """
    near = book.neighbours(opened)
    return len(near) >= NEAR_MAX or any(card.role == opened.role or card.has_other for card in near)


def _named(book: Book, new: _New) -> list[Half]:
    """The half whose block the message names: as its own, or as the other side's that it is paired with."""
    between = relationship(new.half.broker, new.half.investor)
    links = [link_text(kind, v) for kind in _BLOCKS for v in sorted(new.given.get(kind, ()))]
    found = [card for card in book.listed_at(link_key(between, link) for link in links) if _shares(card, new)]
    own = [book.half(card.half) for card in found if card.role == new.half.role]
    if own:
        return own
    paired = _counterparts(book, [card for card in found if card.role != new.half.role])
    return [h for h in paired if not contradict(new.given, book.card(h).names) and _lacks(book, h, new)]


def _shares(card: Card, new: _New) -> bool:
    """Whether what is given as the block of the half's side is that half."""
    kind = OWN_BLOCK[Role(card.role)]
    return not new.given.get(kind, set()).isdisjoint(card.names.get(kind, ()))


def _linked(book: Book, new: _New) -> list[Half]:
    found = _fitting(book, _own(book.listed_at(link_keys(new.half, new.stated.statement.links)), new), new)
    return narrowed(found, (_is_open, lambda h: _has_room(book, h, new)))


def _alike(book: Book, new: _New) -> list[Half]:
    """The own half with the economics; failing that, the one that is paired with such a counterpart."""
    listed = book.listed_at(economics_keys(new.half, new.stated.statement.block))
    own = narrowed(_fitting(book, _own(listed, new), new), (_is_open,))
    if own:
        return own if len(own) == 1 else []
    lending = [card for card in listed if card.role != new.half.role and card.other_lacks_block]
    paired = _fitting(book, [book.card(half) for half in _counterparts(book, lending)], new)
    return paired if len(paired) == 1 else []


def _own(cards: list[Card], new: _New) -> list[Card]:
    return [card for card in cards if card.role == new.half.role]


def _counterparts(book: Book, cards: list[Card]) -> list[Half]:
    """The halves that these are paired with."""
    others = (book.other(book.half(card.half)) for card in cards)
    return [other for other in others if other is not None]


def _is_open(half: Half) -> bool:
    return not half.agreed


def _fitting(book: Book, cards: list[Card], new: _New) -> list[Half]:
    halves = (book.half(card.half) for card in cards if not contradict(new.given, card.names))
    return [half for half in halves if same_deal(half, new.half) and _lacks(book, half, new)]


def _lacks(book: Book, half: Half, new: _New) -> bool:
    """Whether the half has not yet what the message brings, and says nothing else about the block."""
    brought = new.stated.statement
    ours, theirs = block_of(half), brought.block
    if ours is not None and theirs is not None and _deal(ours) != _deal(theirs):
        return False
    same = [statement for statement in half.statements if statement.source.kind is brought.source.kind]
    by_fund = theirs is None and all(statement.block is None for statement in same)
    return not same or (by_fund and not taken(book, half, new.stated))


def _deal(block: dict[str, str]) -> tuple[str, str]:
    return block["quantity"], block["price"]


def taken(book: Book, half: Half, brought: Stated) -> str:
    """The account for which another statement of this kind gives figures already; empty if there is none."""
    kind = brought.statement.source.kind
    if not any(statement.source.kind is kind for statement in half.statements):
        return ""
    lines = [line for s, lines in book.stated(half) if s.source.kind is kind for line in lines]
    prices: dict[str, list[str | None]] = {}
    for line in lines:
        prices.setdefault(line.account, []).append(line.figures.values.get("price"))
    for line in brought.lines:
        others, price = prices.get(line.account, []), line.figures.values.get("price")
        if others and (price is None or price in others or None in others):
            return account_of(line.account).code
    return ""


def _has_room(book: Book, half: Half, new: _New) -> bool:
    """Whether the funds' quantities, with the new ones, fit into the block."""
    block = block_of(half) or new.stated.statement.block
    shares = shares_of((*book.stated(half), new.stated), half.words)
    return block is None or quantity_of(shares) <= Decimal(block["quantity"])


def _ambiguous(found: list[Half]) -> RefusedError:
    text = "several of your trades fit: name the block by its own reference"
    return refused("links", ", ".join(h.id for h in found), Rule.UNKNOWN_REFERENCE, text)
