"""What is refused before anything changes: wrong author, repeated and reused references, unknown ones."""

from dataclasses import dataclass
from typing import NamedTuple

from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.messages import MessageRecord, keep, known
from canonical.contracts.matching.v1.records import relationship
from canonical.contracts.state import Working
from canonical.message import Message, Role
from canonical.problems import Problem, Rule, shortened
from canonical.result import Source


class RefusedError(Exception):
    """The submission is refused, whole, for these problems. Raised and caught inside the contract alone."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = problems


def refused(field: str, value: str, rule: Rule, text: str) -> RefusedError:
    """The refusal for one problem with one canonical field."""
    return RefusedError(Problem(field=field, value=shortened(value), rule=rule, text=text, path=field))


class Origin(NamedTuple):
    """Where a message comes from. position: of its entry. number: its place in its submission, from 0.

    raw: the digest of the raw bytes that said it. digest: of its canonical bytes.
    """

    position: int
    number: int
    raw: str
    digest: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message in its place, as in `Origin`. between: its relationship."""

    message: Message
    role: Role
    source: Source
    digest: str
    position: int
    number: int
    between: str


def spoken(message: Message, sender: str, origin: Origin) -> Spoken:
    """`message` as its sender's. Raises RefusedError where the sender has no side or may not say this."""
    role = role_of(message, sender)
    source = source_of(message, role, origin.raw)
    broker, investor = message.broker.lei, message.investor.lei
    assert broker is not None, "the node puts nothing on the ledger that does not name both sides by LEI"
    assert investor is not None, "as above"
    between = relationship(broker, investor)
    return Spoken(message, role, source, origin.digest, origin.position, origin.number, between)


def role_of(message: Message, sender: str) -> Role:
    """The side that `sender` has in `message`. Raises RefusedError where it has none or may not say this."""
    roles = {message.broker.lei: Role.BROKER, message.investor.lei: Role.INVESTOR}
    if message.broker.lei == message.investor.lei or sender not in roles:
        raise refused("sender", sender, Rule.NOT_ALLOWED, "the sender is not one side of this trade")
    role = roles[sender]
    if message.author is not None and message.author is not role:
        text = f"{message.kind.value} comes from the {message.author.value}, not from the {role.value}"
        raise refused("kind", message.kind.value, Rule.NOT_ALLOWED, text)
    return role


def source_of(message: Message, role: Role, raw: str) -> Source:
    """How `message` is called in answers. raw: the digest of the bytes that said it."""
    return Source(author=role, kind=message.kind, reference=message.reference, raw=raw)


def admit(working: Working, said: Spoken) -> None:
    """Raise RefusedError where the reference was used before. The same content is not done again."""
    reference = said.message.reference
    before = known(working, said.between, said.role, said.message.kind, reference)
    if before is None:
        return
    if before.digest != said.digest:
        raise reused(reference)
    text = "received before and done once: nothing to do"
    if not before.live:
        text = "received before, and replaced or cancelled since: to say it again, give it a new reference"
    raise refused("reference", reference, Rule.DUPLICATE, text)


def reused(reference: str) -> RefusedError:
    """The refusal of a reference that stands for something else already."""
    text = "this reference was used for other content: give each message its own"
    return refused("reference", reference, Rule.REUSED_REFERENCE, text)


def note(book: Book, said: Spoken, half: str, *, asks: bool = False) -> None:
    """Remember that the message was accepted, and of which half it speaks. asks: see MessageRecord."""
    record = MessageRecord(digest=said.digest, source=said.source, half=half, asks=asks)
    keep(book.working, said.between, record)
    book.mention(half, said.between, said.source)
