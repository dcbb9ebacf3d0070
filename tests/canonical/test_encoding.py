"""There is one byte form: what is equal has equal bytes, and what has other bytes is refused."""

import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from decimal import Decimal
from functools import partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import documents, text
from pydantic import ValidationError
from trades import BROKER, message, submission

import canonical
import node
from canonical.amounts import Price
from canonical.base import Canonical, Model
from canonical.encoding import canonical_bytes, digest, from_canonical_bytes
from canonical.identifiers import LocalCode, Party
from canonical.message import MESSAGE
from canonical.problems import Problem, Rule
from canonical.rules.charges import Band
from canonical.rules.clause import Clause
from canonical.submission import MESSAGES_MAX, SUBMISSION, read_submission


def simply(value: Any) -> bytes:
    """The byte form as its definition says it, in the simplest way."""
    tree = value.model_dump(mode="json", exclude_none=True)
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@settings(max_examples=150)
@given(documents())
def test_every_message_comes_back(document: dict[str, Any]):
    """Written and read again, a message is the same; its bytes are those of the simple definition."""
    said = MESSAGE.validate_python(document)
    raw = canonical_bytes(said)
    assert raw == simply(said)
    assert from_canonical_bytes(MESSAGE, raw) == said
    assert MESSAGE.validate_python(said.model_dump()) == said


@settings(max_examples=50)
@given(documents())
def test_order_of_fields_does_not_matter(document: dict[str, Any]):
    """The order in which a mapping fills the fields is not seen in the bytes."""
    backwards = dict(reversed(document.items()))
    assert canonical_bytes(MESSAGE.validate_python(backwards)) == canonical_bytes(
        MESSAGE.validate_python(document)
    )


@given(text, text)
def test_characters(code: str, issuer: str):
    """Unicode is written as it is."""
    party = Party(local=LocalCode(code=code, issuer=issuer))
    assert canonical_bytes(party) == simply(party)


def test_all_escapes():
    code = 'a"b\\c/d\u00e9\u3000😀\x7e'
    assert canonical_bytes(LocalCode(code=code, issuer="x")) == simply(LocalCode(code=code, issuer="x"))
    remarks = message({"notice": "N1", "remarks": 'line\nline "two" \\ '})
    assert canonical_bytes(remarks) == simply(remarks)


@pytest.mark.parametrize("same", ["2845.5", "2845.50", "2845.500000", "28455E-1", "02845.5"])
def test_one_form_of_a_number(same: str):
    """2845.50 and 2845.5 are one price, with one digest."""
    price = Price(value=Decimal(same), currency="JPY")
    assert price == Price(value=Decimal("2845.5"), currency="JPY")
    assert canonical_bytes(price) == b'{"currency":"JPY","value":"2845.5"}'


def test_known_bytes():
    """The bytes and the digest that other implementations must come to."""
    said = submission(BROKER, message({"notice": "N1"}))
    assert canonical_bytes(said) == (
        b'{"messages":[{"block":{"price":{"currency":"JPY","value":"2845.5"},"quantity":"30000"},'
        b'"broker":{"lei":"529900BROKER00000184"},"investor":{"lei":"529900INVEST00000151"},'
        b'"kind":"execution_notice","links":[],"reference":"N1","terms":{"instrument":{"isin":"JP3633400001"},'
        b'"settlement_date":"2026-11-25","side":"buy","trade_date":"2026-11-20"}}],'
        b'"sender":"529900BROKER00000184",'
        b'"source":"' + said.source.encode() + b'"}'
    )
    assert digest(said.messages[0]) == "3619ca7cc1d7e85c3543f01cd996cdf4a5d2563e08acd103c56e975ef0a6f33f"


@pytest.mark.parametrize(
    ("find", "put"),
    [
        (b'"2845.5"', b'"2845.50"'),
        (b'"2845.5"', b'"28455E-1"'),
        (b'"2845.5"', b"2845.5"),
        (b'"30000"', b'"030000"'),
        (b'"30000"', b'"+30000"'),
        (b'"links":[]', b'"links": []'),
        (b'"links":[],', b""),
        (b'"links":[]', b'"links":[],"remarks":null'),
        (b'"reference":"N1"', b'"reference":"\\u004e1"'),
        (b'{"messages"', b'{"other":1,"messages"'),
        (b'"kind":"execution_notice","links":[]', b'"links":[],"kind":"execution_notice"'),
        (b'"2026-11-20"', b'"2026-11-20T00:00:00"'),
        (b'"lei":"529900BROKER', b'"lei":" 529900BROKER'),
    ],
)
def test_other_bytes_are_refused(find: bytes, put: bytes):
    """Bytes that say the same in another way are not what a node of ours writes."""
    raw = canonical_bytes(submission(BROKER, message({"notice": "N1"})))
    assert find in raw
    assert from_canonical_bytes(SUBMISSION, raw) == read_submission(raw).submission
    for read in (partial(from_canonical_bytes, SUBMISSION), read_submission):
        with pytest.raises(ValueError, match=r"canonical byte form|validation error"):
            read(raw.replace(find, put, 1))


@settings(max_examples=50)
@given(st.lists(documents(), min_size=1, max_size=MESSAGES_MAX))
def test_a_submission_is_read_with_the_digests_of_its_messages(told: list[dict[str, Any]]):
    """They are those of the messages alone, and so are the bytes those of the whole."""
    said = SUBMISSION.validate_python({"sender": BROKER, "source": "0" * 64, "messages": told})
    read = read_submission(canonical_bytes(said))
    assert read.submission == said
    assert read.digests == tuple(map(digest, said.messages))


def test_unsorted_things_are_sorted():
    """What is not of the layout's own making is written in order all the same."""
    problem = Problem(field="b", rule=Rule.SUM, text="a")
    assert canonical_bytes(problem) == simply(problem)


def test_nothing_unchecked():
    """There is no way around validation: an unchecked value may have no byte form."""
    with pytest.raises(TypeError, match="validation alone"):
        Band.model_construct(rate=Decimal("1E+2"))
    assert not hasattr(Price, "model_construct")
    with pytest.raises(ValidationError, match="XXX"):
        Price(value=Decimal(100), currency="XXX")
    price = Price(value=Decimal(100), currency="JPY")
    with pytest.raises(FrozenInstanceError):
        setattr(price, "value", Decimal("1E+2"))  # noqa: B010 - type checkers refuse it otherwise


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_has_one_form_or_none(value: Decimal):
    """A number is taken in its one form, or refused; never written with an exponent."""
    try:
        price = Price(value=value, currency="JPY")
    except ValueError:
        return
    assert price.value == value
    written = json.loads(canonical_bytes(price))["value"]
    assert written.strip("0123456789.") == ""
    assert Decimal(written) == value


def classes(base: type[Model]) -> Iterator[type[Model]]:
    """All that build on a class."""
    for each in base.__subclasses__():
        yield each
        yield from classes(each)


def test_what_is_left_out_can_be_left_out():
    """A value that is not there has no place in the bytes: the field must be one that need not be given."""
    for package in (canonical, node):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    fields = [
        (each, name, field)
        for each in (*classes(Canonical), *classes(Clause))
        for name, field in each.model_fields.items()
    ]
    absent = [
        f"{each.__name__}.{name}"
        for each, name, field in fields
        if field.is_required() and _takes_none(each, name)
    ]
    assert len(fields) > 300
    assert not absent


def _takes_none(each: type[Model], name: str) -> bool:
    """Whether a field takes None, by what its class refuses."""
    try:
        each.model_validate({name: None})
    except ValidationError as error:
        return all(problem["loc"][:1] != (name,) for problem in error.errors())
    return True
