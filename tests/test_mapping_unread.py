"""What a client sent through another node: the head of its message, made again from what it said."""

from collections.abc import Sequence
from typing import Any

import pytest
from mapping_scene import GIVEN, SAMPLES, codec, mapping, said, sample

from adapters.format import Decoded
from adapters.mapping_unread import unread
from adapters.paths import first, parse_path
from canonical.identifiers import Instrument, Link, LinkKind
from canonical.message import Kind, Message

CASES = sorted("/".join(case.parts[-3:]) for case in SAMPLES.glob("*/*/*"))
SOUND = [case for case in CASES if any(one.messages for one in said(*sample(case)))]
DATELESS = (Kind.CANCELLATION, Kind.CALCULATION_REQUEST)
SESSION = "34"  # of a FIX session: its messages are counted
BROKERS = ["fix44/8", "fix44/AE", "fix44/AS", "fix44/AK", "fix44/P"]
INVESTORS = ["fix44/J", "fix44/AU", "fix44/AT", "delimited/allocations"]
INVESTORS += ["iso20022/setr.027", "iso20022/setr.029", "iso20022/setr.030"]
# What some messages say in unlike words; what was said does not tell which of them it was.
ALIKE = [
    {"fix44/8", "fix44/AE"},
    {"fix44/AE", "fix44/AS"},
    {"fix44/AE", "fix44/AS", "fix44/AK"},
    {"fix44/J", "delimited/allocations"},
    {"fix44/J", "delimited/allocations", "iso20022/setr.029"},  # cancellations
    {"fix44/J", "delimited/allocations", "iso20022/setr.030"},  # requests
]


def messages_of(case: str) -> list[tuple[Message, ...]]:
    return [one.messages for one in said(*sample(case)) if one.messages]


def at(decoded: Decoded, place: str) -> Any:
    return first(decoded.fields, parse_path(place))


@pytest.mark.parametrize("case", SOUND)
def test_head_is_made_again(case: str) -> None:
    """An answer finds in it what it repeats, as it stood in the client's own message."""
    name, raw = sample(case)
    heads = [one for one in codec(name).decode(raw) if mapping(name).parts is None][: len(messages_of(case))]
    for number, messages in enumerate(messages_of(case)):
        head = unread(mapping(name), messages, GIVEN)
        assert head is not None
        assert head.message == mapping(name).message
        for place in mapping(name).echo:
            # Neither a cancellation nor a request says anything of the date of what it names.
            unsaid = place == SESSION or (place == "75" and messages[0].kind in DATELESS)
            assert at(head, place) == (None if unsaid else at(heads[number], place))


@pytest.mark.parametrize("case", SOUND)
def test_no_mapping_that_cannot_have_read_it_is_taken(case: str) -> None:
    """A client is answered in the words of the message that it sent, or of one that says the very same."""
    own = case.rpartition("/")[0]
    side = next(names for names in (BROKERS, INVESTORS) if own in names)
    for messages in messages_of(case):
        fitting = {name for name in side if unread(mapping(name), messages, GIVEN) is not None}
        assert own in fitting
        assert fitting == {own} or fitting in ALIKE


def changed(messages: Sequence[Message], **changes: Any) -> list[Message]:
    return [message.model_copy(update=changes) for message in messages]


def test_names_of_the_ledger_do_not_matter() -> None:
    """The ledger names a security by both of its codes, whatever the client called it."""
    [messages] = messages_of("fix44/AS/two-funds")
    terms: Any = messages[0]
    both = terms.terms.model_copy(update={"instrument": Instrument(isin="JP3633400001", japan_code="7203")})
    assert unread(mapping("fix44/AS"), changed(messages, terms=both), GIVEN) is not None


def test_replacement_is_told_from_a_new_message() -> None:
    """The head has the codes of what was said: a correction is a correction."""
    [new] = messages_of("fix44/J/preliminary")
    [correction] = messages_of("fix44/J/replacement")
    heads = [unread(mapping("fix44/J"), messages, GIVEN) for messages in (new, correction)]
    assert [at(head, "71") for head in heads if head is not None] == ["0", "1"]
    assert [at(head, "72") for head in heads if head is not None] == [None, correction[0].replaces]


@pytest.mark.parametrize(
    "changes",
    [
        {"links": (Link(kind=LinkKind.EXECUTION, value="E1"),)},
        {"links": (Link(kind=LinkKind.COMMON, value="C1"), Link(kind=LinkKind.COMMON, value="C2"))},
    ],
)
def test_what_the_mapping_cannot_have_read_is_not_its_own(changes: dict[str, Any]) -> None:
    """A reference that has no field in the client's message was read from another one."""
    [messages] = messages_of("fix44/AS/two-funds")
    assert unread(mapping("fix44/AS"), changed(messages, **changes), GIVEN) is None


def test_one_confirmation_for_two_funds_is_no_message_per_fund() -> None:
    [messages] = messages_of("fix44/AS/two-funds")
    assert unread(mapping("fix44/AK"), messages[1:], GIVEN) is None


def test_thing_said_twice_is_no_native_message() -> None:
    [messages] = messages_of("fix44/J/preliminary")
    assert unread(mapping("fix44/J"), [*messages, *messages], GIVEN) is None


def test_affirmation_is_known_by_its_bytes() -> None:
    """It has no reference but the digest of what said it."""
    [messages] = messages_of("fix44/AU/affirmed")
    assert unread(mapping("fix44/AU"), messages, {**GIVEN, "@raw": "d" * 64}) is None


def test_every_reading_mapping_has_a_sample() -> None:
    """A mapping that is added must be able to answer what came in elsewhere, too."""
    assert {case.rpartition("/")[0] for case in SOUND} == {*BROKERS, *INVESTORS}
