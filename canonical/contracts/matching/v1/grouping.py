"""Which trade of its author's a message belongs to: a half that is there, or a new one."""

from decimal import Decimal

from canonical.contracts.matching.v1.admission import RefusedError, Spoken, refused
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.pairing import Named, contradict, named, narrowed, same_deal
from canonical.contracts.matching.v1.records import (
    Half,
    Statement,
    account_key,
    block_of,
    economics_keys,
    half_id,
    half_key,
    link_key,
    link_keys,
    links_of,
    mentions_key,
    relationship,
    trade_key,
)
from canonical.contracts.matching.v1.shares import quantity_of, shares_of
from canonical.contracts.matching.v1.statements import OWN_BLOCK, Stating, given_links
from canonical.identifiers import Link
from canonical.problems import Rule

_BLOCKS = tuple(OWN_BLOCK.values())


def own_half(book: Book, said: Spoken, message: Stating, statement: Statement, anchor: str | None) -> Half:
    """The half that the message adds to. anchor: the half of its submission or of what it replaces.

    A message that names the block belongs there. One that shares another link, or gives the economics of one
    half alone, belongs there if that half lacks what it brings. Raises RefusedError where several halves fit.
    """
    if anchor is not None and (half := book.find(anchor)) is not None:
        return half
    new = _opened(said, message, statement)
    given = named(given_links(message))
    for found in (_named(book, new, given), _linked(book, new, given), _alike(book, new, given)):
        if len(found) > 1:
            raise _ambiguous(found)
        if found:
            return found[0]
    # No half of this place was there before: its id is made of the place.
    book.working.know_absent(half_key(new.id), mentions_key(new.id), trade_key(new.id))
    return new.model_copy(update={"statements": ()})


def _opened(said: Spoken, message: Stating, statement: Statement) -> Half:
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
        statements=(statement,),
    )


def _named(book: Book, new: Half, given: Named) -> list[Half]:
    """The half whose block the message names: as its own, or as the other side's that it is paired with."""
    where = f"link/{relationship(new.broker, new.investor)}"
    links = [Link(kind=kind, value=v) for kind in _BLOCKS for v in sorted(given.get(kind, ()))]
    found = book.listed_at(link_key(where, link) for link in links)
    own = [h for h in found if h.role is new.role and _shares(h, given)]
    if own:
        return own
    theirs = [h for h in found if h.role is not new.role and _shares(h, given)]
    paired = [book.half(h.other) for h in theirs if h.other is not None]
    return [h for h in paired if not contradict(given, named(links_of(h))) and _lacks(h, new)]


def _shares(half: Half, given: Named) -> bool:
    """Whether what is given as the block of the half's side is that half."""
    kind = OWN_BLOCK[half.role]
    return not given.get(kind, set()).isdisjoint(named(links_of(half)).get(kind, ()))


def _linked(book: Book, new: Half, given: Named) -> list[Half]:
    found = [h for h in book.listed_at(link_keys(new)) if h.role is new.role]
    return narrowed(_fitting(found, new, given), (_is_open, lambda h: _has_room(h, new)))


def _alike(book: Book, new: Half, given: Named) -> list[Half]:
    """The own half with the economics; failing that, the one that is paired with such a counterpart."""
    listed = book.listed_at(economics_keys(new))
    own = narrowed(_fitting([h for h in listed if h.role is new.role], new, given), (_is_open,))
    if own:
        return own if len(own) == 1 else []
    paired = [book.half(h.other) for h in listed if h.role is not new.role and h.other is not None]
    paired = _fitting([h for h in paired if block_of(h) is None], new, given)
    return paired if len(paired) == 1 else []


def _is_open(half: Half) -> bool:
    return not half.agreed


def _fitting(halves: list[Half], new: Half, given: Named) -> list[Half]:
    return [
        h
        for h in halves
        if same_deal(h, new) and _lacks(h, new) and not contradict(given, named(links_of(h)))
    ]


def _lacks(half: Half, new: Half) -> bool:
    """Whether the half has not yet what the message brings, and says nothing else about the block."""
    brought, kind = new.statements[0], new.statements[0].source.kind
    ours, theirs = block_of(half), brought.block
    if ours is not None and theirs is not None and _deal(ours) != _deal(theirs):
        return False
    same = [statement for statement in half.statements if statement.source.kind is kind]
    by_fund = theirs is None and all(statement.block is None for statement in same)
    return not same or (by_fund and not taken(half, brought))


def _deal(block: dict[str, str]) -> tuple[str, str]:
    return block["quantity"], block["price"]


def taken(half: Half, brought: Statement) -> str:
    """The account for which another statement of this kind gives figures already; empty if there is none."""
    kind = brought.source.kind
    lines = [line for s in half.statements if s.source.kind is kind for line in s.lines]
    prices: dict[str, list[str | None]] = {}
    for line in lines:
        prices.setdefault(account_key(line.account), []).append(line.values.get("price"))
    for line in brought.lines:
        others, price = prices.get(account_key(line.account), []), line.values.get("price")
        if others and (price is None or price in others or None in others):
            return line.account.code
    return ""


def _has_room(half: Half, new: Half) -> bool:
    """Whether the funds' quantities, with the new ones, fit into the block."""
    block = block_of(half) or block_of(new)
    joined = half.model_copy(update={"statements": (*half.statements, *new.statements)})
    return block is None or quantity_of(shares_of(joined)) <= Decimal(block["quantity"])


def _ambiguous(found: list[Half]) -> RefusedError:
    text = "several of your trades fit: name the block by its own reference"
    return refused("links", ", ".join(h.id for h in found), Rule.UNKNOWN_REFERENCE, text)
