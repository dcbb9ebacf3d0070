"""The bytes around ISO 20022 messages: hostile, huge, foreign or damaged files are refused, never obeyed."""

import time
from pathlib import Path

import pytest

from adapters.iso20022 import Iso20022
from canonical.problems import Problem, Rule

FUND = (Path(__file__).parent / "golden/iso20022/investor-fund-japanese-text/message.xml").read_text("utf-8")
BODY = FUND.split("?>", 1)[1]
REMARK = "消費税は四捨五入で計算（約定 №42）"


def refusal(raw: bytes) -> Problem:
    """The one problem of the one message that nothing could be read of."""
    [message] = Iso20022().decode(raw)
    [problem] = message.problems
    assert (message.message, message.fields) == ("", {})
    return problem


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-be"),
        ("UTF-16", "utf-16-le"),
        ("Shift_JIS", "cp932"),
        ("Windows-31J", "cp932"),
        ("CP932", "cp932"),
        ("x-sjis", "cp932"),
    ],
)
def test_declared_character_set_is_read(declared: str, codec: str) -> None:
    """Japanese text arrives as it was written, in each character set that clients use."""
    raw = f'<?xml version="1.0" encoding="{declared}"?>{BODY}'.encode(codec)
    [message] = Iso20022().decode(raw)
    details = message.fields["TradDtls"]
    assert isinstance(details, dict)
    assert details["AddtlTradInstrPrcgInf"] == REMARK
    assert message.problems == ()


def test_cp932_text_is_the_same_as_in_other_files() -> None:
    """The wave dash and the yen sign, on which libraries differ, read as in Python and Windows."""
    raw = f'<?xml version="1.0" encoding="Shift_JIS"?>{BODY}'.replace(REMARK, "1～2\\").encode("cp932")
    [message] = Iso20022().decode(raw)
    details = message.fields["TradDtls"]
    assert isinstance(details, dict)
    assert details["AddtlTradInstrPrcgInf"] == "1～2\\"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UTF-8", "cp932"), ("US-ASCII", "utf-8"), ("UTF-16", "utf-8"), ("EUC-JP", "cp932"), ("FOO-8", "utf-8")],
)
def test_wrong_character_set_is_refused(declared: str, codec: str) -> None:
    """Bytes that are not what the file declares are refused, not guessed."""
    problem = refusal(f'<?xml version="1.0" encoding="{declared}"?>{BODY}'.encode(codec))
    assert problem.rule == Rule.UNDECODABLE
    assert problem.line is not None


ENTITIES = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">',
        f"<!DOCTYPE Document [{ENTITIES}]>",
        '<!-- a --> <?p i?>\n<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE Document [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_dtd_is_refused(doctype: str, codec: str) -> None:
    """No entity is defined, expanded or fetched: a DTD alone is reason to refuse."""
    body = BODY.replace(REMARK, "&x;" if "ENTITY x" in doctype else "&b;")
    problem = refusal(f'<?xml version="1.0" encoding="{codec}"?>{doctype}{body}'.encode(codec))
    assert problem.rule == Rule.STRUCTURE
    assert "DTD" in problem.text


def test_xinclude_is_only_an_unknown_element() -> None:
    """No other file is drawn into a message."""
    include = (
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/hostname" parse="text"/>'
    )
    [message] = Iso20022().decode(FUND.replace(REMARK, include).encode())
    assert [problem.rule for problem in message.problems] == [Rule.UNKNOWN_FIELD]


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", Rule.EMPTY),
        (b" \r\n\t", Rule.EMPTY),
        (b"20261120,BUY,7203", Rule.STRUCTURE),
        (b"8=FIX.4.4\x019=5\x01", Rule.STRUCTURE),
        (FUND.encode()[:900], Rule.STRUCTURE),
        (FUND.encode() + FUND.encode(), Rule.STRUCTURE),
        (FUND.replace(REMARK, "&undefined;").encode(), Rule.STRUCTURE),
        (FUND.replace(REMARK, "\x01").encode(), Rule.UNDECODABLE),
        (b"<Messages/>", Rule.STRUCTURE),
        (b"<a>" * 300 + b"</a>" * 300, Rule.TOO_LARGE),
        (b"<a>" + b"x" * 10_500_000 + b"</a>", Rule.TOO_LARGE),
        (b"<a>" + b"<b/>" * 2_100_000 + b"</a>", Rule.TOO_LARGE),
    ],
    ids=["empty", "blank", "csv", "fix", "cut", "twice", "entity", "control", "none", "deep", "long", "tags"],
)
def test_what_is_no_message_is_refused(raw: bytes, rule: Rule) -> None:
    """Each kind of wrong file has its own rule, and a sentence that says what to do."""
    problem = refusal(raw)
    assert problem.rule == rule
    assert problem.text


def test_huge_file_is_refused_unread() -> None:
    """50 MB cost nothing but a look at their length."""
    raw = FUND.encode().ljust(50_000_000)
    started = time.perf_counter()
    problem = refusal(raw)
    assert problem.rule == Rule.TOO_LARGE
    assert "50000000 bytes" in problem.text
    assert time.perf_counter() - started < 0.1
