"""What a message adds to a half, and how it is taken back."""

from dataclasses import dataclass, field

from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.admission import RefusedError, Spoken, note, refused
from canonical.contracts.matching.v1.adoption import (
    Request,
    adopted,
    adopting,
    check_seen,
    is_calculated,
    meant,
    sides_of,
)
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.calculating import calculation_of
from canonical.contracts.matching.v1.grouping import own_half, taken
from canonical.contracts.matching.v1.lines import Stated, account_of
from canonical.contracts.matching.v1.messages import MessageRecord, end, in_force, mentions_with
from canonical.contracts.matching.v1.records import Half, Statement, Word
from canonical.contracts.matching.v1.statements import Stating, stated_in
from canonical.message import (
    Affirmation,
    AllocationResponse,
    BlockResponse,
    CalculationRequest,
    Cancellation,
    ChangeResponse,
    Kind,
    Message,
    Reminder,
    Role,
    whole_reference,
)
from canonical.problems import Rule
from canonical.result import Source
from canonical.rules.versions import RulesOn

Answering = Affirmation | BlockResponse | AllocationResponse

_ANSWERED = {
    Kind.AFFIRMATION: (Kind.CONFIRMATION,),
    Kind.BLOCK_RESPONSE: (Kind.EXECUTION_NOTICE, Kind.CONFIRMATION),
    Kind.ALLOCATION_RESPONSE: (Kind.ALLOCATION_INSTRUCTION,),
}


class AgreedError(RefusedError):
    """A message would change an agreed trade, which needs the other side. half: the half it would change."""

    def __init__(self, half: Half, field_name: str, reference: str) -> None:
        text = "the trade is agreed: it changes only with the other side"
        super().__init__(*refused(field_name, reference, Rule.NOT_ALLOWED, text).problems)
        self.half = half


@dataclass(slots=True)
class Contributions:
    """The messages of one submission, one after the other.

    rules: what the two sides have agreed. anchor: the half that they speak of. replaced: where what they
    replace stood, by its reference.
    withdrawn: what took statements of a half back, by the half. cancelled: the cancellations among them.
    requests: for the calculation of a trade.
    """

    book: Book
    kinds: dict[str, list[Kind]]
    rules: RulesOn
    anchor: str | None = None
    replaced: dict[str, dict[Kind, str]] = field(default_factory=dict)
    withdrawn: dict[str, Source] = field(default_factory=dict)
    cancelled: dict[str, dict[Source, None]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def add(self, said: Spoken) -> None:
        """Apply one message. Raises RefusedError; then none of the submission may be kept."""
        message = said.message
        assert not isinstance(message, Reminder), "it speaks of no half, and is handed to reminding"
        anchor = self._make_room(said) if message.replaces is not None else self.anchor
        match message:
            case Cancellation():
                half = self._cancel(said, message)
            case Affirmation() | BlockResponse() | AllocationResponse():
                half = self._answer(said, message)
            case CalculationRequest():
                half = self._request(said, message)
            case ChangeResponse():
                raise AssertionError("what the other side asks for is answered before it comes here")
            case _:
                half = self._state(said, message, anchor)
        note(self.book, said, half)

    def _state(self, said: Spoken, message: Stating, anchor: str | None) -> str:
        stated = stated_in(said, message)
        half, is_new = own_half(self.book, said, message, stated, anchor)
        if not is_new:
            half = self._with_more(half, said, stated)
        self.book.put(half, stated)
        self.anchor = half.id
        return half.id

    def _with_more(self, half: Half, said: Spoken, stated: Stated) -> Half:
        """`half`, which states something already, with one statement more."""
        account = taken(self.book, half, stated)
        if account:
            text = (
                "this account stands in another message of yours for this block: replace or cancel that one"
            )
            raise refused("account", account, Rule.DUPLICATE, text)
        mentions = mentions_with(half, said.source)
        return _with(half, (*half.statements, stated.statement), mentions)

    def _answer(self, said: Spoken, message: Answering) -> str:
        record, part = self._answered(said, message)
        half = self.book.half(record.half)
        lines = _lines_meant(self.book.stated(half), record.source, message, part)
        if message.kind is not Kind.BLOCK_RESPONSE and not lines:
            raise _unknown("answers", message.answers)
        agreed = message.affirmed if isinstance(message, Affirmation) else message.agreed
        reason = message.remarks or ("" if agreed else "refused")
        word = Word(source=said.source, answers=record.source, lines=lines, agreed=agreed, reason=reason)
        self.book.put(half.model_copy(update={"words": (*half.words, word)}))
        return half.id

    def _answered(self, said: Spoken, message: Answering) -> tuple[MessageRecord, int | None]:
        """The other side's message that is meant, and the number of its part, from 1, where one part is.

        "R1/3" may be a message of that name, or fund 3 of R1 where R1 was passed on as one message per fund.
        """
        other = Role.INVESTOR if said.role is Role.BROKER else Role.BROKER
        whole, part = whole_reference(message.answers)
        for reference, number in ((message.answers, None), (whole, part)):
            for kind in _ANSWERED[message.kind]:
                record = in_force(self.book.working, said.between, other, kind, reference)
                if record is not None and (number is None) == (reference == message.answers):
                    return record, number
        raise _unknown("answers", message.answers)

    def _cancel(self, said: Spoken, message: Cancellation) -> str:
        """Take back the messages with the reference, in every kind that carries it."""
        if message.replaces is not None:
            text = "a cancellation stays: to take it back, send what it cancelled under a new reference"
            raise refused("replaces", message.replaces, Rule.NOT_ALLOWED, text)
        kinds = [kind for kind in Kind if kind is not Kind.CANCELLATION]
        records = [in_force(self.book.working, said.between, said.role, k, message.cancels) for k in kinds]
        found = [record for record in records if record is not None]
        if not found:
            raise _not_in_force("cancels", message.cancels)
        for record in found:
            self._withdraw(said, record, "cancels", message.cancels)
            self.cancelled.setdefault(record.half, {})[said.source] = None
        self.anchor = next((r.half for r in found if _is_statement(r)), self.anchor)
        return found[0].half

    def _request(self, said: Spoken, message: CalculationRequest) -> str:
        """Note who asks for a calculation. Where it is adopted, its figures are the author's from now on."""
        half = meant(self.book, said, message.about)
        if not message.adopts:
            self.requests.append(Request(said.source, message.about, half.id))
            return half.id
        own = adopting(self.book, half, said)
        if own.agreed:
            raise AgreedError(own, "about", message.about)
        rules = self.rules.on(self.book.trade_date(half))
        calculation = calculation_of(*sides_of(self.book, half), rules, self.book.calendars)
        if not isinstance(calculation, Calculation):
            raise RefusedError(*calculation)
        check_seen(message, calculation)
        for statement in own.statements:
            if is_calculated(statement):
                end(self.book.working, said.between, statement.source)
        now, stated = adopted(self.book, own, calculation, said)
        self.book.put(now, stated)
        return own.id

    def _make_room(self, said: Spoken) -> str | None:
        """Take back what is replaced, once a submission; the half where the new message belongs."""
        reference, kind = said.message.replaces, said.message.kind
        assert reference is not None
        if reference not in self.replaced:
            self.replaced[reference] = self._take_place(said, reference)
        halves = self.replaced[reference]
        return halves.get(kind, next(iter(halves.values())))

    def _take_place(self, said: Spoken, reference: str) -> dict[Kind, str]:
        """Withdraw all that the raw message with the reference had said; where it stood, by kind."""
        working = self.book.working
        every = {kind: in_force(working, said.between, said.role, kind, reference) for kind in Kind}
        meant = [record for kind in self.kinds[reference] if (record := every[kind]) is not None]
        if not meant:
            raise _not_in_force("replaces", reference)
        raws = [record.source.raw for record in meant]
        found = {k: r for k, r in every.items() if r is not None and r.source.raw in raws}
        for record in found.values():
            self._withdraw(said, record, "replaces", reference)
        return {kind: record.half for kind, record in found.items()}

    def _withdraw(self, said: Spoken, record: MessageRecord, field_name: str, reference: str) -> None:
        half = self.book.find(record.half)
        source = record.source
        if half is not None and half.agreed:
            raise AgreedError(half, field_name, reference)
        end(self.book.working, said.between, source)
        if half is None:
            return
        words = tuple(w for w in half.words if source not in (w.source, w.answers))
        kept = tuple(s for s in half.statements if s.source != source)
        self.book.put(_with(half.model_copy(update={"words": words}), kept))
        self.withdrawn[half.id] = said.source


def kinds_replacing(messages: tuple[Message, ...]) -> dict[str, list[Kind]]:
    """The kinds of the messages that replace each reference."""
    found: dict[str, list[Kind]] = {}
    for message in messages:
        if message.replaces is not None:
            found.setdefault(message.replaces, []).append(message.kind)
    return found


def _with(half: Half, statements: tuple[Statement, ...], mentions: tuple[str, ...] | None = None) -> Half:
    """`half` with these statements, and the terms of the last of them that speaks of the block."""
    if statements == half.statements:
        return half
    mentions = half.mentions if mentions is None else mentions
    speaking = [s for s in statements if s.block is not None] or statements
    terms = speaking[-1].terms if speaking else half.terms
    return half.model_copy(update={"statements": statements, "terms": terms, "mentions": mentions})


def _lines_meant(
    stated: list[Stated], source: Source, message: Answering, part: int | None
) -> tuple[int, ...]:
    """The lines of the answered statement that are meant; none for the block."""
    lines = next((lines for statement, lines in stated if statement.source == source), None)
    if lines is None or isinstance(message, BlockResponse):
        return ()
    accounts = [account_of(line.account) for line in lines]
    if isinstance(message, AllocationResponse):
        meant = list(message.refused_accounts or accounts)
    else:
        meant = [message.account] if message.account is not None else accounts
    if any(account not in accounts for account in meant):
        return ()
    return tuple(n for n, account in enumerate(accounts) if account in meant and part in (None, n + 1))


def _is_statement(record: MessageRecord) -> bool:
    return record.source.kind not in _ANSWERED


def _unknown(field_name: str, reference: str) -> RefusedError:
    text = "no message of the other side with this reference, or no such fund in it, is in force"
    return refused(field_name, reference, Rule.UNKNOWN_REFERENCE, text)


def _not_in_force(field_name: str, reference: str) -> RefusedError:
    text = "no message of yours with this reference is in force"
    return refused(field_name, reference, Rule.UNKNOWN_REFERENCE, text)
