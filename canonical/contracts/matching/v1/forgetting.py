"""Forgetting: halves whose messages both sides have destroyed leave the state, and all that names them.

A half is forgotten whole, with all that was ever said of it on whatever day: a trade of which a part is
missing cannot be judged. Its counterpart, where that is not forgotten too, stays. What was agreed stays
agreed, so that it is not agreed once more; what was not stands alone from then on.
"""

from canonical.base import Canonical
from canonical.contracts.matching.v1.admission import Origin, RefusedError, spoken
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.messages import Mentions, mentions_key, message_of
from canonical.contracts.matching.v1.records import (
    Change,
    Half,
    Trade,
    change_key,
    trade_key,
)
from canonical.contracts.state import View, Working
from canonical.encoding import digest
from canonical.result import BlockState, Status, TradeStatus
from canonical.submission import Submission


def forget(view: View, halves: tuple[str, ...]) -> dict[str, Canonical | None]:
    """The changes by which `halves` are forgotten, None for what goes. What is not there is passed over."""
    book = Book(Working(view))
    gone = dict.fromkeys(halves)
    for name in gone:
        half = book.find(name)
        if half is not None:
            _forget(book, half, gone)
        _forget_messages(book.working, name)
    book.close()
    return book.working.changes


def halves_of(view: View, submission: Submission) -> tuple[str, ...]:
    """The halves that the messages of an accepted submission speak of, also where nothing is left of them."""
    found: dict[str, None] = {}
    for number, message in enumerate(submission.messages):
        try:
            origin = Origin(0, number, submission.source, digest(message))
            said = spoken(message, submission.sender, origin)
        except RefusedError:
            continue
        record = message_of(view, said.between, said.role, message.kind, message.reference)
        if record is not None and (record.digest, record.source) == (said.digest, said.source):
            found[record.half] = None
    return tuple(found)


def _forget(book: Book, half: Half, gone: dict[str, None]) -> None:
    for name in (half.id, half.other):
        if name is not None and book.working.get(change_key(name), Change) is not None:
            book.working.delete(change_key(name))
    if half.other is not None and half.other not in gone:
        _leave_alone(book, half, book.half(half.other))
    for name in dict.fromkeys((*book.names_near(half), *half.candidates)):
        _no_candidate(book, name, half.id)
    book.remove(half)


def _leave_alone(book: Book, half: Half, other: Half) -> None:
    """Part `other`, which stays, from `half`. What was told of the two together names the half that goes."""
    trade = book.trade_of(half)
    told = book.memory(trade) is not None
    book.working.delete(trade_key(trade))
    if other.agreed:
        own = tuple(statement.source for statement in other.statements)
        block = BlockState(status=Status.MATCHED, sources=own)
        book.working.put(trade_key(other.id), Trade(status=TradeStatus.MATCH_AGREED, block=block, funds={}))
    book.put(other.model_copy(update={"other": None, "stirred": told and not other.agreed, "waits": False}))


def _no_candidate(book: Book, name: str, gone: str) -> None:
    """Strike a half from those that another might be paired with; nobody needs to be told of it."""
    half = book.find(name)
    if half is not None and gone in half.candidates:
        book.put(half.model_copy(update={"candidates": _without(half.candidates, gone)}))
    memory = book.memory(name)
    if memory is not None and gone in memory.candidates:
        left = _without(memory.candidates, gone)
        book.working.put(trade_key(name), memory.model_copy(update={"candidates": left}))


def _without(names: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != gone)


def _forget_messages(working: Working, half: str) -> None:
    """Forget that messages were accepted: their references are free again."""
    mentions = working.get(mentions_key(half), Mentions)
    if mentions is not None:
        for key in mentions.keys:
            working.delete(key)
        working.delete(mentions_key(half))
