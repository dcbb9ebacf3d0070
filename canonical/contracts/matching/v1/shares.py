"""A side's statements as one share per fund, and the shares of both sides beside each other."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from canonical.amounts import total
from canonical.contracts.matching.v1.lines import Figures, Stated
from canonical.contracts.matching.v1.records import Values, Word
from canonical.contracts.matching.v1.statements import terms_values
from canonical.message import Kind
from canonical.result import Source


class Share(NamedTuple):
    """One side's part of one fund. account: as account_key has it.

    terms, figures: as calculated, else as allocated. calculated: whether money is given.
    word: what the other side last answered to it. sources: the messages it rests on, answers included.
    """

    account: str
    terms: Values
    figures: Figures
    reference: str | None
    calculated: bool
    sources: tuple[Source, ...]
    word: Word | None = None

    @property
    def values(self) -> Values:
        """The figures by name."""
        return self.figures.values

    @property
    def price(self) -> str | None:
        """The price, which tells shares of one account apart where executed prices are allocated."""
        return self.values.get("price")


Shares = dict[str, list[Share]]
"""By account, in order of first mention."""


def shares_of(stated: Iterable[Stated], words: tuple[Word, ...]) -> Shares:
    """A side's shares. words: what the other side has answered to it."""
    answered = {(w.answers.kind, w.answers.reference, n): w for w in words for n in w.lines}
    allocated: Shares = {}
    calculated: Shares = {}
    for each in stated:
        is_calculated = each.statement.source.kind is not Kind.ALLOCATION_INSTRUCTION
        found = calculated if is_calculated else allocated
        for share in _shares(each, answered, calculated=is_calculated):
            if share.account in found:
                found[share.account].append(share)
            else:
                found[share.account] = [share]
    if not allocated or not calculated:
        alone = allocated or calculated
        return {a: each if len(each) == 1 else sorted(each, key=_by_price) for a, each in alone.items()}
    return {
        account: _of_account(allocated.get(account, []), calculated.get(account, []))
        for account in {**allocated, **calculated}
    }


def _shares(stated: Stated, answered: dict[tuple[Kind, str, int], Word], *, calculated: bool) -> list[Share]:
    source = stated.statement.source
    own = (source,)
    terms = terms_values(stated.statement.terms) if stated.lines else {}
    if not answered:
        return [
            Share(account, terms, f, reference, calculated, own) for account, f, reference in stated.lines
        ]
    shares = []
    for number, (account, figures, reference) in enumerate(stated.lines):
        word = answered.get((source.kind, source.reference, number))
        sources = own if word is None else (source, word.source)
        shares.append(Share(account, terms, figures, reference, calculated, sources, word))
    return shares


def _of_account(allocated: list[Share], calculated: list[Share]) -> list[Share]:
    if len(allocated) == len(calculated) == 1:  # as most are
        return [_joined(allocated[0], calculated[0])]
    return [_held(*pair) for pair in aligned(allocated, calculated)]


def _held(allocated: Share | None, calculated: Share | None) -> Share:
    if allocated is not None and calculated is not None:
        return _joined(allocated, calculated)
    share = allocated or calculated
    assert share is not None
    return share


def _joined(allocated: Share, calculated: Share) -> Share:
    """What was allocated and what was calculated of one fund: the calculation holds."""
    account, terms, figures, reference, is_calculated, sources, word = calculated
    refused = allocated.word if allocated.word is not None and not allocated.word.agreed else None
    reference, sources = reference or allocated.reference, (*allocated.sources, *sources)
    return Share(account, terms, figures, reference, is_calculated, sources, refused or word)


def aligned(left: list[Share], right: list[Share]) -> list[tuple[Share | None, Share | None]]:
    """The shares of one account beside each other: one and one; else by price; the rest in price order."""
    if len(left) <= 1 and len(right) <= 1:
        return [(left[0] if left else None, right[0] if right else None)]
    found: list[tuple[Share | None, Share | None]] = []
    rest, alone = list(right), []
    for share in left:
        same = next((other for other in rest if other.price == share.price), None)
        if same is None:
            alone.append(share)
        else:
            rest.remove(same)
            found.append((share, same))
    alone, rest = sorted(alone, key=_by_price), sorted(rest, key=_by_price)
    for number in range(max(len(alone), len(rest))):
        found.append((_at(alone, number), _at(rest, number)))
    return found


def _by_price(share: Share) -> Decimal:
    return Decimal(share.price or 0)


def _at(shares: list[Share], number: int) -> Share | None:
    return shares[number] if number < len(shares) else None


def quantity_of(shares: Shares) -> Decimal:
    """The quantity of all shares together."""
    return total([Decimal(share.figures.quantity) for each in shares.values() for share in each])
