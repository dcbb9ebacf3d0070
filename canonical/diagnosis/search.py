"""The search for conventions that reproduce one side's figures of one field, fund by fund.

First what the rules say, then each single departure from it, the most customary first, then two departures
together. A convention must reproduce all figures of the side, or all but a few, of which it is then said that
nothing explains them; a fund that departs alone can do so only in a way in which a single fund does.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from canonical.diagnosis.cause import Aspect
from canonical.rules.rounding import Mode

CANDIDATES_MAX = 400  # of one field of one side
EXCEPTIONS_SHARE = 5  # one fund in so many may be out of line, and one in any case
HITS_MIN = 3  # funds that a convention must explain before it may leave others unexplained
PAIRED_HITS_MIN = 2  # funds that two departures together must explain: one fund is no evidence of so much

Made = tuple[tuple[Aspect, str], ...]
"""A convention: where it departs from the rules. Empty: what they say."""
Figure = Callable[[int], Decimal | None]
"""The figure of a fund, by its place from 0; None where it cannot be computed."""

_ALONE = (Aspect.CHARGED, Aspect.UNIT, Aspect.TARIFF, Aspect.DISCOUNT, Aspect.PARTS, Aspect.SIGN)
_BESIDE = (Aspect.ROUNDING, Aspect.LEVEL, Aspect.TARIFF)  # of two departures one is of these


class Step(Protocol):
    """The computation of one field of one side."""

    alternatives: tuple[tuple[Aspect, str], ...]
    """Single departures from the rules, the most customary first."""

    def under(self, made: Made) -> Figure | None:
        """The figures under a convention; None where it makes no sense, or gives nothing of its own."""
        ...

    def last_resorts(self) -> tuple[Made, ...]:
        """Conventions that the figures themselves suggest."""
        ...


class Trials:
    """One step tried on one side. targets: its figures, fund by fund; None where there is none to reproduce.

    conventions: those for each fund, the most customary first; none where nothing reproduces its figure.
    """

    def __init__(self, step: Step, targets: Sequence[Decimal | None]) -> None:
        self._step = step
        self._targets = targets
        self._figures: dict[Made, Figure | None] = {}
        self._funds = [fund for fund, target in enumerate(targets) if target is not None]
        self._missed_by_rules = self._misses()
        self.conventions = self._conventions()

    def gives(self, fund: int) -> bool:
        """Whether there is a figure to reproduce."""
        return self._targets[fund] is not None

    def computes(self, fund: int) -> bool:
        """Whether the rules give a figure for a fund, right or wrong."""
        agreed = self._under(())
        return agreed is not None and agreed(fund) is not None

    def reproduces(self, made: Made, *funds: int) -> bool:
        """Whether a convention gives the figures of some funds."""
        figure = self._under(made)
        return figure is not None and all(figure(fund) == self._targets[fund] for fund in funds)

    def follows_rules(self, fund: int) -> bool:
        """Whether the rules give the figure of a fund."""
        return fund % len(self._targets) not in self._missed_by_rules

    def _misses(self) -> dict[int, None]:
        """The funds whose figure the rules do not give, in order."""
        agreed, targets = self._under(()), self._targets
        if agreed is None:
            return dict.fromkeys(self._funds)
        return {fund: None for fund in self._funds if agreed(fund) != targets[fund]}

    def _under(self, made: Made) -> Figure | None:
        if made not in self._figures:
            self._figures[made] = self._step.under(made)
        return self._figures[made]

    def _conventions(self) -> tuple[tuple[Made, ...], ...]:
        misses = list(self._missed_by_rules)
        if not misses:
            return (((),),) * len(self._targets)
        funds = list(dict.fromkeys((*misses, *self._funds)))  # where the rules fail, others fail soonest
        found = self._reproducing(funds, len(misses))
        if found:
            return (found,) * len(self._targets)
        if len(misses) <= _exceptions(funds) and len(misses) < len(funds):
            alone = {fund: self._alone(fund) for fund in misses}
            return tuple(alone.get(fund, ((),)) for fund in range(len(self._targets)))
        made, missed = self._mostly(misses, funds)
        return tuple(() if made is None or fund in missed else (made,) for fund in range(len(self._targets)))

    def _reproducing(self, funds: Sequence[int], misses: int) -> tuple[Made, ...]:
        """All single departures that reproduce everything; else all pairs; else what the figures suggest."""
        alternatives = self._step.alternatives
        singles: list[Made] = [(one,) for one in alternatives]
        pairs = list(_pairs(alternatives)) if misses >= PAIRED_HITS_MIN else []
        for candidates in (singles, pairs[: CANDIDATES_MAX - len(singles)], self._step.last_resorts()):
            found = tuple(made for made in candidates if self.reproduces(made, *funds))
            if found:
                return found
        return ()

    def _alone(self, fund: int) -> tuple[Made, ...]:
        """What one fund can do otherwise than all others of its side."""
        singles: list[Made] = [(one,) for one in self._step.alternatives if one[0] in _ALONE]
        return tuple(made for made in singles if self.reproduces(made, fund))

    def _mostly(self, misses: Sequence[int], funds: Sequence[int]) -> tuple[Made | None, Sequence[int]]:
        """The first single departure that reproduces all but a few, and which it does not reproduce."""
        for one in self._step.alternatives:
            missed = self._missed((one,), funds)
            if missed is not None and len([fund for fund in misses if fund not in missed]) >= HITS_MIN:
                return (one,), missed
        return None, ()

    def _missed(self, made: Made, funds: Sequence[int]) -> list[int] | None:
        """The funds that a convention does not reproduce; None where they are too many."""
        missed: list[int] = []
        for fund in funds:
            if not self.reproduces(made, fund):
                missed.append(fund)
                if len(missed) > _exceptions(funds):
                    return None
        return missed


def _exceptions(funds: Sequence[int]) -> int:
    return max(1, len(funds) // EXCEPTIONS_SHARE)


def _pairs(alternatives: Sequence[tuple[Aspect, str]]) -> Iterator[Made]:
    for place, one in enumerate(alternatives):
        for other in alternatives[place + 1 :]:
            if one[0] is not other[0] and (one[0] in _BESIDE or other[0] in _BESIDE):
                yield (one, other)


def simplest(conventions: Sequence[Made]) -> Made:
    """That with the fewest departures, and of equals the first by name: no side's list comes first."""
    return min(conventions, key=lambda made: (len(made), made))


def modes_beside(agreed: Mode) -> tuple[tuple[Aspect, str], ...]:
    """The other ways to round what is not negative: floor cuts off there, and ceiling rounds up."""
    same = {Mode.FLOOR: Mode.DOWN, Mode.CEILING: Mode.UP}.get(agreed, agreed)
    customary = (Mode.DOWN, Mode.HALF_UP, Mode.UP, Mode.HALF_EVEN)
    return tuple((Aspect.ROUNDING, mode.value) for mode in customary if mode is not same)
