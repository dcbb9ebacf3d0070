"""The ISO 20022 format: what clients send is read as it stands, what is wrong with it is said in full."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.format import Decoded, Fields, Format
from adapters.iso20022 import Iso20022
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden" / "iso20022").iterdir())
BROKEN = sorted((HERE / "broken" / "iso20022").glob("*.xml"))
FUND = (HERE / "golden" / "iso20022" / "fund-1-of-2" / "message.xml").read_bytes()
CODEC: Format = Iso20022()


def named(path: Path) -> str:
    return path.stem


def problems(raw: bytes, codec: Format = CODEC) -> list[Problem]:
    return [problem for message in codec.decode(raw) for problem in message.problems]


def fund_with(old: str, new: str) -> bytes:
    """The sound message with one place in it changed."""
    assert FUND.count(old.encode()) == 1, old
    return FUND.replace(old.encode(), new.encode())


@pytest.mark.parametrize("case", GOLDEN, ids=named)
def test_golden_message_is_read(case: Path) -> None:
    """Each sample gives exactly the fields beside it, without a problem."""
    decoded = CODEC.decode((case / "message.xml").read_bytes())
    expected = json.loads((case / "fields.json").read_text(encoding="utf-8"))
    assert [{"message": one.message, "fields": one.fields} for one in decoded] == expected
    assert [one.problems for one in decoded] == [()] * len(expected)


@pytest.mark.parametrize("case", GOLDEN, ids=named)
@pytest.mark.parametrize("wrapper", ["Messages", "Xchg", "{urn:example}Envelope"])
def test_what_is_written_is_read_back(case: Path, wrapper: str) -> None:
    """Fields written in any wrapper are the same fields again."""
    decoded = CODEC.decode((case / "message.xml").read_bytes())
    codec = Iso20022(wrapper=wrapper)
    if wrapper == "Xchg" and "AppHdr" not in decoded[0].fields:
        with pytest.raises(ValueError, match="AppHdr"):
            codec.encode(decoded)
        return
    again = CODEC.decode(codec.encode(decoded))
    assert [(one.message, one.fields) for one in again] == [(one.message, one.fields) for one in decoded]
    assert [one.problems for one in again] == [()] * len(decoded)


def test_bare_document_is_written_alone() -> None:
    """A client without headers gets the Document as the whole file, and one message per file."""
    bare = Iso20022(wrapper="")
    two = CODEC.decode((HERE / "golden/iso20022/funds-in-business-file/message.xml").read_bytes())
    written = bare.encode(two[:1])
    assert b"AppHdr" not in written
    assert b"<Document" in written.splitlines()[1]
    with pytest.raises(ValueError, match="2 messages"):
        bare.encode(two)


@pytest.mark.parametrize("case", [case for case in GOLDEN if case.name.startswith("status-")], ids=named)
def test_status_advice_is_written_to_the_byte(case: Path) -> None:
    """A result looks in the client's folder exactly as the sample shows it, whatever the order of fields."""
    expected = json.loads((case / "fields.json").read_text(encoding="utf-8"))
    messages = [Decoded(one["message"], dict(reversed(one["fields"].items()))) for one in expected]
    assert CODEC.encode(messages) == (case / "message.xml").read_bytes()


@pytest.mark.parametrize("case", BROKEN, ids=named)
def test_broken_message_is_explained(case: Path) -> None:
    """Each broken input gives exactly the problems beside it, all of them at once."""
    found = [
        problem.model_dump(mode="json", exclude_defaults=True) for problem in problems(case.read_bytes())
    ]
    assert found == json.loads(case.with_suffix(".json").read_text(encoding="utf-8"))


FAULTS = [
    ("<Sd>BUYI</Sd>", "<Sd>BUY</Sd>", "TradDtls/Sd", "BUY", Rule.UNKNOWN_CODE),
    ("<Sd>BUYI</Sd>", "", "TradDtls/Sd", "", Rule.REQUIRED),
    ("<Sd>BUYI</Sd>", "<Sd>BUYI</Sd><Sd>SELL</Sd>", "TradDtls/Sd[2]", "", Rule.STRUCTURE),
    ("<Sd>BUYI</Sd>", "<Sd>BUYI</Sd>buy", "TradDtls", "buy", Rule.STRUCTURE),
    ("<Sd>BUYI</Sd>", "<Sd>BUYI</Sd><Colour>red</Colour>", "TradDtls/Colour", "", Rule.UNKNOWN_FIELD),
    ("<Sd>BUYI</Sd>", '<Sd kind="x">BUYI</Sd>', "TradDtls/Sd/@kind", "x", Rule.UNKNOWN_FIELD),
    ("<Sd>BUYI</Sd>", "<Sd><Cd>BUYI</Cd></Sd>", "TradDtls/Sd/Cd", "", Rule.UNKNOWN_FIELD),
    ("<Sd>BUYI</Sd>", '<Sd xmlns="urn:x">BUYI</Sd>', "TradDtls/Sd", "", Rule.UNKNOWN_FIELD),
    ("<Pmt>APMT</Pmt>", "<Pmt>APMT</Pmt><ListId>L</ListId>", "TradDtls/ListId", "", Rule.STRUCTURE),
    ("<Unit>20000</Unit>", "<Unit>2e4</Unit>", "TradDtls/ConfQty/Qty/Unit", "2e4", Rule.MALFORMED),
    ("<Unit>20000</Unit>", "<Unit>20,000</Unit>", "TradDtls/ConfQty/Qty/Unit", "20,000", Rule.MALFORMED),
    ("<Unit>20000</Unit>", "<Unit></Unit>", "TradDtls/ConfQty/Qty/Unit", "", Rule.MALFORMED),
    ("<Unit>20000</Unit>", "", "TradDtls/ConfQty/Qty", "", Rule.REQUIRED),
    (
        "<Unit>20000</Unit>",
        "<Unit>1</Unit><FaceAmt>1</FaceAmt>",
        "TradDtls/ConfQty/Qty/FaceAmt",
        "",
        Rule.STRUCTURE,
    ),
    (">56972601<", ">-1<", "SttlmAmt/Amt", "-1", Rule.OUT_OF_RANGE),
    (">56972601<", ">1.000001<", "SttlmAmt/Amt", "1.000001", Rule.OUT_OF_RANGE),
    (">56972601<", ">1234567890123456789<", "SttlmAmt/Amt", "1234567890123456789", Rule.OUT_OF_RANGE),
    ('"JPY">56972601<', '"Yen">56972601<', "SttlmAmt/Amt/@Ccy", "Yen", Rule.MALFORMED),
    (' Ccy="JPY">56972601<', ">56972601<", "SttlmAmt/Amt/@Ccy", "", Rule.REQUIRED),
    ("2026-11-25", "2026-11-31", "TradDtls/SttlmDt/Dt/Dt", "2026-11-31", Rule.MALFORMED),
    ("2026-11-25", "20261125", "TradDtls/SttlmDt/Dt/Dt", "20261125", Rule.MALFORMED),
    ("JP3633400001", "JP363340000", "FinInstrmId/ISIN", "JP363340000", Rule.MALFORMED),
    ("BRKA-C-000191", "X" * 36, "Id/TxId", "X" * 36, Rule.OUT_OF_RANGE),
    ("BRKA-C-000191", "", "Id/TxId", "", Rule.EMPTY),
    ("<IndvAllcnId>AL-0042-1</IndvAllcnId>", "", "Refs[2]/Ref", "", Rule.REQUIRED),
    ("<SctiesTradConf>", "<SctiesTradConf><Odd/>", "Odd", "", Rule.UNKNOWN_FIELD),
]


@pytest.mark.parametrize(("old", "new", "field", "value", "rule"), FAULTS)
def test_fault_is_named_with_place_value_rule_and_line(
    old: str, new: str, field: str, value: str, rule: Rule
) -> None:
    """A sender learns where, what and which rule, and nothing else is blamed."""
    raw = fund_with(old, new)
    line = next(
        number
        for number, (a, b) in enumerate(zip(FUND.splitlines(), raw.splitlines(), strict=True), 1)
        if a != b
    )
    [problem] = problems(raw)
    assert (problem.field, problem.value, problem.rule) == (field, value, rule)
    is_said_around = rule is Rule.REQUIRED or value == "buy"  # missing, astray: said at the element around
    assert problem.line is not None
    assert problem.line == line or (is_said_around and problem.line < line)
    assert ": send" in problem.text or ": leave" in problem.text


def test_all_faults_of_a_message_come_at_once() -> None:
    """Nobody has to send a message again to learn of its next fault."""
    raw = (
        FUND.replace(b"BUYI", b"BUY").replace(b"JP3633400001", b"7203").replace(b"2026-11-25", b"25.11.2026")
    )
    assert [problem.field for problem in problems(raw)] == [
        "TradDtls/Sd",
        "TradDtls/SttlmDt/Dt/Dt",
        "FinInstrmId/ISIN",
    ]


def test_fields_are_kept_beside_problems() -> None:
    """A refused message can still be answered: its reference is there."""
    [message] = CODEC.decode(fund_with("<Sd>BUYI</Sd>", "<Sd>BUY</Sd>"))
    assert message.fields["Id"] == {"TxId": "BRKA-C-000191"}


def test_problems_of_one_message_are_limited() -> None:
    """A hopeless message gets a refusal of bearable length."""
    raw = fund_with("<Sd>BUYI</Sd>", "<Sd>BUYI</Sd>" + "<x/>" * 1000)
    assert len(problems(raw)) == PROBLEMS_PER_MESSAGE_MAX


def test_other_message_is_unsupported() -> None:
    """A client of another version is told which ones are read; its header is read all the same."""
    [message] = CODEC.decode(FUND.replace(b"setr.027.001.05", b"setr.027.001.02"))
    [problem] = message.problems
    assert (message.message, problem.rule) == ("setr.027.001.02", Rule.UNSUPPORTED)
    assert "setr.027.001.03" in problem.text


def test_header_and_document_must_belong_together() -> None:
    """A header that names another message than the one that follows is refused."""
    raw = (HERE / "golden/iso20022/block/message.xml").read_bytes()
    changed = raw.replace(b"<MsgDefIdr>setr.027.001.05", b"<MsgDefIdr>setr.029.001.02")
    assert [problem.field for problem in problems(changed)] == ["AppHdr/MsgDefIdr"]


def test_header_without_document_is_refused() -> None:
    """An envelope that lost its message does not pass in silence."""
    raw = (HERE / "golden/iso20022/block/message.xml").read_bytes()
    start, end = raw.index(b"<Document"), raw.index(b"</Document>") + len(b"</Document>")
    [message] = CODEC.decode(raw[:start] + raw[end:])
    assert message.fields["AppHdr"]
    assert [problem.rule for problem in message.problems] == [Rule.REQUIRED]


def test_business_file_must_be_complete() -> None:
    """A file that says three documents and holds two is refused as a whole."""
    raw = (HERE / "golden/iso20022/funds-in-business-file/message.xml").read_bytes()
    decoded = CODEC.decode(raw.replace(b"<TtlNbOfDocs>2<", b"<TtlNbOfDocs>3<"))
    assert [[problem.value for problem in one.problems] for one in decoded] == [["3"], ["3"]]


def test_foreign_content_is_kept() -> None:
    """Supplementary data of a client goes through unread and comes out again."""
    extra = '<SplmtryData><Envlp><a:x xmlns:a="urn:a" b="1">約定<a:y/></a:x></Envlp></SplmtryData>'
    raw = fund_with("</SctiesTradConf>", extra + "</SctiesTradConf>")
    decoded = CODEC.decode(raw)
    kept = decoded[0].fields["SplmtryData"]
    assert isinstance(kept, list)
    assert '<a:x xmlns:a="urn:a"' in str(kept[0]["Envlp"])
    assert 'b="1">約定<a:y/></a:x>' in str(kept[0]["Envlp"])
    assert CODEC.decode(CODEC.encode(decoded))[0].fields == decoded[0].fields


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Id": {"TxId": "A"}, "Colour": "red"}, "/Colour: no such element"),
        ({"Id": {"TxId": "A"}, "Refs": {"Ref": {"BlckId": "K"}}}, "/Refs: a list is wanted"),
        ({"Id": {"TxId": "A"}}, "Refs missing"),
        ({"Id": {"TxId": "A" * 36}, "Refs": [{"Ref": {"BlckId": "K"}}]}, "Id/TxId 36 characters"),
    ],
)
def test_fields_a_message_cannot_hold_are_a_mistake(fields: Fields, said: str) -> None:
    """Nothing leaves the house that the receiver would refuse."""
    with pytest.raises(ValueError, match=said):
        CODEC.encode([Decoded("setr.044.001.04", fields)])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    """Whatever happens to the bytes on the way, the answer is messages or problems."""
    raw = bytearray(data.draw(st.sampled_from(GOLDEN)).joinpath("message.xml").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=6))
    assert CODEC.decode(bytes(raw))


@given(st.binary(max_size=200))
def test_noise_is_refused(raw: bytes) -> None:
    """Bytes that are nothing at all give one message with problems."""
    assert problems(raw)


def test_reading_is_quick() -> None:
    """A per-fund confirmation is read in the time that lets a day pass in half an hour (generous: 5 ms)."""
    started = time.perf_counter()
    for _ in range(50):
        CODEC.decode(FUND)
    assert (time.perf_counter() - started) / 50 < 0.005
