"""Asking for the shared calculation of a trade, and taking its figures as one's own."""

from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.admission import Spoken, in_force, refused
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.records import Half, Line, Statement, block_of, links_of
from canonical.contracts.matching.v1.sides import Side, side_of
from canonical.contracts.matching.v1.statements import figures_of
from canonical.message import Kind, Role
from canonical.problems import Rule


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
    pair = [half, *([book.half(half.other)] if half.other is not None else [])]
    by_role = {each.role: each for each in pair}
    return side_of(by_role.get(Role.BROKER)), side_of(by_role.get(Role.INVESTOR))


def adopting(book: Book, half: Half, said: Spoken) -> Half:
    """The author's own half of the trade. Raises RefusedError where it has said nothing of it."""
    pair = [half, *([book.half(half.other)] if half.other is not None else [])]
    own = next((each for each in pair if each.role is said.role), None)
    if own is None:
        text = "you have said nothing of this trade yet: state it, then take the calculated figures over"
        raise refused("adopts", said.message.reference, Rule.NOT_ALLOWED, text)
    return own


def is_calculated(statement: Statement) -> bool:
    """Whether a statement gives money for funds."""
    return bool(statement.lines) and statement.source.kind is not Kind.ALLOCATION_INSTRUCTION


def adopted(own: Half, calculation: Calculation, said: Spoken) -> Half:
    """A side whose own figures are the calculated ones; what it has said of block and split stays.

    So is its settlement date, where the calendar is known by which the rules count.
    """
    settles = calculation.settlement_date
    terms = own.terms.model_copy(update={"settlement_date": settles}) if settles else own.terms
    references = {line.account: line.reference for s in own.statements for line in s.lines}
    lines = tuple(
        Line(account=fund.account, values=figures_of(fund), reference=references.get(fund.account))
        for fund in calculation.funds
    )
    statement = Statement(
        source=said.source, terms=terms, block=block_of(own), lines=lines, links=links_of(own)
    )
    kept = tuple(statement for statement in own.statements if not is_calculated(statement))
    words = tuple(word for word in own.words if any(word.answers == each.source for each in kept))
    return own.model_copy(update={"statements": (*kept, statement), "words": words, "terms": terms})
