"""One side of a trade as it is compared: what it says of the block, and of each fund."""

from dataclasses import dataclass
from decimal import Decimal

from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.records import Half, Values, block_of
from canonical.contracts.matching.v1.shares import Shares, quantity_of, shares_of
from canonical.contracts.matching.v1.statements import terms_values
from canonical.message import Role


@dataclass(frozen=True, slots=True)
class Side:
    """given: what it says of the block; None where it says nothing.

    full: its funds are all named: they fill its block. over: they are more than its block.
    """

    half: Half | None
    given: Values | None
    shares: Shares
    quantity: Decimal
    full: bool
    over: bool


def sides_of_pair(book: Book, half: Half, other: Half | None) -> tuple[Side, Side]:
    """The broker's and the investor's side of two halves, or of one alone."""
    by_role = {each.role: each for each in (half, other) if each is not None}
    return _side_of(book, by_role.get(Role.BROKER)), _side_of(book, by_role.get(Role.INVESTOR))


def _side_of(book: Book, half: Half | None) -> Side:
    """A side; an empty one where there is no half."""
    if half is None:
        return Side(None, None, {}, Decimal(0), full=False, over=False)
    block, shares = block_of(half), shares_of(book.stated(half), half.words)
    quantity = quantity_of(shares)
    whole = Decimal(block["quantity"]) if block is not None else None
    full = whole is not None and quantity >= whole
    over = whole is not None and quantity > whole
    given = {**terms_values(half.terms), **block} if block is not None else None
    return Side(half, given, shares, quantity, full=full, over=over)
