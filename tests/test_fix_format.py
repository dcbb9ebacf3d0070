"""The FIX codec: what is valid comes out as it went in, what is not is told in full, and nothing raises."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adapters.fix import FixFormat
from adapters.fix_dictionary import (
    DictionaryError,
    DictionaryMissingError,
    installed,
    load,
)
from adapters.fix_scan import FIELDS_MAX, GROUP_ENTRIES_MAX, MESSAGE_BYTES_MAX
from adapters.fix_text import CHARSETS, can_say, from_bytes, is_text, sayable
from adapters.format import Decoded, Fields, Format
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Rule

GOLDEN = sorted((Path(__file__).parent / "golden" / "fix").iterdir())
BROKEN = sorted((Path(__file__).parent / "broken" / "fix").glob("*.fix"))
_CHECK_FRAMING = (True,)  # SWIG takes no keywords

needs_dictionary = pytest.mark.skipif(
    not installed().is_file(), reason="quickfix is not installed: no dictionary"
)
pytestmark = needs_dictionary
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def fix44() -> FixFormat:
    return FixFormat(load(installed()))


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_golden(folder: Path, fix44: FixFormat) -> None:
    """A folder with message.fix, fields.json and, where something is wrong, problems.json is a test."""
    raw = (folder / "message.fix").read_bytes()
    (read,) = fix44.decode(raw)
    expected = json.loads((folder / "fields.json").read_text())
    said = folder / "problems.json"
    assert {"message": read.message, "fields": read.fields} == expected
    assert [[found.field, found.value, found.rule] for found in read.problems] == (
        json.loads(said.read_text()) if said.exists() else []
    )
    if not read.problems:
        assert fix44.encode([read]) == raw


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken_message_is_told_by_its_rule(path: Path, fix44: FixFormat) -> None:
    """A file <rule>.<defect>.fix ends in a problem of that rule, and can be written again."""
    (read,) = fix44.decode(path.read_bytes())
    assert path.name.split(".")[0] in [found.rule for found in read.problems]
    fix44.encode([read])


def test_is_a_format(fix44: FixFormat) -> None:
    codec: Format = fix44
    assert len(codec.decode(b"")) == 1


def test_too_many_bytes_leave_enough_to_answer(fix44: FixFormat) -> None:
    (read,) = fix44.decode(_report(note="x" * MESSAGE_BYTES_MAX))
    assert [found.rule for found in read.problems] == [Rule.TOO_LARGE]
    assert (read.message, read.fields["755"]) == ("AS", "R1")


def test_too_many_fields(fix44: FixFormat) -> None:
    (read,) = fix44.decode(b"8=FIX.4.4\x019=5\x0135=AS\x01755=R1\x01" + b"1=\x01" * FIELDS_MAX)
    assert [found.rule for found in read.problems] == [Rule.TOO_LARGE]
    assert read.fields["755"] == "R1"


def test_too_many_entries(fix44: FixFormat) -> None:
    (read,) = fix44.decode(_report(funds=GROUP_ENTRIES_MAX + 1))
    assert [(found.field, found.rule) for found in read.problems] == [("78", Rule.TOO_LARGE)]


def test_problems_are_limited_and_printable(fix44: FixFormat) -> None:
    """A client hears of a hundred problems at most; each can be written as JSON whatever was sent."""
    (read,) = fix44.decode(b"8=FIX.4.4\x019=5\x0135=AS\x01" + b"\xff\x00\x01" * 40_000)
    assert len(read.problems) == PROBLEMS_PER_MESSAGE_MAX
    assert all(found.model_dump_json() for found in read.problems)


def test_padded_body_length(fix44: FixFormat) -> None:
    """Some engines pad BodyLength to a fixed width."""
    raw = _report()
    head, rest = raw.split(b"\x0135=", 1)
    padded = head.replace(b"\x019=", b"\x019=0000") + b"\x0135=" + rest[: rest.rindex(b"10=")]
    assert not fix44.decode(padded + b"10=%03d\x01" % (sum(padded) % 256))[0].problems


@pytest.mark.parametrize("charset", CHARSETS)
def test_data_in_each_charset(fix44: FixFormat, charset: str) -> None:
    """Data may hold separators, "=" and trail bytes that look like ASCII; 354 is written for the caller."""
    fields = _fields() | {"355": "配分指図の備考\x01表=ソ\x0110=000\x01能"}
    fields = fix44.ordered("AS", {"347": charset, **fields})
    (read,) = fix44.decode(fix44.encode([Decoded("AS", fields)]))
    assert not read.problems
    assert read.fields["355"] == fields["355"]
    assert fix44.encode([read]) == fix44.encode([Decoded("AS", fields)])


def test_plain_text_in_the_charset_of_the_session() -> None:
    codec = FixFormat(load(installed()), charset="Shift_JIS")
    raw = codec.encode([Decoded("AS", _fields() | {"58": "表示と能力"})])
    (read,) = codec.decode(raw)
    assert (read.fields["58"], read.problems, codec.encode([read])) == ("表示と能力", (), raw)


def test_binary_data_is_no_text(fix44: FixFormat) -> None:
    raw = fix44.encode([Decoded("AS", {"90": "", "91": "\udcff\udc80\x01", **_fields()})])
    assert not fix44.decode(raw)[0].problems


def test_encoding_a_separator_is_a_bug(fix44: FixFormat) -> None:
    with pytest.raises(AssertionError, match="58"):
        fix44.encode([Decoded("AS", {"58": "a\x0110=000"})])


def test_text_of_a_user_is_made_sayable() -> None:
    assert sayable("高橋🙂\x01", "Shift_JIS") == "高橋??"
    assert can_say("①高", "EUC-JP")


def test_order_is_that_of_the_dictionary(fix44: FixFormat) -> None:
    mixed: Fields = {
        "78": [{"80": "1", "20001": "x", "79": "F"}],
        "355": "t",
        "354": "1",
        "89": "s",
        "34": "1",
    }
    assert list(fix44.ordered("J", {**mixed, "30001": "y", "70": "A"})) == [
        "34",
        "70",
        "354",
        "355",
        "78",
        "30001",
        "89",
    ]
    assert fix44.ordered("J", mixed)["78"] == [{"79": "F", "80": "1", "20001": "x"}]


def test_missing_dictionary_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DictionaryMissingError, match="install quickfix"):
        load(tmp_path / "FIX44.xml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<fix>", "well-formed"),
        ("<html/>", "<html>"),
        ("<fix><header><field name='Own'/></header></fix>", "field Own"),
        ("<fix><header><component name='Own'/></header></fix>", "component Own"),
        ("<fix><header><group name='Own'/></header></fix>", "group Own"),
        (
            "<fix><header><component name='A'/></header>"
            "<components><component name='A'><component name='A'/></component></components></fix>",
            "nested",
        ),
    ],
)
def test_unusable_dictionary(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.xml"
    path.write_text(text)
    with pytest.raises(DictionaryError, match=said):
        load(path)


def test_every_installed_dictionary_loads() -> None:
    for path in installed().parent.glob("FIX*.xml"):
        assert load(path).version


@pytest.fixture(scope="module")
def accepted() -> Callable[[bytes], bool]:
    """What quickfix says of a message with its own dictionary."""
    engine = pytest.importorskip("quickfix", exc_type=ImportError)
    dictionary = engine.DataDictionary(str(installed()))

    def ask(raw: bytes) -> bool:
        try:
            dictionary.validate(engine.Message(raw.decode("utf-8"), dictionary, *_CHECK_FRAMING))
        except (engine.FIXException, RuntimeError):
            return False
        return True

    return ask


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_quickfix_accepts_what_is_accepted_here(
    folder: Path, fix44: FixFormat, accepted: Callable[[bytes], bool]
) -> None:
    """What this codec writes passes the validator of the engine on the other side."""
    (read,) = fix44.decode((folder / "message.fix").read_bytes())
    if read.problems or read.fields.get("347") not in (None, "UTF-8") or "own_tags" in folder.name:
        pytest.skip("quickfix reads UTF-8 alone, and ends a group at a tag that it does not know")
    assert accepted(fix44.encode([read]))
    assert accepted(fix44.encode([Decoded(read.message, fix44.ordered(read.message, read.fields))]))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_quickfix_is_not_stricter(path: Path, fix44: FixFormat, accepted: Callable[[bytes], bool]) -> None:
    raw = path.read_bytes()
    if is_text(from_bytes(raw, "UTF-8")) and not accepted(raw):
        assert fix44.decode(raw)[0].problems


def _fields() -> Fields:
    """The least that an allocation report holds."""
    header: Fields = {"49": "B", "56": "Y", "34": "1", "52": "20261120-06:31:05"}
    block: Fields = {
        "755": "R1",
        "71": "0",
        "794": "5",
        "87": "3",
        "857": "0",
        "54": "1",
        "53": "1",
        "6": "1",
    }
    return {**header, **block, "55": "[N/A]", "75": "20261120"}


def _report(note: str = "note", funds: int = 1) -> bytes:
    entries: list[Fields] = [{"79": f"F{number}", "80": "1"} for number in range(funds)]
    return FixFormat(load(installed())).encode([Decoded("AS", _fields() | {"58": note, "78": entries})])
