"""What several must say before it holds: who has said it, and what became of it. Part of the register."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from node.act_statements import Joint
from node.act_votes import Vote


class ActRefusedError(Exception):
    """An act that does not count; the text says why."""


class State(StrEnum):
    """What became of a proposal."""

    PENDING = "pending"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"  # by all who had said it
    POINTLESS = "pointless"  # another decision has left nothing to decide


@dataclass(slots=True)
class Proposal:
    """A content that several must say.

    said: by whom, and where; members, or the LEIs of institutions. needed: of them, as of the last word.
    ended: where it was decided, withdrawn or left pointless. since: from where it is in effect.
    """

    id: str
    act: Vote | Joint
    said: dict[str, int] = field(default_factory=dict)
    needed: int = 0
    state: State = State.PENDING
    ended: int | None = None
    since: int | None = None

    def end(self, state: State, position: int) -> None:
        """Note what became of it, and where."""
        self.state, self.ended = state, position


class Proposals:
    """All of them, in the order in which they were first said."""

    def __init__(self) -> None:
        self.all: list[Proposal] = []
        self._open: dict[str, Proposal] = {}

    @property
    def open(self) -> list[Proposal]:
        """Those that are pending."""
        return list(self._open.values())

    def say(self, name: str, act: Vote | Joint, who: str, needed: int, position: int) -> Proposal | None:
        """Count one more word for a content called `name`; the proposal once it has all that it needs.

        Raises ActRefusedError where it is the same word again. It is not where somebody who counted has left
        since: nothing takes effect by an act that was about something else.
        """
        found = self._open.get(name) or Proposal(name, act)
        is_complete = len({*found.said, who}) >= needed
        if who in found.said and not is_complete:
            raise ActRefusedError(f"{who} has said so already")
        if name not in self._open:
            self._open[name] = found
            self.all.append(found)
        found.said.setdefault(who, position)
        found.needed = needed
        if not is_complete:
            return None
        del self._open[name]
        found.end(State.DECIDED, position)
        return found

    def withdraw(self, name: str, who: str, position: int) -> None:
        """Take one word back. Raises ActRefusedError where it is not there, or decided already."""
        found = self._open.get(name)
        if found is None or who not in found.said:
            raise ActRefusedError(f"{who} has said nothing that is pending and has this id")
        del found.said[who]
        if not found.said:
            del self._open[name]
            found.end(State.WITHDRAWN, position)

    def review(
        self, is_possible: Callable[[Vote | Joint], bool], counts: Callable[[str], bool], position: int
    ) -> None:
        """End what another decision has left pointless, and words of members that are none any more."""
        for name, one in list(self._open.items()):
            if not is_possible(one.act):
                del self._open[name]
                one.end(State.POINTLESS, position)
            elif isinstance(one.act, Vote):
                one.said = {who: at for who, at in one.said.items() if counts(who)}
