"""docs/canonical.schema.json and docs/canonical-layout.md say what the layout is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from layouts import documents
from trades import BROKER, INVESTOR, Replica, message, submission

from canonical.answer import answers
from canonical.encoding import canonical_bytes
from canonical.message import CLASSES, MESSAGE, Role
from canonical.problems import Rule
from canonical.rules import BLOCK_FIELDS, FUND_FIELDS
from canonical.schema import layout_schema
from tests import json_schema

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "canonical.schema.json").read_text())


def test_schema_is_the_layouts():
    """The published schema is that of this version: run scripts/canonical_schema.py."""
    assert layout_schema() == SCHEMA


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What the schema does not allow."""
    return json_schema.faults(SCHEMA["$defs"], schema, value)


@settings(max_examples=50)
@given(documents())
def test_schema_takes_every_message(document: dict[str, Any]):
    said = MESSAGE.validate_python(document)
    name = type(said).__name__
    assert faults(SCHEMA["$defs"][name], json.loads(canonical_bytes(said))) == []


def test_schema_takes_outcomes_and_answers():
    replica = Replica()
    said = [
        submission(BROKER, message({"confirmation": "C1", "funds": ["F1 30000"]})),
        submission(INVESTOR, message({"calculation": "K1", "funds": ["F1 30000 tax=1"]})),
        submission(INVESTOR, message({"calculation": "K1", "funds": ["F1 30000"]})),
    ]
    outcomes = [outcome for each in said for outcome in replica.apply(each)]
    heard = [answer for outcome in outcomes for role in Role for answer in answers(outcome, role)]
    assert {type(each).__name__ for each in (*outcomes, *heard)} == {
        "Receipt",
        "Rejection",
        "Result",
        "Answer",
    }
    for each in (*said, *outcomes, *heard):
        assert faults(SCHEMA, json.loads(canonical_bytes(each))) == []


@pytest.mark.parametrize("change", [{"reference": 1}, {"kind": "rumour"}, {"extra": 1}, {"links": None}])
def test_schema_refuses(change: dict[str, Any]):
    document = json.loads(canonical_bytes(message({"notice": "N1"})))
    assert faults(SCHEMA["$defs"]["ExecutionNotice"], document | change)


def test_page_tells_every_class_field_and_rule():
    """Whoever reads the page finds each kind, each of its fields, each rule and each compared field."""
    page = (DOCS / "canonical-layout.md").read_text()
    told = set(re.findall(r"`([\w.]+)`", page))
    fields = {name for definition in SCHEMA["$defs"].values() for name in definition.get("properties", ())}
    assert fields - told == set()
    assert {rule.value for rule in Rule} - told == set()
    assert {*BLOCK_FIELDS, *FUND_FIELDS} - told == set()
    assert {kind.value for kind in CLASSES} - told == set()
