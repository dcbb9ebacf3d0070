"""The records that this version keeps, and their keys.

A *half* is what one side says about a trade: its statements in force. Two halves that belong together are
paired. Everything else, the figures of the block, the funds, the statuses, follows from the statements, so
that taking one back leaves no trace. A half's id, and all other keys, name the relationship: a node that may
read only that relationship comes to the same state.

What is large lies apart from what changes or is asked for often: the funds of a statement (`lines`) are
written once, and the lists by which halves are found (`cards`) say enough of each to pass it over unread.
All that is kept of a half, or under one reference, has keys that begin alike: a store finds it in one place.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from canonical.base import Canonical
from canonical.identifiers import Lei, Link, LinkKind
from canonical.message import Message, Role
from canonical.result import BlockState, Source, TradeStatus
from canonical.trade import Terms

Values = dict[str, str]
"""Figures as text by the names of canonical/rules.py. A figure that is not given is not there."""


class Statement(Canonical):
    """A message in force about block or funds. links: those it gives, as link_text has it, its own last.

    funds: how many lines it has; they lie in a record of their own.
    """

    source: Source
    terms: Terms
    block: Values | None = None
    funds: Annotated[int, Field(ge=0)] = 0
    links: tuple[str, ...]


class Word(Canonical):
    """What the other side answered to a statement of this half.

    answers: the statement. lines: which of its lines are meant, from 0; none where the block is meant.
    """

    source: Source
    answers: Source
    lines: tuple[int, ...] = ()
    agreed: bool
    reason: str = ""


class Half(Canonical):
    """One side of a trade.

    opened: the position of its first message. terms: those of its last word on the block.
    other: the half it is paired with. candidates: halves it would be paired with if it were clear with which.
    agreed: both sides agree, nothing changes any more. stirred: it lost its counterpart, untold yet.
    waits: the trade that it is the earlier half of is agreed, and a change of it waits for consent.
    mentions: where it was spoken of, as messages.mention has it.
    """

    id: str
    role: Role
    broker: Lei
    investor: Lei
    opened: Annotated[int, Field(ge=0)]
    terms: Terms
    statements: tuple[Statement, ...] = ()
    words: tuple[Word, ...] = ()
    other: str | None = None
    candidates: tuple[str, ...] = ()
    agreed: bool = False
    stirred: bool = False
    waits: bool = False
    mentions: tuple[str, ...] = ()


class Trade(Canonical):
    """What was last told about a trade, so that only changes are told.

    funds: the digest of the state of each, by account; once the trade is agreed, that of all of them.
    matched: how many of them agree.
    """

    status: TradeStatus
    block: BlockState
    funds: dict[str, str]
    matched: Annotated[int, Field(ge=0)] = 0
    candidates: tuple[str, ...] = ()


class Change(Canonical):
    """What one side asks for after match agreed: the messages that will hold if the other side consents.

    position: of the entry that said them. cancels: they take back all that the side had said.
    """

    by: Role
    position: Annotated[int, Field(ge=0)]
    raw: str
    messages: tuple[Message, ...]
    cancels: bool


def relationship(broker: str, investor: str) -> str:
    """The pair of institutions, as a part of keys."""
    return f"{broker}/{investor}"


ECONOMICS_BEGIN, REFERENCE_BEGIN = "economics/", "reference/"
"""How keys begin of lists by economics, and of what is known under a reference: lists by links, messages."""


def half_id(between: str, role: Role, position: int, number: int) -> str:
    """A half's id: 16 hexadecimal digits, the same at every node. between: its relationship."""
    text = f"yakujo half 1\n{between}\n{role.value}\n{position}\n{number}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def half_key(half: str) -> str:
    """Where a half lies."""
    return f"half/{half}"


def lines_key(half: str, source: Source) -> str:
    """Where the lines of a statement of a half lie."""
    return f"half/{half}/lines/{source.kind}/{source.reference}"


def trade_key(trade: str) -> str:
    """Where the memory of a trade lies."""
    return f"half/{trade}/trade"


def change_key(trade: str) -> str:
    """Where lies what is asked for about an agreed trade."""
    return f"change/{trade}"


def block_of(half: Half) -> Values | None:
    """The block as the side last stated it; None where it never did."""
    for statement in reversed(half.statements):
        if statement.block is not None:
            return statement.block
    return None


def links_of(half: Half) -> tuple[str, ...]:
    """All links of the statements in force, each once."""
    return tuple(dict.fromkeys(link for statement in half.statements for link in statement.links))


def link_text(kind: LinkKind, value: str) -> str:
    """A link as records have it: they are compared very often."""
    return f"{kind}/{value}"


def link_in(text: str) -> Link:
    """The link that link_text has written."""
    kind, _, value = text.partition("/")
    return Link(kind=LinkKind(kind), value=value)


def economics_keys(half: Half, block: Values | None) -> list[str]:
    """Where halves like it, with such a block, are listed, once for each name of the security."""
    if block is None:
        return []
    terms = half.terms
    names = [name for name in (terms.instrument.isin, terms.instrument.japan_code) if name is not None]
    where = f"{ECONOMICS_BEGIN}{relationship(half.broker, half.investor)}/{terms.side}"
    what = f"{terms.trade_date.isoformat()}/{block['quantity']}"
    return [f"{where}/{name}/{what}" for name in names]


def link_keys(half: Half, links: Iterable[str]) -> list[str]:
    """Where halves of its relationship that have any of these links are listed."""
    between = relationship(half.broker, half.investor)
    return [link_key(between, link) for link in links]


def link_key(between: str, link: str) -> str:
    """Where the halves of a relationship that have `link`, as link_text has it, are listed."""
    kind, _, value = link.partition("/")
    return f"{REFERENCE_BEGIN}{between}/{value}/{kind}"
