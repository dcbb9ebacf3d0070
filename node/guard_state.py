"""How the guard of a node's own server stands: shown by `yakujo status`, and logged whenever it changes."""

import time
from collections.abc import Callable
from enum import StrEnum

import structlog
from pydantic import BaseModel, ConfigDict

log = structlog.get_logger(__name__)


class Word(StrEnum):
    """The state in one expression.

    CHECKING: it is being looked at, or has just been started. FENCED: it is kept stopped, as it is damaged.
    RESYNCHRONISING: it gets the ledger back from its peers. DISK_LOW: nothing is taken from clients.
    """

    WELL = "well"
    CHECKING = "checking"
    FENCED = "fenced"
    RESYNCHRONISING = "resynchronising"
    DISK_LOW = "disk low"
    NEEDS_A_PERSON = "needs a person"


GRAVE = {Word.FENCED, Word.NEEDS_A_PERSON, Word.DISK_LOW}


class GuardState(BaseModel):
    """The state with its reason. text: what is wrong, what is done about it, and what a person must do.

    since: when this state began, written: when it was looked at last, in seconds since 1970, UTC. looks: how
    often the server has been looked at. fenced, resynchronised, restarted: how often the guard has done so
    since the node's start. sequence: the last one of the server's own copy, None where that is not known.
    target: the one to reach while it is resynchronised. free_bytes, used_percent: of the fullest file system
    that the ledger lies on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    word: Word
    text: str
    since: float
    written: float
    looks: int = 0
    fenced: int = 0
    resynchronised: int = 0
    restarted: int = 0
    sequence: int | None = None
    target: int | None = None
    free_bytes: int | None = None
    used_percent: int | None = None


class Report:
    """What is known now, from which the state is made. The attributes after `state` are free to be set."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._word, self._text = Word.CHECKING, "not looked at yet"
        self._since = clock()
        self._low: str | None = None
        self.looks = self.fenced = self.resynchronised = self.restarted = 0
        self.sequence: int | None = None
        self.target: int | None = None
        self.free_bytes: int | None = None
        self.used_percent: int | None = None

    @property
    def word(self) -> Word:
        """The state of the server itself, whatever the disk is like."""
        return self._word

    @property
    def state(self) -> GuardState:
        """All of it, unchangeable. A low disk is shown where nothing graver is to be said."""
        word, text = self._word, self._text
        if self._low is not None and word in {Word.WELL, Word.CHECKING}:
            word, text = Word.DISK_LOW, self._low
        return GuardState(
            word=word,
            text=text,
            since=self._since,
            written=self._clock(),
            looks=self.looks,
            fenced=self.fenced,
            resynchronised=self.resynchronised,
            restarted=self.restarted,
            sequence=self.sequence,
            target=self.target,
            free_bytes=self.free_bytes,
            used_percent=self.used_percent,
        )

    def say(self, word: Word, text: str) -> None:
        """The server is in this state now; logged where it is another one than before."""
        shown = self.state.word
        changed = word is not self._word
        graver = word in GRAVE and text != self._text
        self._word, self._text = word, text
        self._note(shown)
        if changed or graver:
            tell = log.error if word in GRAVE else log.info
            tell("guard of the own server", state=word.value, text=text)

    def disk(self, low: str | None) -> None:
        """Whether the disk is low now, and why."""
        shown, was = self.state.word, self._low
        self._low = low
        self._note(shown)
        if (was is None) is not (low is None):
            tell = log.info if low is None else log.error
            tell("guard of the disk", text=low or "there is room again: input is taken")

    def _note(self, shown: Word) -> None:
        if self.state.word is not shown:
            self._since = self._clock()
