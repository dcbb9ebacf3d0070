"""The book of halves: reading, writing, and the lists by which halves are found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from canonical.calendar import Calendar
from canonical.contracts.matching.v1.cards import Card, FoundBy, Text, card_in, card_of, found_by, text_of
from canonical.contracts.matching.v1.lines import Line, Lines, Stated, kept_lines, lines_of
from canonical.contracts.matching.v1.lists import NEAR_MAX, Lists
from canonical.contracts.matching.v1.messages import mentioned, mentions_with, messages_key, outlive
from canonical.contracts.matching.v1.open_list import is_moved, relist
from canonical.contracts.matching.v1.records import (
    Half,
    Statement,
    Trade,
    half_key,
    lines_key,
    trade_key,
)
from canonical.contracts.state import Working
from canonical.message import Role
from canonical.result import Source


@dataclass(slots=True)
class Book:
    """The halves of one relationship while an entry is applied, and the lists by which they are found.

    time: of the entry; None where there is none, so that nothing can become open. calendars: of the
    master data there. touched: the halves that changed, in order. near: the cards of those whose pairing may
    depend on what changed. noted: the lists that these were taken from. misplaced: the halves that are to be
    listed anew, each with the lists that it is in. moved: those that became open or ceased to be so.
    unlisted: those whose cards in lists may be old. halves: those that were asked for, as they are now.
    found, cards, nearby, lines: what was worked out already: what halves are found by, with the statements
    that it follows from; cards as they are now, and the neighbours', all by id; lines, by their keys.
    """

    working: Working
    time: datetime | None = None
    calendars: tuple[Calendar, ...] = ()
    touched: dict[str, None] = field(default_factory=dict)
    near: dict[str, Text] = field(default_factory=dict)
    noted: dict[str, None] = field(default_factory=dict)
    misplaced: dict[str, list[str]] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    unlisted: dict[str, None] = field(default_factory=dict)
    halves: dict[str, Half | None] = field(default_factory=dict)
    found: dict[str, tuple[tuple[Statement, ...], FoundBy]] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    nearby: dict[str, list[Card]] = field(default_factory=dict)
    lines: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    lists: Lists = field(init=False)

    def __post_init__(self) -> None:
        """Its lists lie in the same state."""
        self.lists = Lists(self.working)

    def half(self, half: str) -> Half:
        """The half with this id, which is there."""
        found = self.find(half)
        assert found is not None, f"half {half} is missing"
        return found

    def find(self, half: str) -> Half | None:
        """The half with this id, or None once it is empty."""
        if half not in self.halves:
            self.halves[half] = self.working.get(half_key(half), Half)
        return self.halves[half]

    def other(self, half: Half) -> Half | None:
        """The half that this one is paired with, if it is."""
        return self.half(half.other) if half.other is not None else None

    def stated(self, half: Half) -> list[Stated]:
        """What a half states, with all funds."""
        return [Stated(statement, self._lines(half, statement)) for statement in half.statements]

    def put(self, half: Half, *new: Stated) -> None:
        """Store `half`; it is found by what it states from now on. new: those of its statements that are.

        Its place in lists is changed once somebody looks at them: one submission may state several things.
        """
        old = self.find(half.id)
        self._keep(half)
        self.touched[half.id] = None
        self._note(old, half)
        for each in new:
            self._keep_lines(half, each)
        if old is None or old.statements != half.statements:
            self._drop_lines(old, half.statements)
            if half.id not in self.misplaced:
                self.misplaced[half.id] = self._found_by(old).keys if old is not None else []

    def remove(self, half: Half) -> None:
        """Remove an empty half."""
        old = self.half(half.id)
        self._note(old, None)
        self._drop_lines(old, ())
        self._list_anew(half, [*self.misplaced.pop(half.id, ()), *self._found_by(old).keys], [])
        outlive(self.working, half.id, mentioned(old))
        self.working.delete(half_key(half.id))
        self.halves[half.id] = None
        self.working.delete(trade_key(half.id))

    def mention(self, half: str, between: str, source: Source) -> None:
        """Note that a message has spoken of a half, there or no more, so that it is forgotten with that."""
        record = self.find(half)
        if record is None:
            outlive(self.working, half, (messages_key(between, source.author, source.reference),))
        elif (mentions := mentions_with(record, source)) is not record.mentions:
            self._keep(record.model_copy(update={"mentions": mentions}))

    def close(self) -> None:
        """Bring the lists up to date with how the halves stand now: once, when the entry is through."""
        self._place()
        for name in self.moved:
            relist(self.working, self.working.before(half_key(name), Half), self.find(name), self.time)
        for name in self.unlisted:
            half = self.find(name)
            if half is not None:
                self._list_now(half)
        self.write_lists()

    def write_lists(self) -> None:
        """Store the lists as they are now."""
        self._place()
        self.lists.write()

    def listed_at(self, keys: Iterable[str], near_max: int | None = None) -> list[Card]:
        """The halves listed at any of `keys`, each once. near_max: as Lists.at_any has it."""
        self._place()
        listed = self.lists.at_any(keys, near_max)
        return [self.cards.get(name) or self._card(name, text) for name, text in listed.items()]

    def neighbours(self, half: Half) -> list[Card]:
        """The halves of both sides that share a link or the economics, some NEAR_MAX at most."""
        if half.id not in self.nearby:
            self.nearby[half.id] = self.listed_at(self._found_by(half).keys, NEAR_MAX)
        return self.nearby[half.id]

    def names_near(self, half: Half) -> tuple[str, ...]:
        """The ids of its neighbours."""
        self._place()
        return tuple(self.lists.at_any(self._found_by(half).keys))

    def near_changes(self) -> list[Card]:
        """What is near what changed, then what changed, as far as it is still there."""
        self._place()
        near = [
            self._card(name, text)
            for name, text in self.near.items()
            if name not in self.unlisted or self.find(name)
        ]
        changed = (self.find(name) for name in self.touched if name not in self.near)
        return [*near, *(self.card(half) for half in changed if half is not None)]

    def card(self, half: Half) -> Card:
        """The card of a half as it is now."""
        if half.id not in self.cards:
            self.cards[half.id] = card_of(half, self.other(half), self._found_by(half))
        return self.cards[half.id]

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

    def _keep(self, half: Half) -> None:
        self.working.put(half_key(half.id), half)
        self.halves[half.id] = half

    def _note(self, old: Half | None, new: Half | None) -> None:
        """Note what the lists that follow from a half, or from its counterpart, may have to say anew."""
        half = new or old
        assert half is not None, "one of the two is there, and both are one half"
        self.nearby.clear()
        self._note_old_card(half.id)
        if is_moved(old, new):
            self.moved[half.id] = None
        for each in (old, new):
            if each is not None and each.other is not None:
                self._note_old_card(each.other)

    def _note_old_card(self, half: str) -> None:
        self.unlisted[half] = None
        self.cards.pop(half, None)

    def _lines(self, half: Half, statement: Statement) -> tuple[Line, ...]:
        if not statement.funds:
            return ()
        key = lines_key(half.id, statement.source)
        if key not in self.lines:
            self.lines[key] = lines_of(self.working.must(key, Lines))
        return self.lines[key]

    def _keep_lines(self, half: Half, new: Stated) -> None:
        if new.lines:
            key = lines_key(half.id, new.statement.source)
            self.working.know_absent(key)  # a source speaks once
            self.working.put(key, kept_lines(new.lines))
            self.lines[key] = new.lines

    def _drop_lines(self, old: Half | None, kept: tuple[Statement, ...]) -> None:
        """Remove the lines of what a half states no more."""
        if old is None or kept[: len(old.statements)] == old.statements:
            return  # mostly something is added
        sources = dict.fromkeys(statement.source for statement in kept)
        for statement in old.statements:
            if statement.funds and statement.source not in sources:
                key = lines_key(old.id, statement.source)
                self.working.delete(key)
                self.lines.pop(key, None)

    def _place(self) -> None:
        """List the halves by what they state now."""
        while self.misplaced:
            name = next(iter(self.misplaced))
            half = self.half(name)
            self._list_anew(half, self.misplaced.pop(name), self._found_by(half).keys)

    def _list_anew(self, half: Half, old: list[str], new: list[str]) -> None:
        text = self._text(half) if new else None
        was, shall = dict.fromkeys(old), dict.fromkeys(new)
        for key in was | shall:
            if key not in was or key not in shall or key not in self.noted:
                self.noted[key] = None
                self._list_at(key, half.id, text if key in shall else None)

    def _list_at(self, key: str, half: str, text: Text | None) -> None:
        """text: the card of the half; None where it is not listed any more."""
        listed = self.lists.at(key)
        if listed and len(self.near) < NEAR_MAX:
            self.near = {**self.near, **listed, **self.near}  # those that are near already stay as they are
        is_there = half in listed
        if is_there and text is None:
            self.lists.strike(key, half)
        elif text is not None and not is_there:
            self.lists.enter(key, half, text)

    def _list_now(self, half: Half) -> None:
        """Write the card of a half as it is now into the lists that have another one."""
        text = self._text(half)
        for key in self._found_by(half).keys:
            self.lists.rewrite(key, half.id, text)

    def _card(self, name: str, text: Text) -> Card:
        """The card of a listed half as it is now: as its list says, unless that is old or too short."""
        card = None if name in self.unlisted else card_in(text)
        if card is None:
            return self.card(self.half(name))
        self.cards[name] = card
        return card

    def _text(self, half: Half) -> Text:
        return text_of(half, self.other(half), self._found_by(half))

    def _found_by(self, half: Half) -> FoundBy:
        """What a half is found by. What it states is compared by identity: records are never edited."""
        known = self.found.get(half.id)
        if known is None or known[0] is not half.statements:
            known = self.found[half.id] = (half.statements, found_by(half))
        return known[1]
