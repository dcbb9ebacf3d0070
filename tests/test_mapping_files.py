"""The shipped mapping files and the checks at their load; the documentation of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mapping_scene import (
    FILES,
    FIX_HEADER,
    GIVEN,
    MAPPINGS,
    mapping,
)

from adapters.converters import CONVERTERS
from adapters.delimited import Delimited
from adapters.delimited_layout import DelimitedLayout
from adapters.mapping import read
from adapters.mapping_file import MappingError, load_mapping
from adapters.mapping_rules import FieldRule, GroupRule, Level, MappingFile
from canonical.message import Kind

SAMPLES = Path(__file__).parent / "golden" / "mapping" / "read"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_shipped_mapping_loads_and_its_answers_exist(file: Path) -> None:
    """An operator never starts a node whose answers cannot be written."""
    rule = load_mapping(file)
    for name in (*rule.answer, *rule.refusal):
        assert mapping(f"{file.parent.name}/{name}").format == rule.format


def test_names_of_mappings_differ_in_more_than_case() -> None:
    """A checkout on a file system that ignores case, as on macOS, has all of them."""
    names = [str(file.relative_to(MAPPINGS)).lower() for file in FILES]
    assert len(names) == len(set(names)) >= 18


def fields_of(level: Level) -> Iterator[FieldRule]:
    yield from level.field
    for group in level.group:
        yield from fields_of(group)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_codes_are_one_to_one(file: Path) -> None:
    """What is read by a table and written again is the same code."""
    for rule in fields_of(load_mapping(file)):
        if rule.codes and rule.reads and rule.writes:
            assert {rule.native_codes[value]: value for value in rule.codes.values()} == rule.codes


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('to = "terms/side"', 'to = "terms/sied"', "no canonical object has 'terms/sied'"),
        ('"1" = "buy"', '"1" = "bye"', "has no code bye"),
        ('"1" = "buy"', '"1" = "sell"', "not one to one"),
        ('convert = "money"', 'convert = "cash"', "no converter 'cash'"),
        ('at = "12"', 'at = "12["', "not a path"),
        ('at = "@sender"', 'att = "@sender"', "att"),
        ('to = "funds"', 'to = "fnuds"', "needs funds"),
        ('format = "fix"', "format = ", "Invalid value"),
    ],
)
def test_mistake_in_a_mapping_is_told_at_load(tmp_path: Path, old: str, new: str, told: str) -> None:
    """Whoever writes a mapping for a client learns of a slip before the first message comes."""
    text = (MAPPINGS / "fix44" / "AS.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "AS.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError, match=re.escape(told)):
        load_mapping(file)


@pytest.mark.parametrize(
    ("name", "old", "told"),
    [
        ("fix44/P", 'to = "status"\nwhere = { finality = ["final"] }', "87: shows a status"),
        (
            "iso20022/setr.044",
            'where = { status = ["matched"], finality = ["final"] }',
            "MtchgSts/Mtchd: shows",
        ),
        ("fix44/AT", 'where = { status = ["funds_mismatched"], finality = ["final"] }', "78: shows a status"),
    ],
)
def test_answer_that_hides_whether_it_is_final_is_told_at_load(
    tmp_path: Path, name: str, old: str, told: str
) -> None:
    """A mapping of a client's own cannot pass a provisional match off as a match."""
    text = (MAPPINGS / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "own.toml"
    new = old.replace(', finality = ["final"]', "").replace('\nwhere = { finality = ["final"] }', "")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError, match=re.escape(told)):
        load_mapping(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("characters_max = 210\ncontinued = true", "continued = true"),
        ('at = "PrcgSts/PdgPrcg/Rsn[0]/AddtlRsnInf"', 'at = "PrcgSts/PdgPrcg/Rsn/AddtlRsnInf"'),
        ('at = "AddtlRsnInf"', 'at = "Cd/AddtlRsnInf"'),
    ],
)
def test_text_that_could_not_go_on_is_told_at_load(tmp_path: Path, old: str, new: str) -> None:
    """A text that is to be continued has a limit, and stands in an entry of which there can be more."""
    text = (MAPPINGS / "iso20022" / "setr.044.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "own.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError, match="to be continued"):
        load_mapping(file)


def test_short_form_that_would_not_fit_is_told_at_load(tmp_path: Path) -> None:
    """Cut once more, an identifier's short form would be none that anybody can answer by."""
    text = (MAPPINGS / "iso20022" / "setr.044.toml").read_text(encoding="utf-8")
    file = tmp_path / "own.toml"
    file.write_text(text.replace("characters_max = 35", "characters_max = 16"), encoding="utf-8")
    with pytest.raises(
        MappingError, match="AppHdr/BizMsgIdr: an identifier needs characters_max of 32 or more"
    ):
        load_mapping(file)


def test_mapping_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nothing\.toml"):
        load_mapping(tmp_path / "nothing.toml")


def test_group_rule_reads_into_entries_of_its_kind() -> None:
    """The kind of a fee may be the name of the element that holds it."""
    rule = GroupRule.model_validate(
        {"at": "X", "to": "fees[kind=levy]", "field": [{"at": "A", "to": "charge"}]}
    )
    assert rule.to_path[-1].tests[0].value == "levy"


def test_mapping_without_a_layout_needs_nothing_else() -> None:
    assert MappingFile.model_validate({"format": "fix", "message": "X"}).layout == {}


def test_golden_samples_hold_no_framing() -> None:
    """Their length and checksum are computed, so that a person can edit them."""
    for file in SAMPLES.glob("fix44/*/*/message.fix"):
        text = file.read_text(encoding="utf-8")
        assert text.startswith("35=")
        assert FIX_HEADER.keys() <= {field.partition("=")[0] for field in text.replace("\n", "").split("|")}


def test_said_files_are_complete() -> None:
    """Every sample has its expectation beside it."""
    for case in SAMPLES.glob("*/*/*"):
        assert json.loads((case / "said.json").read_text(encoding="utf-8"))


def test_example_of_the_documentation_works(tmp_path: Path) -> None:
    """Who copies the example from docs/integrators/mappings.md has a mapping that reads."""
    text = (MAPPINGS.parent / "docs" / "integrators" / "mappings.md").read_text(encoding="utf-8")
    file = tmp_path / "trades.toml"
    file.write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    rule = load_mapping(file)
    form = Delimited(DelimitedLayout.model_validate(rule.layout))
    header = ",".join(rule.layout["columns"])
    rows = [
        'N1,B,7203,,"30,000","2,845.5",2026/11/20,2026/11/25,M1,,',
        "N2,,,,,,,,M1,CXL,N1",
        "N3,B,7203,,0,1,2026/11/20,2026/11/19,M1,NEW,",
    ]
    read_rows = [read(rule, [one], GIVEN) for one in form.decode("\r\n".join([header, *rows]).encode())]
    assert [one.kinds for one in read_rows] == [
        (Kind.EXECUTION_NOTICE,),
        (Kind.CANCELLATION,),
        (Kind.EXECUTION_NOTICE,),
    ]
    assert {(p.line, p.field) for one in read_rows for p in one.problems} == {(4, "Settles"), (4, "Qty")}


def test_documentation_names_every_converter_and_setting() -> None:
    """A setting that nobody can look up is not there."""
    text = (MAPPINGS.parent / "docs" / "integrators" / "mappings.md").read_text(encoding="utf-8")
    settings = {*FieldRule.model_fields, *GroupRule.model_fields, *MappingFile.model_fields}
    missing = [
        name
        for name in sorted({*CONVERTERS, *settings} - {"field", "group", "constant"})
        if f"`{name}`" not in text
    ]
    assert missing == ["layout", "says"]
