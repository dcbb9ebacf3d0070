"""The book of halves: reading, writing, and the lists by which halves are found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from canonical.calendar import Calendar
from canonical.contracts.matching.v1.open_list import relist
from canonical.contracts.matching.v1.records import (
    Half,
    Index,
    Statement,
    Trade,
    economics_keys,
    half_key,
    link_keys,
    trade_key,
)
from canonical.contracts.state import Working
from canonical.message import Role

# The halves that one reference or one set of economics can have. What more than these share is no reference:
# the oldest are no longer found by it, which bounds the work that one message can cause.
LISTED_MAX = 32


@dataclass(slots=True)
class Book:
    """The halves of one relationship while an entry is applied.

    time: of the entry; None where there is none, so that nothing can become open. calendars: of the master
    data there. touched: the halves that
    changed, in order. near: halves whose pairing may depend on what changed.
    keys: where halves are listed, by id, each with the statements that it follows from.
    """

    working: Working
    time: datetime | None = None
    calendars: tuple[Calendar, ...] = ()
    touched: dict[str, None] = field(default_factory=dict)
    near: dict[str, None] = field(default_factory=dict)
    keys: dict[str, tuple[tuple[Statement, ...], list[str]]] = field(default_factory=dict)

    def half(self, half: str) -> Half:
        """The half with this id, which is there."""
        return self.working.must(half_key(half), Half)

    def find(self, half: str) -> Half | None:
        """The half with this id, or None once it is empty."""
        return self.working.get(half_key(half), Half)

    def put(self, half: Half) -> None:
        """Store `half` and list it where it now belongs."""
        old = self.find(half.id)
        self.working.put(half_key(half.id), half)
        self.touched[half.id] = None
        relist(self.working, old, half, self.time)
        if old is None or old.statements != half.statements:
            self._list_anew(half.id, self._keys(old) if old is not None else [], self._keys(half))

    def remove(self, half: Half) -> None:
        """Remove an empty half."""
        old = self.half(half.id)
        relist(self.working, old, None, self.time)
        self._list_anew(half.id, self._keys(old), [])
        self.working.delete(half_key(half.id))
        self.working.delete(trade_key(half.id))

    def _list_anew(self, half: str, old: list[str], new: list[str]) -> None:
        for key in dict.fromkeys((*old, *new)):
            halves = self.listed(key)
            self.near |= dict.fromkeys(halves)
            if key not in new:
                self._write(key, tuple(h for h in halves if h != half))
            elif half not in halves:
                self._write(key, (*halves, half)[-LISTED_MAX:])

    def _write(self, key: str, halves: tuple[str, ...]) -> None:
        if halves:
            self.working.put(key, Index(halves=halves))
        else:
            self.working.delete(key)

    def listed(self, key: str) -> tuple[str, ...]:
        """The ids of the halves listed at `key`."""
        index = self.working.get(key, Index)
        return index.halves if index is not None else ()

    def listed_at(self, keys: Iterable[str]) -> list[Half]:
        """The halves listed at any of `keys`, each once."""
        return [self.half(i) for i in dict.fromkeys(i for key in keys for i in self.listed(key))]

    def neighbours(self, half: Half) -> list[Half]:
        """The halves of both sides that share a link or the economics."""
        return self.listed_at(self._keys(half))

    def _keys(self, half: Half) -> list[str]:
        """Where a half is listed. What it states is compared by identity: records are never edited."""
        known = self.keys.get(half.id)
        if known is None or known[0] is not half.statements:
            known = self.keys[half.id] = (half.statements, [*link_keys(half), *economics_keys(half)])
        return known[1]

    def memory(self, trade: str) -> Trade | None:
        """What was last told about a trade."""
        return self.working.get(trade_key(trade), Trade)

    def trade_of(self, half: Half) -> str:
        """The id of the trade that `half` is part of: that of its earlier half."""
        if half.other is None:
            return half.id
        other = self.half(half.other)
        return min((half.opened, half.id), (other.opened, other.id))[1]

    def trade_date(self, half: Half) -> date:
        """That of the trade that `half` is part of, as the broker has it where the two sides differ."""
        other = self.half(half.other) if half.other is not None else half
        return next((h for h in (half, other) if h.role is Role.BROKER), half).terms.trade_date

    def join(self, half: Half, other: Half) -> None:
        """Pair two open halves; what was told about each alone is forgotten."""
        for one, its_other in ((half, other.id), (other, half.id)):
            self.working.delete(trade_key(one.id))
            joined = {"other": its_other, "candidates": (), "stirred": False}
            self.put(one.model_copy(update=joined))

    def part(self, half: Half) -> tuple[Half, ...]:
        """Undo the pairing of `half`; the halves that are open now."""
        if half.other is None:
            return (half,)
        trade = self.trade_of(half)
        stirred = self.memory(trade) is not None
        self.working.delete(trade_key(trade))
        parted = tuple(
            each.model_copy(update={"other": None, "stirred": stirred})
            for each in (half, self.half(half.other))
        )
        for each in parted:
            self.put(each)
        return parted
