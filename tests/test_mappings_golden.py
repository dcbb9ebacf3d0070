"""Samples in their clients' own formats beside what the shipped mappings make of them, and the reverse.

A new sample is a new folder: golden/mapping/read/<dialect>/<mapping>/<case>/ with message.* and said.json,
golden/mapping/write/<dialect>/<mapping>/<case>/ with object.json and written.*.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mapping_scene import TESTS, codec, mapping, native_bytes, said, written_bytes
from pydantic import BaseModel

from adapters.mapping import Read, write
from canonical.answer import Answer
from canonical.message import MESSAGE
from canonical.problems import Rule

GOLDEN = TESTS / "golden" / "mapping"
READ = sorted(GOLDEN.glob("read/*/*/*"))
WRITE = sorted(GOLDEN.glob("write/*/*/*"))
BESIDE = {
    "@now": datetime(2026, 11, 20, 15, 31, 2, tzinfo=ZoneInfo("Asia/Tokyo")),
    "@message": "J",
    "@echo": {"34": "7"},
    "@client": {"name": "ASMG", "bic": "ASMGJPJT", "provider_bic": "SPCCJPJT"},
}


def named(case: Path) -> str:
    return "-".join(case.parts[-3:])


def name_of(case: Path) -> str:
    return f"{case.parts[-3]}/{case.parts[-2]}"


def shown(read: Read) -> dict[str, Any]:
    """A reading as its sample holds it; sentences are left to change."""
    problems = [
        {"line": p.line, "field": p.field, "value": p.value, "rule": p.rule.value} for p in read.problems
    ]
    return {
        "kinds": [kind.value for kind in read.kinds],
        "reference": read.reference,
        "trade_date": read.trade_date.isoformat() if read.trade_date else None,
        "problems": problems,
        "messages": [message.model_dump(mode="json", exclude_defaults=True) for message in read.messages],
    }


@pytest.mark.parametrize("case", READ, ids=named)
def test_client_message_says(case: Path) -> None:
    """A client's message becomes exactly these canonical messages, or is refused for exactly this."""
    [file] = case.glob("message.*")
    expected = json.loads((case / "said.json").read_text(encoding="utf-8"))
    assert [shown(read) for read in said(name_of(case), native_bytes(file))] == expected


@pytest.mark.parametrize("case", READ, ids=named)
def test_every_problem_says_what_to_do_at_a_field_of_the_client(case: Path) -> None:
    """No problem names a canonical path or one of our reserved names as the field."""
    [file] = case.glob("message.*")
    for read in said(name_of(case), native_bytes(file)):
        for problem in read.problems:
            assert not problem.field.startswith(("@", "terms", "block", "funds"))
            assert problem.text
            assert problem.rule in Rule


@pytest.mark.parametrize("case", WRITE, ids=named)
def test_object_is_written_so(case: Path) -> None:
    """A canonical object goes out to a client as exactly this, free of fault by the format's own rules."""
    [file] = case.glob("written.*")
    name = name_of(case)
    told = (case / "object.json").read_bytes()
    is_answer = "status" in json.loads(told)
    value: BaseModel = Answer.model_validate_json(told) if is_answer else MESSAGE.validate_json(told)
    pieces = written_bytes(name, write(mapping(name), value, BESIDE))
    assert b"".join(pieces) == file.read_bytes()
    for piece in pieces:
        assert [problem for one in codec(name).decode(piece) for problem in one.problems] == []
