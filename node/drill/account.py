"""What a drill is asked to do, and its account: what happened, and whether what must hold did hold."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict

DEVIATIONS_MAX = 50


class Part(BaseModel):
    """Base of what a report is made of."""

    model_config = ConfigDict(frozen=True)


class Event(Part):
    """Something that happened, so many seconds after the drill began."""

    seconds: float
    text: str


class Promise(Part):
    """What must hold. deviations: how it did not, one sentence each. is_timed: of how long it took."""

    text: str
    held: bool
    deviations: tuple[str, ...]
    is_timed: bool = False


class Report(Part):
    """A drill that was played. skipped: why this machine does not allow it. folder: where its files are."""

    drill: str
    seed: int
    held: bool
    skipped: str | None
    events: tuple[Event, ...]
    promises: tuple[Promise, ...]
    seconds: float
    folder: str | None


class ImpossibleError(Exception):
    """This machine does not allow the drill; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a drill is to be played.

    folder: for all files. seconds: how long the fault lasts. count: how many times it happens, or of how many
    entries it is about; what it counts is the drill's to say.
    """

    folder: Path
    seed: int
    seconds: float
    count: int


@dataclass(slots=True)
class Account:
    """Kept while a drill is played. watcher: told of each line at once."""

    watcher: Callable[[str], None] = lambda _: None
    events: list[Event] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the drill began."""
        return round(time.monotonic() - self.began, 1)

    def tell(self, text: str) -> None:
        """Note what happens."""
        self.events.append(Event(seconds=self.seconds, text=text))
        self.watcher(f"{self.seconds:6.1f} s  {text}")

    def must(self, text: str, deviations: Iterable[str], *, is_timed: bool = False) -> None:
        """Note whether a promise holds: it does where there are no deviations."""
        found = tuple(islice(deviations, DEVIATIONS_MAX))
        self.promises.append(Promise(text=text, held=not found, deviations=found, is_timed=is_timed))
        self.watcher(f"{self.seconds:6.1f} s  {'holds' if not found else 'DOES NOT HOLD'}: {text}")
        for deviation in found:
            self.watcher(f"            {deviation}")

    @property
    def held(self) -> bool:
        """Whether all that had to hold did; a drill that has tried nothing has shown nothing."""
        return bool(self.promises) and all(promise.held for promise in self.promises)
