"""The state that contracts work on: records by key, read through a view, changed in an overlay."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from canonical.base import Canonical
from canonical.calendar import Calendar
from canonical.result import AnyOutcome
from canonical.submission import Submission

Record = TypeVar("Record", bound=Canonical)
View = Callable[[str], Canonical | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission in its place: position in the ledger, from 0.

    time: of the ledger there, aware, in the network's time zone: the only clock that a contract has. It is
    the same at every node, and at a later entry never earlier. calendars: those of the master data there.
    digests: of the messages, from where their bytes were read; they are worked out where there are none.
    """

    position: int
    submission: Submission
    time: datetime
    calendars: tuple[Calendar, ...] = ()
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a contract makes of an entry. changes: the records to store, None where one is to go."""

    changes: dict[str, Canonical | None]
    outcomes: tuple[AnyOutcome, ...]


@dataclass(slots=True)
class Working:
    """An overlay on the state while one entry is applied: nothing is changed below it.

    read: what the view was asked already, so that it is asked once.
    """

    view: View
    changes: dict[str, Canonical | None] = field(default_factory=dict)
    read: dict[str, Canonical | None] = field(default_factory=dict)

    def get(self, key: str, record: type[Record]) -> Record | None:
        """The record at `key`, or None. A record of another class there is a bug."""
        if key in self.changes:
            value = self.changes[key]
        elif key in self.read:
            value = self.read[key]
        else:
            value = self.read[key] = self.view(key)
        assert value is None or isinstance(value, record), f"{key} holds {type(value).__name__}"
        return value

    def before(self, key: str, record: type[Record]) -> Record | None:
        """The record at `key`, which was asked for before, as it was before the entry."""
        value = self.read[key]
        assert value is None or isinstance(value, record), f"{key} holds {type(value).__name__}"
        return value

    def must(self, key: str, record: type[Record]) -> Record:
        """The record at `key`, which is there unless the state is broken."""
        value = self.get(key, record)
        assert value is not None, f"{key} is missing"
        return value

    def know_absent(self, *keys: str) -> None:
        """Take it that nothing is stored at `keys`: the view need not be asked."""
        self.read |= dict.fromkeys(keys)

    def put(self, key: str, value: Canonical) -> None:
        """Store `value` at `key`."""
        self.changes[key] = value

    def delete(self, key: str) -> None:
        """Remove the record at `key`. What was never stored leaves no change."""
        if key in self.read and self.read[key] is None:
            self.changes.pop(key, None)
        else:
            self.changes[key] = None
