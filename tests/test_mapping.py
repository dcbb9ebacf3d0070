"""The mapping engine on what clients send: understood, or refused in their own words."""

import random
from pathlib import Path
from typing import Any

import pytest
from mapping_scene import (
    GIVEN,
    SAMPLES,
    codec,
    fix_bytes,
    mapping,
    said,
    sample,
)

from adapters.format import Decoded
from adapters.mapping import located, read
from canonical.message import Kind
from canonical.problems import Problem, Rule


def changed(case: str, old: str, new: str) -> list[Problem]:
    """The problems of a sound sample with one thing in it changed."""
    [file] = (SAMPLES / case).glob("message.*")
    encoding = "cp932" if file.suffix == ".csv" else "utf-8"
    text = file.read_bytes().decode(encoding)
    assert old in text, old
    # The rows and parts of one trade say the same, so that they change alike; a FIX message says it once.
    text = text.replace(old, new, 1 if file.suffix == ".fix" else -1)
    raw = fix_bytes(text) if file.suffix == ".fix" else text.encode(encoding)
    return [problem for one in said(case.rpartition("/")[0], raw) for problem in one.problems]


SETTLED = '<SttlmAmt><Amt Ccy="JPY">'
FIX, CSV, XML = (
    "fix44/AS/two-funds",
    "delimited/allocations/two-funds",
    "iso20022/setr.027/block-and-two-funds",
)


@pytest.mark.parametrize(
    ("case", "old", "new", "field", "rule"),
    [
        (FIX, "48=JP3633400001", "48=JP3633400002", "48", Rule.CHECK_DIGIT),
        (FIX, "53=30000", "53=-30000", "53", Rule.OUT_OF_RANGE),
        (FIX, "80=20000", "80=0", "78[1]/80", Rule.OUT_OF_RANGE),
        (FIX, "|6=2845.5|", "|6=2.8455E3|", "6", Rule.MALFORMED),
        (FIX, "154=56972601", "154=56972601.5", "78[1]/154", Rule.DECIMALS),
        (FIX, "12=56910", "12=56910.25", "78[1]/12", Rule.DECIMALS),
        (FIX, "64=20261125", "64=20261119", "64", Rule.DATE_ORDER),
        (FIX, "53=30000", "53=30001", "53", Rule.SUM),
        (FIX, "64=20261125|", "", "64", Rule.REQUIRED),
        (FIX, "79=F2|", "", "78[2]/79", Rule.REQUIRED),
        (FIX, "154=28486300|", "", "78[2]/154", Rule.REQUIRED),
        (FIX, "\n54=1|", "\n54=5|", "54", Rule.UNKNOWN_CODE),
        (FIX, "139=9", "139=8", "78[1]/136[1]/139", Rule.UNKNOWN_CODE),
        (FIX, "15=JPY", "15=JPN", "15", Rule.UNKNOWN_CODE),
        (FIX, "79=F2", "79=F1", "78[2]/79", Rule.DUPLICATE),
        (FIX, "22=4", "22=3", "48", Rule.REQUIRED),
        (FIX, "75=20261120", "75=20261131", "75", Rule.MALFORMED),
        (CSV, "7203,,買", "7203,JP3633400002,買", "ISIN", Rule.CHECK_DIGIT),
        (CSV, "7203", "72O3", "銘柄コード", Rule.MALFORMED),
        (CSV, '"20,000"', '"-20,000"', "数量", Rule.OUT_OF_RANGE),
        (CSV, '"20,000"', "0", "数量", Rule.OUT_OF_RANGE),
        (CSV, '"20,000",,', '"20,000",2.8455E3,', "単価", Rule.MALFORMED),
        (CSV, '"56,972,601"', '"56,972,601.5"', "受渡金額", Rule.DECIMALS),
        (CSV, '"20,000"', '"20,001"', "合計数量", Rule.SUM),
        (CSV, '"56,972,601"', '"56,972,602"', "受渡金額", Rule.SUM),
        (CSV, '"56,910","5,691"', ',"5,691"', "手数料", Rule.REQUIRED),
        (CSV, "F2,A2", "F1,A2", "ファンドコード", Rule.DUPLICATE),
        (XML, "<ISIN>JP3633400001<", "<ISIN>JP3633400002<", "FinInstrmId/ISIN", Rule.CHECK_DIGIT),
        (XML, "<Unit>30000<", "<Unit>-30000<", "TradDtls/ConfQty/Qty/Unit", Rule.OUT_OF_RANGE),
        (XML, "<Unit>20000<", "<Unit>0<", "part 2: TradDtls/ConfQty/Qty/Unit", Rule.OUT_OF_RANGE),
        (XML, "<Unit>20000<", "<Unit>2E4<", "part 2: TradDtls/ConfQty/Qty/Unit", Rule.MALFORMED),
        (XML, "2845.5<", "2.8455E3<", "TradDtls/DealPric/Val/Amt", Rule.MALFORMED),
        (XML, ">56972601<", ">56972601.5<", "part 2: SttlmAmt/Amt", Rule.DECIMALS),
        (XML, "<Unit>30000<", "<Unit>30001<", "TradDtls/ConfQty/Qty/Unit", Rule.SUM),
        (XML, ">56972601<", ">56972600<", "part 2: SttlmAmt/Amt", Rule.SUM),
        (XML, "<Sd>BUYI<", "<Sd>CROS<", "TradDtls/Sd", Rule.UNKNOWN_CODE),
        (XML, SETTLED, SETTLED.replace("JPY", "ZZZ"), "part 2: SttlmAmt/Amt/@Ccy", Rule.UNKNOWN_CODE),
        (XML, "<SfkpgAcct>F2<", "<SfkpgAcct>F1<", "part 3: OthrBizPties/Invstr[1]/SfkpgAcct", Rule.DUPLICATE),
    ],
)  # fmt: skip
def test_bad_value_is_refused_at_its_own_field(case: str, old: str, new: str, field: str, rule: Rule) -> None:
    """A client that sends one wrong value hears of that value, in its own words, with the rule broken."""
    problems = changed(case, old, new)
    assert [(p.field, p.rule) for p in problems if (p.field, p.rule) == (field, rule)] == [(field, rule)]
    assert len({p.field.rpartition(": ")[2] for p in problems}) <= 2


def test_rows_of_one_block_that_disagree_are_told_with_their_line() -> None:
    """So a person finds the row to mend in a file of thousands."""
    raw = sample(CSV)[1].replace(b"2026/11/25", b"2026/11/26", 1)
    [one] = said("delimited/allocations", raw)
    assert [(p.line, p.field, p.rule) for p in one.problems] == [(3, "受渡日", Rule.STRUCTURE)]


def test_parts_of_one_trade_that_disagree_are_told() -> None:
    """A fund's message with another date than the block's is not taken for a part of it."""
    raw = sample(XML)[1].replace(b"2026-11-25", b"2026-11-26", 1)
    [one] = said("iso20022/setr.027", raw)
    assert {(p.field, p.rule) for p in one.problems} == {
        ("part 2: TradDtls/SttlmDt/Dt/Dt", Rule.STRUCTURE),
        ("part 3: TradDtls/SttlmDt/Dt/Dt", Rule.STRUCTURE),
    }


def test_cancellation_needs_no_terms() -> None:
    """What a cancellation leaves out, dates or figures, is no problem."""
    name, raw = sample("fix44/J/cancellation")
    [one] = said(name, raw)
    assert [m.kind for m in one.messages] == [Kind.CANCELLATION]


def test_problems_found_later_are_told_at_the_clients_fields() -> None:
    """A fund that the directory does not know is named as the client named it."""
    name, raw = sample(FIX)
    found = [Problem(field="x", rule=Rule.UNKNOWN_ACCOUNT, text="check it", path="funds/1/account/code")]
    found.append(Problem(field="x", rule=Rule.UNKNOWN_PARTY, text="check it", path="investor"))
    told = located(mapping(name), codec(name).decode(raw), GIVEN, found)
    assert [(p.field, p.value) for p in told] == [("78[2]/79", "F2"), ("453[2]/448", "ASMGJPJT")]


def test_thousand_funds_are_read() -> None:
    """The largest block that the layout allows passes."""
    fields = codec("fix44/AS").decode(sample(FIX)[1])[0].fields
    one = fields["78"][0]
    fields["78"] = [{**one, "79": f"F{number}", "80": "1"} for number in range(1000)]
    fields["53"] = "1000"
    read_one = read(mapping("fix44/AS"), [Decoded("AS", fields)], GIVEN)
    assert read_one.problems == ()
    assert len(read_one.messages) == 2


ODD = ["", "0", "-1", "\x01", "x" * 300, "１", "nan", "1e9", "None", "あ" * 80, "9" * 50, "20261399", "JPY"]


def mutated(value: Any, chance: random.Random) -> Any:
    """`value` with some fields missing, and odd ones in the place of others."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k == "@line" or chance.random() > 0.03}
        return {k: v if k == "@line" else mutated(v, chance) for k, v in kept.items()}
    if isinstance(value, list):
        return [mutated(entry, chance) for entry in value if chance.random() > 0.05]
    return chance.choice([*ODD, {"a": "b"}, [{"z": "1"}]]) if chance.random() < 0.06 else value


@pytest.mark.parametrize("case", sorted(SAMPLES.glob("*/*/*")), ids=lambda case: "-".join(case.parts[-3:]))
def test_nothing_that_a_client_sends_raises(case: Path) -> None:
    """Whatever the fields hold, there are messages or problems, never both, and never a traceback."""
    name, raw = sample("/".join(case.parts[-3:]))
    rule, chance = mapping(name), random.Random(case.name)
    decoded = codec(name).decode(raw)
    for _ in range(25):
        parts = [Decoded(one.message, mutated(one.fields, chance), (), one.line) for one in decoded]
        found = read(rule, parts if rule.parts else parts[:1], GIVEN)
        assert not (found.messages and found.problems)
        assert found.messages or found.problems or rule.otherwise_silent
        assert len(found.messages) in (0, len(found.kinds))


def test_own_identity_is_never_blamed_on_the_sender() -> None:
    """A problem with who the client is, which it did not write, names the message."""
    name, raw = sample(FIX)
    found = [Problem(field="x", rule=Rule.UNKNOWN_PARTY, text="enrol", path="broker/lei")]
    [told] = located(mapping(name), codec(name).decode(raw), GIVEN, found)
    assert told.field == "AS"
