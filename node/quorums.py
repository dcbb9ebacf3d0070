"""How many members must say what, by the kind of what they say: a table that they change by such a vote."""

from collections.abc import Mapping
from typing import NamedTuple


class Quorum(NamedTuple):
    """A part of the members. over: more than the part; else the part at least, rounded up."""

    over: bool
    part: int
    of: int

    def needed(self, members: int) -> int:
        """How many of so many members: at least one."""
        if self.over:
            return members * self.part // self.of + 1
        return max(1, -(-members * self.part // self.of))

    @property
    def fault(self) -> str | None:
        """Why nobody could ever reach it; None where it can be reached."""
        if self.part > self.of or (self.over and self.part == self.of):
            return f"{self} of the members can never be reached"
        return None

    def __str__(self) -> str:
        return f"{'more than' if self.over else 'at least'} {self.part}/{self.of}"


MAJORITY = Quorum(over=True, part=1, of=2)
DEFAULT: Mapping[str, Quorum] = {
    "admit_member": MAJORITY,
    "remove_member": MAJORITY,
    "replace_member_key": MAJORITY,
    "activate_contract": MAJORITY,
    "stop_contract": Quorum(over=False, part=1, of=3),
    "set_quorum": MAJORITY,
    "admit_institution": MAJORITY,
    "list_securities": MAJORITY,
    "set_calendar": MAJORITY,
    "set_deadlines": MAJORITY,
}
"""By the kind of vote, before the members have voted on it."""
