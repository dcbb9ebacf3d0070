"""The contract: one entry in, the new records and what both sides hear out."""

from datetime import date

from canonical.contracts.arithmetic import contract_arithmetic
from canonical.contracts.matching.v1 import pairing, reminding
from canonical.contracts.matching.v1.admission import (
    Origin,
    RefusedError,
    Spoken,
    admit,
    reused,
    source_of,
    spoken,
)
from canonical.contracts.matching.v1.agreed_change import Changes
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.contribution import AgreedError, Contributions, kinds_replacing
from canonical.contracts.matching.v1.conventions import Conventions, Settled
from canonical.contracts.matching.v1.telling import Teller
from canonical.contracts.state import Decision, Entry, View, Working
from canonical.encoding import digest
from canonical.message import Reminder, Role
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule
from canonical.result import Receipt, Rejection, Result, Source, result_id
from canonical.rules.spread import Remainder
from canonical.rules.versions import RulesOn

CONVENTIONS = Conventions(spread_remainder=Remainder.LARGEST_FUND)


def apply(
    view: View, entry: Entry, rules: RulesOn, contract: str, conventions: Conventions = CONVENTIONS
) -> Decision:
    """Apply one entry: all of its messages hold, or none does and the sender is told why.

    conventions: this version's own, unless a later version has others.
    """
    settled = Settled(rules, conventions)
    with contract_arithmetic():
        if any(isinstance(message, Reminder) for message in entry.submission.messages):
            return reminding.remind(view, entry, settled, contract)
        return _decision(view, entry, settled, contract)


def _decision(view: View, entry: Entry, rules: RulesOn, contract: str) -> Decision:
    working = Working(view)
    said, problems = _spoken(entry)
    if not problems:
        results, problems = _results(working, entry, said, rules, contract)
        if not problems:
            return Decision(working.changes, (_receipt(entry, said, contract), *results))
    return Decision({}, (_rejection(entry, contract, tuple(problems[:PROBLEMS_PER_MESSAGE_MAX])),))


def _spoken(entry: Entry) -> tuple[list[Spoken], list[Problem]]:
    """The messages as their sender's, or all that forbids its saying them."""
    submission = entry.submission
    said: list[Spoken] = []
    problems: list[Problem] = []
    digests = entry.digests or tuple(map(digest, submission.messages))
    for number, (message, its_digest) in enumerate(zip(submission.messages, digests, strict=True)):
        try:
            origin = Origin(entry.position, number, submission.source, its_digest)
            said.append(spoken(message, submission.sender, origin))
        except RefusedError as error:
            problems += error.problems
    return said, problems


def _of_the_whole(problems: list[Problem], messages: int) -> list[Problem]:
    """The problems of a submission of so many messages, each once.

    It is a repetition only if all of it is. Where a part is new or unlike, "nothing to do" would be untrue:
    the reference was used for other content.
    """
    repeated = [p for p in problems if p.rule is Rule.DUPLICATE and p.field == "reference"]
    if 0 < len(repeated) < messages:
        whole = reused(repeated[0].value).problems
        problems = [*whole, *(p for p in problems if p not in repeated)]
    return list(dict.fromkeys(problems))


def _results(
    working: Working, entry: Entry, said: list[Spoken], rules: RulesOn, contract: str
) -> tuple[list[Result], list[Problem]]:
    """What the messages change, or all for which they are refused."""
    changes = _changes(working, entry, rules)
    problems: list[Problem] = []
    needs_consent: AgreedError | None = None
    for each in said:
        try:
            admit(working, each)
            changes.add(each)
        except AgreedError as error:
            needs_consent = needs_consent or error
        except RefusedError as error:
            problems += error.problems
    if problems:
        return [], _of_the_whole([*(needs_consent.problems if needs_consent else ()), *problems], len(said))
    if needs_consent is not None:
        working.changes.clear()
        changes = _changes(working, entry, rules)
    try:
        if needs_consent is not None:
            changes.ask(changes.book.half(needs_consent.half.id), said)
        return _told(changes, entry, rules, contract), []
    except RefusedError as error:
        return [], list(error.problems)


def _changes(working: Working, entry: Entry, rules: RulesOn) -> Changes:
    book = Book(working, entry.time, entry.calendars)
    return Changes(book, Contributions(book, kinds_replacing(entry.submission.messages), rules))


def _told(changes: Changes, entry: Entry, rules: RulesOn, contract: str) -> list[Result]:
    book, made = changes.book, changes.contributions
    teller = Teller(book, rules, contract, entry.position, made.withdrawn, made.cancelled, changes.told)
    gone = [*teller.tell_cancelled(changes.gone), *teller.tell_gone()]
    pairing.settle(book)
    told = [*gone, *teller.tell(), *teller.tell_calculated(made.requests)]
    book.close()
    return told


def _parties(entry: Entry) -> tuple[str, str]:
    """The LEIs of broker and investor. The node puts nothing on the ledger that does not name both."""
    first = entry.submission.messages[0]
    broker, investor = first.broker.lei, first.investor.lei
    assert broker is not None
    assert investor is not None
    return broker, investor


def _sender_role(entry: Entry) -> Role | None:
    """The sender's side; None where it has none, so that nobody is told of what another has said."""
    roles = dict(zip(_parties(entry), (Role.BROKER, Role.INVESTOR), strict=True))
    return roles.get(entry.submission.sender) if len(roles) > 1 else None


def _sources(entry: Entry, role: Role | None) -> tuple[Source, ...]:
    raw = entry.submission.source
    return tuple(source_of(m, role or m.author or Role.BROKER, raw) for m in entry.submission.messages)


def _trade_date(entry: Entry) -> date | None:
    """The trade date of the first message that has one: answers in some formats must repeat it."""
    terms = (getattr(message, "terms", None) for message in entry.submission.messages)
    return next((t.trade_date for t in terms if t is not None), None)


def _receipt(entry: Entry, said: list[Spoken], contract: str) -> Receipt:
    broker, investor = _parties(entry)
    return Receipt(
        id=result_id(contract, entry.position, "receipt"),
        position=entry.position,
        contract=contract,
        broker=broker,
        investor=investor,
        to=said[0].role,
        sources=tuple(each.source for each in said),
        trade_date=_trade_date(entry),
    )


def _rejection(entry: Entry, contract: str, problems: tuple[Problem, ...]) -> Rejection:
    broker, investor = _parties(entry)
    role = _sender_role(entry)
    return Rejection(
        id=result_id(contract, entry.position, "rejection"),
        position=entry.position,
        contract=contract,
        broker=broker,
        investor=investor,
        to=role,
        sources=_sources(entry, role),
        trade_date=_trade_date(entry),
        problems=problems,
    )
