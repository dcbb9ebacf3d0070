"""Raw bytes to what they say: pure work for one client, ready to be stored. No store, secrets or clock."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from adapters.format import Decoded
from adapters.mapping import Read
from adapters.paths import find, parse_path
from canonical.answer import Answer, AnswerStatus
from canonical.answer_text import problem_text
from canonical.encoding import canonical_bytes
from canonical.identifiers import Party
from canonical.message import Kind, Message
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule
from canonical.result import Source
from canonical.submission import Submission
from node.clients import Client
from node.directory import Directory
from node.network import Institution, Network
from node.sealing import PLAINTEXT_BYTES_MAX

NO_REFERENCE = "UNKNOWN"
_NO_DELEGATION = (
    "this service provider does not act for you now: send it through another of yours, or have your "
    "delegation put on the ledger and send it again"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that cannot be read alone: its parts, or the store, must be asked first."""

    name: str
    decoded: Decoded
    source: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A submission to seal. plaintext: its canonical bytes."""

    name: str
    source: str
    echo: dict[str, str]
    submission: Submission
    plaintext: bytes

    @property
    def parties(self) -> tuple[str, str]:
        """The LEIs of broker and investor."""
        first = self.submission.messages[0]
        assert first.broker.lei is not None
        assert first.investor.lei is not None
        return first.broker.lei, first.investor.lei


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal to write and queue. name: the mapping whose refusal it is."""

    name: str
    echo: dict[str, str]
    answer: Answer


Item = Waiting | Ready | Refused


def current_reader(
    network: Callable[[], Network], speaks_for: Callable[[str], bool]
) -> Callable[[], "Reader"]:
    """Gives a reader by the master data as it is now. network: as acts have made it."""
    made: dict[str, tuple[Network, Reader]] = {}

    def current() -> Reader:
        now = network()
        if "now" not in made or made["now"][0] is not now:
            made["now"] = now, Reader(Directory(now), speaks_for)
        return made["now"][1]

    return current


class Reader:
    """Reads what clients send. speaks_for: whether this node's SP acts for an institution now, by its LEI."""

    def __init__(self, directory: Directory, speaks_for: Callable[[str], bool] = lambda _: True) -> None:
        self._directory = directory
        self._speaks_for = speaks_for

    def items(self, client: Client, digest: str, raw: bytes) -> list[Item]:
        """What `raw` says, in order. digest: its SHA-256. Empty where it says nothing for the ledger."""
        decoded = client.decode(raw)
        found: list[Item] = []
        for number, one in enumerate(decoded):
            source = digest if len(decoded) == 1 else _numbered(digest, number)
            found += self._item(client, one, source)
        return found

    def _item(self, client: Client, decoded: Decoded, source: str) -> Iterator[Item]:
        name = client.mapping_name(decoded.message)
        if name is None or (
            decoded.problems and not decoded.fields
        ):  # nothing there to be read field by field
            yield self._unread(client, decoded, source)
            return
        if client.needs_store(name, decoded):
            yield Waiting(name, decoded, source)
        else:
            yield from self.read(client, name, (decoded,), source, None)

    def read(
        self, client: Client, name: str, parts: Sequence[Decoded], source: str, counterparty: str | None
    ) -> Iterator[Item]:
        """What one message or the parts of one say: at most one item. counterparty: its LEI, if looked up."""
        given = client.given(counterparty, source)
        said = client.read(name, parts, given)
        echo = client.echo(name, parts[0])
        if said.problems:
            unknown = client.located(name, parts, given, self._directory.unknown_in(said.document))
            fields = {problem.field for problem in said.problems}
            every = (*said.problems, *(problem for problem in unknown if problem.field not in fields))
            yield refusal(client, name, said, source, echo, every[:PROBLEMS_PER_MESSAGE_MAX])
            return
        messages, problems = self._resolved(said)
        problems = problems or tuple(_strangers(messages, client.institution))
        if problems:
            told = client.located(name, parts, given, problems)
            yield refusal(client, name, said, source, echo, told)
        elif messages:
            yield self._ready(client, name, said, source, echo, messages)

    def _resolved(self, said: Read) -> tuple[tuple[Message, ...], tuple[Problem, ...]]:
        """The messages in the ledger's words; problems at their canonical places."""
        messages: list[Message] = []
        problems: dict[Problem, None] = {}
        for message in said.messages:
            resolved, found = self._directory.resolve(message)
            messages.append(resolved)
            problems |= dict.fromkeys(found)
        return tuple(messages), tuple(problems)

    def _ready(
        self,
        client: Client,
        name: str,
        said: Read,
        source: str,
        echo: dict[str, str],
        messages: tuple[Message, ...],
    ) -> Item:
        if not self._speaks_for(client.institution.lei):
            problem = Problem(field="message", rule=Rule.NOT_ALLOWED, text=_NO_DELEGATION)
            return refusal(client, name, said, source, echo, (problem,))
        submission = Submission(sender=client.institution.lei, source=source, messages=messages)
        plaintext = canonical_bytes(submission)
        if len(plaintext) > PLAINTEXT_BYTES_MAX:
            text = f"the message is larger than {PLAINTEXT_BYTES_MAX} bytes: split its block"
            problem = Problem(field="message", rule=Rule.TOO_LARGE, text=text)
            return refusal(client, name, said, source, echo, (problem,))
        return Ready(name, source, echo, submission, plaintext)

    def unread(self, client: Client, source: str, problem: Problem) -> Refused:
        """The refusal of something that was not even opened."""
        return self._unread(client, Decoded("", {}, (problem,)), source)

    def _unread(self, client: Client, decoded: Decoded, source: str) -> Refused:
        """A message that no mapping of the client reads: of another type, or not to be read at all."""
        reads = client.settings.reads
        name = next(iter(reads))
        text = f"messages of this type are not agreed with you; agreed are {', '.join(reads)}"
        unknown = Problem(field="message", value=decoded.message[:64], rule=Rule.UNSUPPORTED, text=text)
        problems = decoded.problems or (unknown,)
        said = Read((), problems, "", None, ())
        name = reads[name]
        echo = client.echo(name, decoded)
        return refusal(client, name, said, source, echo, problems, unread=True)


def _strangers(messages: Sequence[Message], own: Institution) -> Iterator[Problem]:
    """What is said for others, or about several relationships at once: it cannot be sealed for its sides."""
    for message in messages:
        party: Party = getattr(message, own.role.value)
        if party.lei != own.lei:
            field, text = own.role.value, "this is not you: you speak for yourself alone"
            yield Problem(field=field, value=party.lei or "", rule=Rule.NOT_ALLOWED, text=text, path=field)
        if (message.broker.lei, message.investor.lei) != (messages[0].broker.lei, messages[0].investor.lei):
            text = "what is said at once is about one relationship: send this alone"
            yield Problem(field="message", rule=Rule.NOT_ALLOWED, text=text)


def refusal(
    client: Client,
    name: str,
    said: Read,
    source: str,
    echo: dict[str, str],
    problems: tuple[Problem, ...],
    *,
    unread: bool = False,
) -> Refused:
    """The refusal of what a client sent. unread: not even its type is known, so no usual answer fits."""
    to = Source(
        author=client.institution.role,
        kind=said.kinds[0] if said.kinds else Kind.ALLOCATION_INSTRUCTION,
        reference=said.reference or NO_REFERENCE,
        raw=source,
    )
    answer = Answer(
        id=f"{source[:40]}-refused",
        outcome="",
        to=(to,),
        status=AnswerStatus.REFUSED,
        trade_date=said.trade_date,
        reason=problems[0].rule,
        problems=problems,
        text=problem_text(problems),
    )
    unanswerable = client.settings.format == "fix" and (unread or not said.reference)
    return Refused("" if unanswerable else name, echo, answer)


def put_off(client: Client, ready: Ready, problem: Problem) -> Refused:
    """The refusal of something that is sound and cannot be taken now."""
    first = ready.submission.messages[0]
    said = Read((), (problem,), first.reference, None, (first.kind,))
    return refusal(client, ready.name, said, ready.source, ready.echo, (problem,))


def text_at(decoded: Decoded, at: str) -> str:
    """The text at a native place; empty where there is none."""
    found = next(find(decoded.fields, parse_path(at)), None)
    return found[1] if found is not None and isinstance(found[1], str) else ""


def _numbered(digest: str, number: int) -> str:
    """The source of message `number` of several in one raw message."""
    return hashlib.sha256(f"{digest}/{number}".encode()).hexdigest()
