"""Pairing: which half of the other side belongs to this one. By reference, else by economics; never guessed.

How well two halves belong together is a rank: a reference to the block, a reference to the order and equal
economics, a reference to the order alone, equal economics alone. A better rank parts a pair of a worse one,
so that it does not matter which message came first. Two halves of which one names what the other is not are
never paired. Where several fit equally well, none is chosen and both sides are told what fits.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.cards import Card, Named, Standing
from canonical.contracts.matching.v1.records import Half, block_of
from canonical.identifiers import Instrument, LinkKind
from canonical.message import Role

CANDIDATES_MAX = 5
BLOCK, ORDER_AND_ECONOMICS, ORDER, ECONOMICS, NONE = 4, 3, 2, 1, 0

_ORDER_KINDS = (LinkKind.CLIENT_ORDER, LinkKind.BROKER_ORDER)  # one order may be done in several blocks
_MANY = (
    LinkKind.EXECUTION,
)  # one block may have more executions than a message names: others contradict nothing

# As text, as cards have it: an enumeration's members take their time to be looked up.
_PAIRED, _AGREED, _UNCLEAR = Standing.PAIRED.value, Standing.AGREED.value, Standing.UNCLEAR.value
_BROKER = Role.BROKER.value

_TIE = 2  # one half alone needs no telling apart


def settle(book: Book) -> None:
    """Pair all halves that changed, and those near them, as well as they now can be."""
    settling = _Settling(book)
    changed = tuple(book.touched)
    fitting = settling.fitting(book.near_changes())
    waiting = deque(dict.fromkeys((*changed, *fitting)))
    while waiting:
        half = book.find(waiting.popleft())
        if half is not None and not half.agreed and (half.other is None or half.id in changed):
            waiting.extend(settling.settle(half))


def contradict(ours: Named, theirs: Named) -> bool:
    """Whether both name a thing of one kind and not the same one."""
    for kind, values in ours.items():
        if kind in theirs and kind not in _MANY and values.isdisjoint(theirs[kind]):
            return True
    return False


def _named_by_all(each: list[Named]) -> Named:
    """What each of them names of one kind, all together."""
    if len(each) == 1:
        return {kind: values for kind, values in each[0].items() if kind not in _MANY}
    shared = set(each[0]).intersection(*each[1:]).difference(_MANY)
    return {kind: frozenset().union(*(names[kind] for names in each)) for kind in each[0] if kind in shared}


def _fits_none(ours: Named, theirs: Named) -> bool:
    """Whether what a half names contradicts each of those that all name what is given."""
    for kind, values in theirs.items():  # noqa: SIM110 - a loop takes half as long: asked of all in crowded lists
        if kind in ours and values.isdisjoint(ours[kind]):
            return True
    return False


def same_security(ours: Instrument, theirs: Instrument) -> bool:
    """Whether both give a name of one kind, and all such names are equal."""
    pairs = [(ours.isin, theirs.isin), (ours.japan_code, theirs.japan_code)]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    return bool(both) and all(one == other for one, other in both)


def same_deal(half: Half, other: Half) -> bool:
    """Same side, security and trade date."""
    ours, theirs = half.terms, other.terms
    return (
        ours.side is theirs.side
        and ours.trade_date == theirs.trade_date
        and same_security(ours.instrument, theirs.instrument)
    )


def narrowed(halves: list[Half], tests: Iterable[Callable[[Half], bool]]) -> list[Half]:
    """The halves that pass, one test after the other; a test that none passes decides nothing."""
    for test in tests:
        if len(halves) < _TIE:
            break
        halves = [h for h in halves if test(h)] or halves
    return halves


@dataclass(slots=True)
class _Settling:
    """The search for counterparts."""

    book: Book

    def fitting(self, cards: Iterable[Card]) -> list[str]:
        """The halves that may fit another one of them, and those with candidates.

        As a rule equal blocks name an order each, so that all but two of them fit none.
        """
        still_open = [card for card in cards if card.standing != _AGREED]
        names_of_brokers = [card.names for card in still_open if card.role == _BROKER]
        if not 0 < len(names_of_brokers) < len(still_open):  # of one side alone
            return [card.half for card in still_open if card.standing == _UNCLEAR]
        brokers = _named_by_all(names_of_brokers)
        investors = _named_by_all([card.names for card in still_open if card.role != _BROKER])
        return [
            card.half
            for card in still_open
            if card.standing == _UNCLEAR
            or not _fits_none(card.names, investors if card.role == _BROKER else brokers)
        ]

    def settle(self, half: Half) -> list[str]:
        """Pair `half` if it can be paired better than it is; the halves that lost their counterpart by it."""
        loose: list[str] = []
        if half.other is not None and self._rank_in_pair(half) == NONE:
            half, other = self.book.part(half)
            loose = [other.id]
        at = self._best(half)
        chosen = self._narrowed(half, at)
        if len(chosen) == 1 and self._is_chosen_by(chosen[0], half):
            return [*loose, *self._pair(half, chosen[0])]
        if half.other is None:
            candidates = tuple(c.id for c in chosen[:CANDIDATES_MAX])
            if candidates != half.candidates:
                self.book.put(half.model_copy(update={"candidates": candidates}))
        return loose

    def _pair(self, half: Half, other: Half) -> list[str]:
        loose = [each.other for each in (half, other) if each.other is not None]
        (half, *_), (other, *_) = self.book.part(half), self.book.part(other)
        near = (*self.book.neighbours(half), *self.book.neighbours(other))
        others = self.better_off(near, has_loose=bool(loose))
        self.book.join(half, other)
        return [*loose, *(name for name in others if name not in (half.id, other.id))]

    def better_off(self, near: Iterable[Card], *, has_loose: bool) -> list[str]:
        """The halves near two that are to be paired which that may help. has_loose: they leave others for it.

        The two have what fits them best themselves. Where none is left alone, it helps those to whom it was
        unclear: others that a half fits it could have been paired with before.
        """
        if not has_loose:
            return [card.half for card in near if card.standing == _UNCLEAR]
        return self.fitting(card for card in near if card.standing != _PAIRED)

    def _best(self, half: Half) -> list[Half]:
        """The counterparts of the best rank that is better than the pair `half` is in."""
        ours = self.book.card(half).names
        fitting = [card for card in self._counterparts(half) if not contradict(ours, card.names)]
        ranked = [(self._rank(half, ours, card), self.book.half(card.half)) for card in fitting]
        floor = self._rank_in_pair(half)
        ranked = [(rank, h) for rank, h in ranked if rank > max(floor, self._rank_in_pair(h))]
        best = max((rank for rank, _ in ranked), default=NONE)
        return [h for rank, h in ranked if rank == best]

    def _is_chosen_by(self, other: Half, half: Half) -> bool:
        """Whether `half` is the one that fits `other` best: a rival of its own side makes it unclear."""
        return [h.id for h in self._narrowed(other, self._best(other))] == [half.id]

    def _counterparts(self, half: Half) -> list[Card]:
        near, role = self.book.neighbours(half), half.role.value
        return [card for card in near if card.role != role and card.standing != _AGREED]

    def _rank_in_pair(self, half: Half) -> int:
        if half.other is None:
            return NONE
        ours, other = self.book.card(half).names, self.book.card(self.book.half(half.other))
        return NONE if contradict(ours, other.names) else self._rank(half, ours, other)

    def _rank(self, half: Half, ours: Named, other: Card) -> int:
        """How well two halves belong together that do not contradict one another. ours: what `half` names."""
        theirs = other.names
        kinds = [kind for kind in ours if kind in theirs and not ours[kind].isdisjoint(theirs[kind])]
        if any(kind not in _ORDER_KINDS for kind in kinds):
            return BLOCK
        is_same = _same_economics(half, self.book.half(other.half))
        if kinds:
            return ORDER_AND_ECONOMICS if is_same else ORDER
        return ECONOMICS if is_same else NONE

    def _narrowed(self, half: Half, others: list[Half]) -> list[Half]:
        """What breaks a tie, strongest first: the economics, the price, the funds' quantities."""
        if len(others) < _TIE:
            return others
        block, funds = block_of(half) or {}, self._quantities(half)
        tests: tuple[Callable[[Half], bool], ...] = (
            lambda h: same_deal(half, h),
            lambda h: (block_of(h) or {}).get("quantity") == block.get("quantity"),
            lambda h: (block_of(h) or {}).get("price") == block.get("price"),
            lambda h: bool(funds) and self._quantities(h) == funds,
        )
        return narrowed(others, tests)

    def _quantities(self, half: Half) -> list[tuple[str, str]]:
        """Account and quantity of each fund, whether allocated or calculated or both."""
        lines = (line for stated in self.book.stated(half) for line in stated.lines)
        return sorted({(line.account, line.figures.quantity) for line in lines})


def _same_economics(half: Half, other: Half) -> bool:
    ours, theirs = block_of(half), block_of(other)
    if ours is None or theirs is None or ours["quantity"] != theirs["quantity"]:
        return False
    return same_deal(half, other)
