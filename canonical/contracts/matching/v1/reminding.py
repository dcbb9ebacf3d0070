"""Deadlines: what is still open at one is told again to whoever has something open, with its cause.

    due(view, place, rules, now) -> Reminder            what a node says once a deadline has passed
    remind(view, entry, rules, contract) -> Decision    what the contract makes of it

A reminder goes through the open halves of one relationship and trade date in order, as far as the limits
let it; the next one goes on where it ended. One that the other side's node has said too changes nothing.
"""

from collections.abc import Iterator
from datetime import date, datetime, time

from canonical.base import Canonical
from canonical.contracts.matching.v1.admission import RefusedError, refused, role_of
from canonical.contracts.matching.v1.alleging import allegement
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.open_list import Place, day_key, listed_after
from canonical.contracts.matching.v1.records import Half, relationship
from canonical.contracts.matching.v1.telling import Teller
from canonical.contracts.state import Decision, Entry, View, Working
from canonical.identifiers import Party
from canonical.message import Reminder
from canonical.problems import Problem, Rule
from canonical.result import Deadline, Rejection, Result, TradeStatus, result_id
from canonical.rules import Rules
from canonical.rules.timetable import Deadlines
from canonical.rules.versions import RulesOn

LOOKED_AT_MAX = 250  # halves that one reminder looks at
FUNDS_MAX = 2_000  # the next trade is left to the next reminder once so many funds were compared


class Reminded(Canonical):
    """How far the last deadline of a trade date that has passed was told.

    upto: the name of the last half that was looked at. is_whole: all of them were.
    """

    deadline: time
    upto: str = ""
    is_whole: bool = False


def due(view: View, place: tuple[date, str, str], rules: Rules, now: datetime) -> Reminder | None:
    """What is to be said about a trade date of a relationship, at a time by the network's clock.

    place: trade date, broker, investor. None where nothing is open or no deadline has passed untold.
    """
    day, broker, investor = place
    deadline = _last_passed(rules.deadlines, day, now)
    at = (relationship(broker, investor), day)
    if deadline is None or view(day_key(at)) is None:
        return None
    told = _told(Working(view), at, deadline)
    if told is None or told.is_whole:
        return None
    return Reminder(
        reference=" ".join(filter(None, ("reminder", str(day), str(deadline), told.upto))),
        broker=Party(lei=broker),
        investor=Party(lei=investor),
        trade_date=day,
        deadline=deadline,
        after=told.upto,
    )


def remind(view: View, entry: Entry, rules: RulesOn, contract: str) -> Decision:
    """Tell what is open. Nobody is answered: the node has said it, and no client."""
    try:
        reminder = _admitted(entry, rules)
    except RefusedError as error:
        return Decision({}, (_refusal(entry, contract, error.problems),))
    place = (_between(reminder), reminder.trade_date)
    book = Book(Working(view), entry.time, entry.calendars)
    told = _told(book.working, place, reminder.deadline)
    if told is None or told.is_whole or told.upto != reminder.after:
        return Decision({}, ())  # it was said before, or of a later deadline
    teller = Teller(book, rules, contract, entry.position, {}, {}, {})
    going = _Round(book, teller, reminder, rules.on(reminder.trade_date).deadlines)
    results = tuple(going.results(place))
    upto = "" if going.is_whole else going.upto
    record = Reminded(deadline=reminder.deadline, upto=upto, is_whole=going.is_whole)
    return Decision({_reminded_key(place): record}, results)


class _Round:
    """One reminder's way through the open halves."""

    def __init__(self, book: Book, teller: Teller, reminder: Reminder, deadlines: Deadlines) -> None:
        self._book = book
        self._teller = teller
        self._at = datetime.combine(reminder.trade_date, reminder.deadline)
        number = deadlines.remind_at.index(reminder.deadline) + 1
        self._deadline = Deadline(at=reminder.deadline, number=number, of=len(deadlines.remind_at))
        self.upto = reminder.after
        self.is_whole = False

    def results(self, place: Place) -> Iterator[Result]:
        """Of each trade once, by its earlier half. What came after the deadline is not late for it."""
        funds = looked_at = 0
        for listed in listed_after(self._book.working, place, self.upto):
            if looked_at == LOOKED_AT_MAX or funds >= FUNDS_MAX:
                return
            self.upto, looked_at = listed.name, looked_at + 1
            half = self._book.half(listed.half)
            if listed.since < self._at and self._book.trade_of(half) == half.id:
                result = self._told(half)
                funds += result.funds_total
                yield result
        self.is_whole = True

    def _told(self, half: Half) -> Result:
        result = self._teller.standing(half)
        alone = result.status is TradeStatus.UNMATCHED and not half.candidates
        update = {"deadline": self._deadline, "alleged": allegement(half) if alone else None}
        return result.model_copy(update=update)


def _admitted(entry: Entry, rules: RulesOn) -> Reminder:
    """The reminder of an entry. Raises RefusedError where it may not be, or is too early."""
    message, *others = entry.submission.messages
    if not isinstance(message, Reminder) or others:
        raise refused("kind", "reminder", Rule.NOT_ALLOWED, "a reminder is said alone")
    role_of(message, entry.submission.sender)
    if message.deadline not in rules.on(message.trade_date).deadlines.remind_at:
        raise refused("deadline", str(message.deadline), Rule.NOT_ALLOWED, "the rules know no such deadline")
    due_at = datetime.combine(message.trade_date, message.deadline)
    if entry.time.replace(tzinfo=None) < due_at:
        text = "by the ledger's time this deadline has not passed"
        raise refused("deadline", due_at.isoformat(), Rule.NOT_ALLOWED, text)
    return message


def _refusal(entry: Entry, contract: str, problems: tuple[Problem, ...]) -> Rejection:
    first = entry.submission.messages[0]
    assert first.broker.lei is not None, "what is on the ledger names both sides by LEI"
    assert first.investor.lei is not None, "what is on the ledger names both sides by LEI"
    return Rejection(
        id=result_id(contract, entry.position, "rejection"),
        position=entry.position,
        contract=contract,
        broker=first.broker.lei,
        investor=first.investor.lei,
        to=None,
        sources=(),
        problems=problems,
    )


def _last_passed(deadlines: Deadlines, day: date, now: datetime) -> time | None:
    passed = [at for at in deadlines.remind_at if datetime.combine(day, at) <= now.replace(tzinfo=None)]
    return passed[-1] if passed else None


def _told(working: Working, place: Place, deadline: time) -> Reminded | None:
    """How far a deadline was told; None where a later one was."""
    last = working.get(_reminded_key(place), Reminded)
    if last is None or last.deadline < deadline:
        return Reminded(deadline=deadline)
    return last if last.deadline == deadline else None


def _between(reminder: Reminder) -> str:
    assert reminder.broker.lei is not None, "what is on the ledger names both sides by LEI"
    assert reminder.investor.lei is not None, "what is on the ledger names both sides by LEI"
    return relationship(reminder.broker.lei, reminder.investor.lei)


def _reminded_key(place: Place) -> str:
    return f"reminded/{place[0]}/{place[1]}"
