"""Asking for the shared calculation of a trade, and taking its figures as one's own."""

from typing import NamedTuple

from canonical.amounts import plain
from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.admission import Spoken, refused
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.lines import Line, Stated, account_key
from canonical.contracts.matching.v1.messages import in_force
from canonical.contracts.matching.v1.records import Half, Statement, block_of, links_of
from canonical.contracts.matching.v1.sides import Side, sides_of_pair
from canonical.contracts.matching.v1.statements import figures_of
from canonical.message import CalculationRequest, Kind, Role
from canonical.problems import Rule
from canonical.result import Source


class Request(NamedTuple):
    """Who asks for the calculation of a trade. about: the reference that names it. half: which that means."""

    source: Source
    about: str
    half: str

    def asked(self, book: Book) -> Half:
        """The half, once the whole submission is done. Raises RefusedError where it is gone by then."""
        half = book.find(self.half)
        if half is None:
            text = "what you ask about is taken back by the same submission: ask or take back, not both"
            raise refused("about", self.about, Rule.NOT_ALLOWED, text)
        return half


def meant(book: Book, said: Spoken, about: str) -> Half:
    """The half that a request names by a message of its author's, else of the other side's."""
    for role in sorted(Role, key=lambda role: role is not said.role):
        for kind in Kind:
            record = in_force(book.working, said.between, role, kind, about)
            half = book.find(record.half) if record is not None else None
            if half is not None:
                return half
    text = "no message of either side with this reference is in force"
    raise refused("about", about, Rule.UNKNOWN_REFERENCE, text)


def sides_of(book: Book, half: Half) -> tuple[Side, Side]:
    """The broker's and the investor's side of the trade that a half is part of."""
    return sides_of_pair(book, half, book.other(half))


def adopting(book: Book, half: Half, said: Spoken) -> Half:
    """The author's own half of the trade. Raises RefusedError where it has said nothing of it."""
    pair = [half, *([book.half(half.other)] if half.other is not None else [])]
    own = next((each for each in pair if each.role is said.role), None)
    if own is None:
        text = "you have said nothing of this trade yet: state it, then take the calculated figures over"
        raise refused("adopts", said.message.reference, Rule.NOT_ALLOWED, text)
    return own


def check_seen(message: CalculationRequest, calculation: Calculation) -> None:
    """Raise RefusedError where a trade comes to another net amount than its author has seen."""
    seen, now = message.net, calculation.totals.net
    if seen is not None and seen != now:
        text = (
            f"the trade comes to {plain(now.amount)} {now.currency} by now: look at it, then take that over"
        )
        raise refused("net", f"{plain(seen.amount)} {seen.currency}", Rule.NOT_ALLOWED, text)


def is_calculated(statement: Statement) -> bool:
    """Whether a statement gives money for funds."""
    return bool(statement.funds) and statement.source.kind is not Kind.ALLOCATION_INSTRUCTION


def adopted(book: Book, own: Half, calculation: Calculation, said: Spoken) -> tuple[Half, Stated]:
    """A side whose own figures are the calculated ones; what it has said of block and split stays.

    So is its settlement date, where the calendar is known by which the rules count.
    """
    settles = calculation.settlement_date
    terms = own.terms.model_copy(update={"settlement_date": settles}) if settles else own.terms
    references = {line.account: line.reference for each in book.stated(own) for line in each.lines}
    accounts = [(account_key(fund.account), fund) for fund in calculation.funds]
    lines = tuple(Line(key, figures_of(fund), references.get(key)) for key, fund in accounts)
    statement = Statement(
        source=said.source, terms=terms, block=block_of(own), funds=len(lines), links=links_of(own)
    )
    kept = tuple(statement for statement in own.statements if not is_calculated(statement))
    words = tuple(word for word in own.words if any(word.answers == each.source for each in kept))
    now = own.model_copy(update={"statements": (*kept, statement), "words": words, "terms": terms})
    return now, Stated(statement, lines)
