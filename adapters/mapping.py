"""Joins native fields and canonical messages, both ways, as a mapping file says.

    read:  Decoded  -> Read: the canonical messages, or all problems, in the client's own words
    write: a canonical object -> one Decoded per native message

Problems of the canonical layout are told at the native field that they come from.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from pydantic import TypeAdapter, ValidationError

from adapters.format import Decoded, Fields
from adapters.mapping_faults import faults_of, told
from adapters.mapping_parts import gather
from adapters.mapping_read import LINE, Given, Reading
from adapters.mapping_rules import HERE, MappingFile, SaysRule
from adapters.mapping_write import write
from adapters.paths import ABSENT, PRESENT, Tree, first, parse_path
from canonical.identifiers import Reference
from canonical.message import CLASSES, Kind, Message
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule, shortened

__all__ = [
    "BROKER",
    "COUNTERPARTY",
    "INVESTOR",
    "RAW",
    "SENDER",
    "Given",
    "Read",
    "located",
    "read",
    "reference_in",
    "write",
]

SENDER = "@sender"  # the LEI of the institution that speaks
COUNTERPARTY = "@counterparty"  # the LEI of the other one, where the caller had to look it up
BROKER, INVESTOR = "@broker", "@investor"  # the LEIs of the two by their roles, as far as they are known
RAW = "@raw"  # the digest of the raw bytes: a reference for messages that have none of their own

# Fields that messages of one native message have in common.
_SHARED = frozenset(("block", "broker", "investor", "links", "terms"))

_NAMES = {kind: frozenset(layout.model_fields) for kind, layout in CLASSES.items()}
_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)


@dataclass(frozen=True, slots=True)
class Read:
    """What a native message says: messages, or the problems for which it is refused.

    Neither messages nor problems: it says nothing that belongs on the ledger, such as a partial fill.
    reference, trade_date: as far as they could be read; empty or None where they could not.
    kinds: what it says or would have said. document: what could be read of it, by canonical names.
    """

    messages: tuple[Message, ...]
    problems: tuple[Problem, ...]
    reference: str
    trade_date: date | None
    kinds: tuple[Kind, ...]
    document: Tree = field(default_factory=dict, repr=False)


def read(mapping: MappingFile, parts: Sequence[Decoded], given: Given) -> Read:
    """Read what one native message says, or several together, the head first."""
    kinds = tuple(says.kind for says in mapping.says if _holds(says, parts[0].fields))
    if not kinds and mapping.otherwise_silent:
        return Read((), (), "", None, ())
    wanted = _wanted(mapping, kinds)
    reading = gather(mapping, parts, given, wanted)
    problems: tuple[Problem, ...] = ()
    messages = () if reading.problems else _messages(kinds, reading.document)
    if not messages:
        reading = gather(mapping, parts, given, wanted, traced=True)
        problems = _problems(mapping, kinds, reading, parts)
        messages = () if problems else _messages(kinds, reading.document)
    document = reading.document
    return Read(messages, problems, reference_in(document), _trade_date(document), kinds, document)


def located(
    mapping: MappingFile, parts: Sequence[Decoded], given: Given, problems: Iterable[Problem]
) -> tuple[Problem, ...]:
    """Problems that were found at canonical places after reading, told at the fields of the sender."""
    kinds = tuple(says.kind for says in mapping.says)
    reading = gather(mapping, parts, given, _wanted(mapping, kinds), traced=True)
    found = (told(mapping, reading, p.path.replace(".", "/"), p.rule, p.text) for p in problems)
    return tuple(_once(found, parts[0]))


def _wanted(mapping: MappingFile, kinds: Sequence[Kind]) -> frozenset[str]:
    """The canonical fields of what is said; of all that could be where nothing is, to tell what is wrong."""
    meant = kinds or tuple(says.kind for says in mapping.says)
    return frozenset().union(*(_NAMES[kind] for kind in meant))


def _holds(says: SaysRule, fields: Fields) -> bool:
    return all(condition.holds(fields) for condition in says.conditions)


def _messages(kinds: Sequence[Kind], document: Tree) -> tuple[Message, ...]:
    """All that is said, if all of it is sound; else nothing."""
    messages: list[Message] = []
    try:
        for kind in kinds:
            message = CLASSES[kind].model_validate(_about(kind, document))
            messages.append(cast("Message", message))
            # What the next one says alike is checked once.
            shared = [name for name in _SHARED if name in document and name in _NAMES[kind]]
            document = {**document, **{name: getattr(message, name) for name in shared}}
    except ValidationError:
        return ()
    return tuple(messages)


def _about(kind: Kind, document: Tree) -> Tree:
    """The part of `document` that a message of `kind` holds."""
    names = _NAMES[kind]
    return {name: value for name, value in document.items() if name in names}


def reference_in(document: Tree) -> str:
    """What a message calls itself, if that is sound; else nothing."""
    try:
        return _REFERENCE.validate_python(document.get("reference"))
    except ValidationError:
        return ""


def _trade_date(document: Tree) -> date | None:
    day = document.get("terms", {}).get("trade_date")
    return day if isinstance(day, date) else None


def _problems(
    mapping: MappingFile, kinds: Sequence[Kind], reading: Reading, parts: Sequence[Decoded]
) -> tuple[Problem, ...]:
    """All that is wrong, in the order of the rules, each thing once."""
    found = [problem for problem in reading.problems if _matters(problem, reading.wanted)]
    if not kinds:
        found.append(_nothing_said(mapping, parts[0]))
    for kind in kinds:
        found += _layout_problems(mapping, kind, reading, found)
    return tuple(_once(found, parts[0]))[:PROBLEMS_PER_MESSAGE_MAX]


def _once(problems: Iterable[Problem], head: Decoded) -> Iterable[Problem]:
    """Without those that break the same rule at the same place as one before.

    Rows of a file are told apart by their lines; elsewhere a format may give the line of the very element,
    and a mapping that of its message, for the same place.
    """
    has_rows = LINE in head.fields
    unlike: dict[tuple[int | None, str, Rule], Problem] = {}
    for problem in problems:
        row = problem.line if has_rows else None
        unlike.setdefault((row, problem.field.replace("[1]", ""), problem.rule), problem)
    return unlike.values()


def _matters(problem: Problem, wanted: AbstractSet[str]) -> bool:
    """Whether a wanted field is concerned: what a cancellation leaves out is no problem."""
    head = problem.path.partition(".")[0].partition("[")[0]
    return head in ("", HERE) or head in wanted


def _layout_problems(
    mapping: MappingFile, kind: Kind, reading: Reading, known: Sequence[Problem]
) -> Iterator[Problem]:
    """What the layout refuses and no known problem explains: what was unreadable is then missing too."""
    broken = {problem.path.replace(".", "/") for problem in known if problem.path}
    for place, rule, text in faults_of(kind, _about(kind, reading.document)):
        if not any(_within(place, other) or _within(other, place) for other in broken):
            yield told(mapping, reading, place, rule, text)


def _within(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}/")


def _nothing_said(mapping: MappingFile, head: Decoded) -> Problem:
    """The first condition of what the mapping mainly says that does not hold, as what to send instead."""
    unmet = next(c for c in mapping.says[0].conditions if not c.holds(head.fields))
    value = first(head.fields, parse_path(unmet.place))
    codes = " or ".join(sorted(unmet.values - {ABSENT, PRESENT}))
    return Problem(
        field=unmet.place,
        value=shortened(value) if isinstance(value, str) else "",
        rule=Rule.UNSUPPORTED,
        text=f"this variant of {mapping.message} is not handled: send {codes or 'a value'} here",
        line=head.line,
    )
