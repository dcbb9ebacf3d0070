"""Change after match agreed: one side asks, the other consents or not; until then the trade stays as it is.

What is asked for are ordinary messages, a cancellation or replacements, that would change an agreed trade.
They are kept, and carried out when the other side takes them, by a word of its own or by asking for the same
kind of change itself. Who takes a replacement that has all figures says the same from then on.
"""

from dataclasses import dataclass, field, replace

from canonical.base import Canonical
from canonical.contracts.matching.v1.admission import (
    Origin,
    RefusedError,
    Spoken,
    note,
    refused,
    source_of,
    spoken,
)
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.contribution import AgreedError, Contributions, kinds_replacing
from canonical.contracts.matching.v1.lines import Line, Stated
from canonical.contracts.matching.v1.messages import end, known
from canonical.contracts.matching.v1.records import (
    Change,
    Half,
    Statement,
    Word,
    block_of,
    change_key,
    links_of,
)
from canonical.contracts.matching.v1.shares import shares_of
from canonical.contracts.matching.v1.totals import are_calculated
from canonical.contracts.state import Working
from canonical.encoding import digest
from canonical.message import (
    Affirmation,
    AllocationResponse,
    BlockResponse,
    Cancellation,
    ChangeResponse,
    Kind,
    Role,
)
from canonical.problems import Rule
from canonical.result import ChangeState, Source
from canonical.rules.versions import RulesOn

_Responding = Affirmation | BlockResponse | AllocationResponse | ChangeResponse


@dataclass(frozen=True, slots=True)
class Asked:
    """What is told about a change: its state, and the messages that ask for it."""

    state: ChangeState
    sources: tuple[Source, ...]


@dataclass(slots=True)
class Changes:
    """The messages of one submission, of which some may be words about a change that the other side asks for.

    told: by trade, what is asked for, or was refused just now. gone: by trade, what both sides took back, as
    it stood: the halves, and all messages that are to be told.
    """

    book: Book
    contributions: Contributions
    told: dict[str, Asked] = field(default_factory=dict)
    gone: dict[str, tuple[tuple[Half, ...], tuple[Source, ...]]] = field(default_factory=dict)

    def add(self, said: Spoken) -> None:
        """Apply one message. Raises RefusedError, and AgreedError where it needs the other side."""
        message = said.message
        if isinstance(message, Cancellation) and (own := self._asking(said, said.role, message.cancels)):
            self._take_back(said, own)
        elif isinstance(message, _Responding) and (
            theirs := self._asking(said, _other(said.role), message.answers)
        ):
            self._respond(said, message, theirs)
        elif isinstance(message, ChangeResponse):
            text = "the other side asks for no change under this reference"
            raise refused("answers", message.answers, Rule.UNKNOWN_REFERENCE, text)
        else:
            self.contributions.add(said)

    def ask(self, half: Half, said: list[Spoken]) -> None:
        """Keep what would change an agreed trade until the other side consents. Raises RefusedError.

        Where the other side has asked for a change of the same kind before, both are carried out.
        """
        for each in said:
            if isinstance(each.message, ChangeResponse):
                text = "this comes with a change of an agreed trade of yours, which waits: say it by itself"
                raise refused("answers", each.message.answers, Rule.NOT_ALLOWED, text)
        trade, first = self.book.trade_of(half), said[0]
        change = Change(
            by=first.role,
            position=first.position,
            raw=first.source.raw,
            messages=tuple(each.message for each in said),
            cancels=_cancels(self.book, half, said, self.contributions.rules),
        )
        waiting = self.book.working.get(change_key(trade), Change)
        for each in said:
            note(self.book, each, half.id, asks=True)
        if waiting is None:
            self.book.working.put(change_key(trade), change)
            self._let_wait(trade, waits=True)
            self.book.touched[half.id] = None
            self.told[trade] = asked_for(change)
            return
        if waiting.by is change.by or waiting.cancels is not change.cancels:
            raise refused(
                "reference", first.message.reference, Rule.NOT_ALLOWED, _in_the_way(waiting, change)
            )
        pair = _pair(self.book, half)
        self._carry_out(pair, waiting)
        self._carry_out(pair, change)
        self._note_gone(trade, pair, (*asked_for(waiting).sources, *asked_for(change).sources))

    def _asking(self, said: Spoken, by: Role, reference: str) -> tuple[Half, Change] | None:
        """The half, and the change asked for about it by a side in a message with this reference."""
        for kind in Kind:
            record = known(self.book.working, said.between, by, kind, reference)
            if record is not None and record.asks and record.live:
                half = self.book.half(record.half)
                change = self.book.working.get(change_key(self.book.trade_of(half)), Change)
                return (half, change) if change is not None else None  # forgotten with the other side's day
        return None

    def _take_back(self, said: Spoken, asking: tuple[Half, Change]) -> None:
        half, change = asking
        self._forget(half, change)
        self.contributions.cancelled.setdefault(half.id, {})[said.source] = None
        note(self.book, said, half.id)

    def _respond(self, said: Spoken, message: _Responding, asking: tuple[Half, Change]) -> None:
        half, change = asking
        note(self.book, said, half.id)
        if not (message.affirmed if isinstance(message, Affirmation) else message.agreed):
            self._forget(half, change)
            asked = asked_for(change)
            state = asked.state.model_copy(update={"refused": True})
            self.told[self.book.trade_of(half)] = replace(asked, state=state)
            return
        trade, pair = self.book.trade_of(half), _pair(self.book, half)
        self._carry_out(pair, change)
        if not self._note_gone(trade, pair, (*asked_for(change).sources, said.source)):
            self._say_the_same(pair, change.by, said)

    def _forget(self, half: Half, change: Change) -> None:
        """What was asked for comes to nothing: the trade stays as it is."""
        working = self.book.working
        working.delete(change_key(self.book.trade_of(half)))
        self._let_wait(self.book.trade_of(half), waits=False)
        between = f"{half.broker}/{half.investor}"
        for message in change.messages:
            end(working, between, source_of(message, change.by, change.raw))
        self.book.touched[half.id] = None

    def _let_wait(self, trade: str, *, waits: bool) -> None:
        self.book.put(self.book.half(trade).model_copy(update={"waits": waits}))

    def _carry_out(self, pair: tuple[Half, ...], change: Change) -> None:
        self.book.working.delete(change_key(self.book.trade_of(pair[0])))
        _open(self.book, pair)
        contributions = replace(
            self.contributions,
            book=self.book,
            kinds=kinds_replacing(change.messages),
            anchor=None,
            replaced={},
        )
        sender = pair[0].broker if change.by is Role.BROKER else pair[0].investor
        for number, message in enumerate(change.messages):
            origin = Origin(change.position, number, change.raw, digest(message))
            contributions.add(spoken(message, sender, origin))

    def _note_gone(self, trade: str, pair: tuple[Half, ...], said: tuple[Source, ...]) -> bool:
        """Whether a side has nothing left: then the other's words go too, and the trade with them."""
        now = [self.book.half(half.id) for half in pair]
        if all(half.statements for half in now):
            return False
        _withdraw_all(self.book.working, now)
        stated = (source for half in pair for source in _sources(half))
        self.gone[trade] = (pair, tuple(dict.fromkeys((*said, *stated))))
        return True

    def _say_the_same(self, pair: tuple[Half, ...], by: Role, said: Spoken) -> None:
        """Who consents takes the other side's figures over, where there are figures for every fund."""
        theirs = next((self.book.half(half.id) for half in pair if half.role is by), None)
        ours = next((self.book.half(half.id) for half in pair if half.role is not by), None)
        if theirs is None or not are_calculated(shares_of(self.book.stated(theirs), theirs.words)):
            return
        if ours is None:
            words = tuple(_word(statement, said) for statement in theirs.statements if statement.funds)
            self.book.put(theirs.model_copy(update={"words": (*theirs.words, *words)}))
            return
        _withdraw_all(self.book.working, [ours])
        same = _stated(self.book, theirs, ours, said)
        self.book.put(ours.model_copy(update={"statements": (same.statement,), "words": ()}), same)


def _other(role: Role) -> Role:
    return Role.INVESTOR if role is Role.BROKER else Role.BROKER


def _pair(book: Book, half: Half) -> tuple[Half, ...]:
    return (half,) if half.other is None else (half, book.half(half.other))


def _open(book: Book, pair: tuple[Half, ...]) -> None:
    for half in pair:
        book.put(book.half(half.id).model_copy(update={"agreed": False, "waits": False}))


def _cancels(book: Book, half: Half, said: list[Spoken], rules: RulesOn) -> bool:
    """Whether the messages take back all that their side had said. Raises RefusedError where they may not."""
    book.write_lists()  # what has changed so far is to be seen in the trial
    trial = Book(Working(lambda key: _in(book.working, key)), book.time, book.calendars)
    _open(trial, _pair(trial, trial.half(half.id)))
    kinds = kinds_replacing(tuple(each.message for each in said))
    contributions = Contributions(trial, kinds, rules)
    for each in said:
        try:
            contributions.add(each)
        except AgreedError as error:
            raise RefusedError(*error.problems) from error
    own = next((h for h in _pair(trial, half) if h.role is said[0].role), None)
    return own is not None and not trial.half(own.id).statements


def _in(working: Working, key: str) -> Canonical | None:
    return working.changes[key] if key in working.changes else working.view(key)


def asked_for(change: Change) -> Asked:
    """What is told about a change while it waits."""
    sources = tuple(source_of(message, change.by, change.raw) for message in change.messages)
    return Asked(ChangeState(by=change.by, cancels=change.cancels), sources)


def _in_the_way(waiting: Change, change: Change) -> str:
    if waiting.by is change.by:
        return "a change of this trade waits for the other side's word already: take that back first"
    asked = "cancel" if waiting.cancels else "amend"
    return f"the other side has asked to {asked} this trade: take or refuse that first"


def _sources(half: Half) -> list[Source]:
    return [*(s.source for s in half.statements), *(w.source for w in half.words)]


def _withdraw_all(working: Working, halves: list[Half]) -> None:
    """The messages that these halves rest on are in force no more."""
    for half in halves:
        between = f"{half.broker}/{half.investor}"
        for source in _sources(half):
            end(working, between, source)


def _word(statement: Statement, said: Spoken) -> Word:
    lines = tuple(range(statement.funds))
    return Word(source=said.source, answers=statement.source, lines=lines, agreed=True)


def _stated(book: Book, theirs: Half, ours: Half, said: Spoken) -> Stated:
    """What is consented to, as the statement of the side that consents."""
    shares = (share for each in shares_of(book.stated(theirs), theirs.words).values() for share in each)
    lines = tuple(Line(share.account, share.figures) for share in shares)
    statement = Statement(
        source=said.source,
        terms=theirs.terms,
        block=block_of(theirs),
        funds=len(lines),
        links=links_of(ours),
    )
    return Stated(statement, lines)
