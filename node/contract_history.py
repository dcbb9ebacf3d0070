"""Which contract judges which position of the ledger, as votes have chosen it: part of the register."""

from bisect import bisect_right
from typing import NamedTuple


class Chosen(NamedTuple):
    """A choice. since: the first position it is for. contract: None where contracts are stopped.

    contract: an id; of the network's first one its name alone. by: where the vote was complete; -1: the
    network file.
    """

    since: int
    contract: str | None
    by: int


class ContractHistory:
    """What was chosen, by position. What is past never changes, but for what a stop has left undecided."""

    def __init__(self, first: str) -> None:
        self._chosen: tuple[Chosen, ...] = (Chosen(0, first, -1),)

    @property
    def all(self) -> tuple[Chosen, ...]:
        """All choices, by the position from which on they hold; those to come too."""
        return self._chosen

    @property
    def stopped_since(self) -> int | None:
        """The position from which on nothing is decided now; None where contracts run."""
        last = self._chosen[-1]
        return last.since if last.contract is None else None

    def at(self, position: int) -> Chosen:
        """What holds for the entry at a position."""
        return self._chosen[bisect_right(self._chosen, position, key=lambda one: one.since) - 1]

    def activate(self, contract: str, since: int, by: int) -> int:
        """Have a contract judge from a position on, but from after `by` at the earliest; from where.

        Where contracts are stopped, from where they were: what waited since then is judged by it.
        """
        stopped = self.stopped_since
        since = max(since, by + 1) if stopped is None else stopped
        kept = [one for one in self._chosen if one.since != since]
        self._chosen = tuple(sorted([*kept, Chosen(since, contract, by)], key=lambda one: one.since))
        return since

    def stop(self, by: int) -> int:
        """Have nothing decided after `by`, nor what was to begin later; from where."""
        kept = [one for one in self._chosen if one.since <= by]
        self._chosen = (*kept, Chosen(by + 1, None, by))
        return by + 1
