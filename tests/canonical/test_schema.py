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

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "canonical.schema.json").read_text())


def test_schema_is_the_layouts():
    """The published schema is that of this version: run scripts/canonical_schema.py."""
    assert layout_schema() == SCHEMA


def faults(schema: dict[str, Any], value: Any, at: str = "") -> list[str]:
    """What the schema does not allow; of its language as much as it uses."""
    if "$ref" in schema:
        return faults(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, at)
    options = schema.get("oneOf", schema.get("anyOf"))
    if options is not None:
        return [] if any(not faults(option, value, at) for option in options) else [f"{at}: none fits"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value} is not listed")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value} is not {schema['const']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value} does not match")
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    if "type" in schema and type(value) is not kinds[schema["type"]]:
        return [*found, f"{at}: {value} is not {schema['type']}"]
    if isinstance(value, list):
        found += [f for n, each in enumerate(value) for f in faults(schema["items"], each, f"{at}/{n}")]
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, each in value.items():
            known = schema["properties"].get(name)
            found += faults(known, each, f"{at}/{name}") if known else [f"{at}: {name} is unknown"]
    return found


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
