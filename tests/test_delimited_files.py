"""Whole delimited files: golden ones, and broken ones each named for its defect."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.delimited import Delimited
from adapters.delimited_layout import DelimitedLayout

HERE = Path(__file__).parent
GOLDEN = sorted(folder for folder in (HERE / "golden/delimited").iterdir() if folder.is_dir())
BROKEN = sorted((HERE / "broken/delimited").glob("*.csv"))


def settings_in(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_a_golden_file_gives_its_fields_and_is_written_back(folder: Path) -> None:
    """A client's file is read without being changed for us, and written in the client's own way."""
    codec = Delimited(DelimitedLayout.model_validate(settings_in(folder / "layout.toml")))
    raw = (folder / "input.csv").read_bytes()
    messages = codec.decode(raw)
    assert [problem for message in messages for problem in message.problems] == []
    found = [{"message": one.message, "line": one.line, "fields": one.fields} for one in messages]
    assert found == json.loads((folder / "fields.json").read_text("utf-8"))
    output = folder / "output.csv"
    assert codec.encode(messages) == (output.read_bytes() if output.exists() else raw)
    assert codec.losses(messages) == []


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_file_is_refused_with_rule_line_and_column(file: Path) -> None:
    """A client hears where its file is broken, all at once, and what is whole in it is used."""
    expected = settings_in(file.with_suffix(".toml"))
    layout = settings_in(file.parent / "layout.toml") | expected.get("layout", {})
    messages = Delimited(DelimitedLayout.model_validate(layout)).decode(file.read_bytes())
    found = [
        (message.line, [(problem.field, problem.rule, problem.line) for problem in message.problems])
        for message in messages
    ]
    assert found == [
        (one.get("line"), [(said["field"], said["rule"], said.get("line")) for said in one["problems"]])
        for one in expected["messages"]
    ]
    for message in messages:
        assert message.fields or message.problems
        assert all(problem.text.endswith(".") or "such as" in problem.text for problem in message.problems)
