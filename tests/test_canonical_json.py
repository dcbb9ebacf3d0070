"""The canonical layout as a client's format: what is sound is taken as it is, all else told at its place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from adapters.canonical_json import BYTES_MAX, DEPTH_MAX, CanonicalJson, submitted
from canonical.encoding import canonical_bytes
from canonical.identifiers import Party
from canonical.message import MESSAGE, Kind
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule
from tests.api_scene import BLOCK, BROKER, MANAGER, figures, terms, yen
from tests.canonical.layouts import documents

OWN = Party(lei=MANAGER)


def problems_of(raw: bytes) -> list[Problem]:
    """All that is wrong, with the bytes or with what they say."""
    [decoded] = CanonicalJson().decode(raw)
    if decoded.problems:
        return list(decoded.problems)
    return list(submitted(str(decoded.fields["json"]), "investor", OWN)[1])


def places(raw: bytes) -> dict[str, Rule]:
    return {problem.field: problem.rule for problem in problems_of(raw)}


def body(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"messages": messages, **more}).encode()


@settings(max_examples=30)
@given(documents().filter(lambda document: document["kind"] is not Kind.REMINDER))
def test_what_the_layout_holds_is_taken_as_it_is(document: dict[str, Any]):
    message = MESSAGE.validate_python(document)
    [decoded] = CanonicalJson().decode(b'{"messages":[%s]}' % canonical_bytes(message))
    messages, problems, _ = submitted(str(decoded.fields["json"]), "investor", OWN)
    assert (messages, problems) == ((message,), ())


@settings(max_examples=50)
@given(
    some.binary()
    | some.text().map(str.encode)
    | some.recursive(
        some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=5),
        lambda inner: (
            some.lists(inner, max_size=4)
            | some.dictionaries(some.sampled_from(["messages", "kind", "funds", "terms"]), inner)
        ),
    ).map(lambda tree: json.dumps(tree).encode())
)
def test_whatever_comes_is_told_and_never_raises(raw: bytes):
    found = problems_of(raw)
    assert found
    assert all(problem.text for problem in found)


BAD: dict[str, tuple[bytes, Rule]] = {
    "nothing": (b" \n", Rule.EMPTY),
    "no text": (b"\xff\xfe", Rule.UNDECODABLE),
    "no JSON": (b'{"messages":[}', Rule.STRUCTURE),
    "a name twice": (b'{"messages":[],"messages":[]}', Rule.STRUCTURE),
    "no number": (b'{"messages":[NaN]}', Rule.STRUCTURE),
    "a long number": (b'{"messages":[%s]}' % (b"1" * 5000), Rule.STRUCTURE),
    "too deep": (b"[" * 100_000, Rule.TOO_LARGE),
    "just too deep": (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), Rule.TOO_LARGE),
    "too large": (b'"%s"' % (b"x" * BYTES_MAX), Rule.TOO_LARGE),
    "half a character": (b'{"messages":["\\ud800"]}', Rule.MALFORMED),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read(name: str):
    raw, rule = BAD[name]
    assert [problem.rule for problem in problems_of(raw)] == [rule]


def test_everything_wrong_is_told_at_once_where_it_stands():
    wrong = figures("investor_calculation", "K1", colour="red", links=[])
    wrong["terms"] = terms(side="hold", trade_date="yesterday")
    wrong["funds"][1]["commission"] = {"amount": "028455.0", "currency": "YEN"}
    wrong["block"] = {**BLOCK, "quantity": 30000}
    del wrong["broker"]
    assert places(body(wrong)) == {
        "/messages/0/terms/side": Rule.UNKNOWN_CODE,
        "/messages/0/terms/trade_date": Rule.MALFORMED,
        "/messages/0/funds/1/commission/amount": Rule.MALFORMED,
        "/messages/0/funds/1/commission/currency": Rule.UNKNOWN_CODE,
        "/messages/0/block/quantity": Rule.MALFORMED,
        "/messages/0/broker": Rule.REQUIRED,
        "/messages/0/colour": Rule.UNKNOWN_FIELD,
    }
    texts = {problem.path: problem for problem in problems_of(body(wrong))}
    assert texts["funds.1.commission.amount"].value == "028455.0"
    assert '"2845.5"' in texts["funds.1.commission.amount"].text


def test_what_does_not_add_up():
    wrong = figures("investor_calculation", "K1")
    wrong["funds"][0]["net"] = yen(1)
    [problem] = problems_of(body(wrong))
    assert (problem.rule, problem.field) == (Rule.SUM, "/messages/0")
    assert "56972601" in problem.text


@pytest.mark.parametrize(
    ("message", "place", "rule"),
    [
        ({}, "/messages/0/kind", Rule.REQUIRED),
        ({"kind": "order"}, "/messages/0/kind", Rule.UNKNOWN_CODE),
        (
            {
                "kind": "reminder",
                "reference": "R1",
                "broker": {"lei": BROKER},
                "trade_date": "2026-11-20",
                "deadline": "15:30:00",
            },
            "/messages/0/kind",
            Rule.NOT_ALLOWED,
        ),
    ],
)
def test_kinds_that_no_client_says(message: dict[str, str], place: str, rule: Rule):
    assert places(body(message)) == {place: rule}


def test_sender_and_source_are_not_given():
    found = places(body(figures("investor_calculation", "K1"), sender=MANAGER, source="0" * 64))
    assert found == {"/sender": Rule.UNKNOWN_FIELD, "/source": Rule.UNKNOWN_FIELD}


def test_many_faults_are_told_up_to_a_limit():
    wrong = body({"kind": "cancellation", **{f"x{number}": 0 for number in range(50_000)}})
    assert len(problems_of(wrong)) == PROBLEMS_PER_MESSAGE_MAX


def test_one_to_four_messages():
    one = figures("investor_calculation", "K1")
    assert places(body()) == {"/messages": Rule.REQUIRED}
    assert places(body(*5 * [one])) == {"/messages": Rule.TOO_LARGE}
    assert problems_of(body(*4 * [one])) == []
