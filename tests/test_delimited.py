"""Delimited files: what a spreadsheet or a host writes is read as meant, or refused with all reasons."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.delimited import Delimited
from adapters.delimited_layout import LINE, ROWS, DelimitedLayout
from adapters.format import Decoded, Fields
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Rule

PLAIN = DelimitedLayout(name="plain", columns=("ref", "qty", "備考"))
GROUPED = DelimitedLayout(
    name="grouped", columns=("price", "ref", "fund"), group_by=("ref",), shared=("price",), newline="\n"
)


def without_lines(fields: Fields) -> Fields:
    """`fields` as they are on any line of any file."""
    flat: Fields = {name: value for name, value in fields.items() if name != LINE}
    rows = flat.get(ROWS)
    if isinstance(rows, list):
        flat[ROWS] = [without_lines(row) for row in rows]
    return flat


def test_rows_of_a_group_are_one_message_and_a_bad_row_spoils_its_own_group_alone() -> None:
    """One bad row does not hold up the other blocks of the same file."""
    raw = b"price,ref,fund\n10,B1,F1\n20,B2,F1\n10,B1,F2\n21,B2,F2\n20,B2\n"
    first, second = Delimited(GROUPED).decode(raw)
    assert first == Decoded(
        "grouped",
        {
            LINE: "2",
            "ref": "B1",
            "price": "10",
            ROWS: [
                {LINE: "2", "price": "10", "ref": "B1", "fund": "F1"},
                {LINE: "4", "price": "10", "ref": "B1", "fund": "F2"},
            ],
        },
        line=2,
    )
    assert [(problem.field, problem.line) for problem in second.problems] == [("price", 5), ("row", 6)]


def test_a_row_whose_group_is_in_doubt_refuses_the_file() -> None:
    """No block goes on while a row that may be its own was misread."""
    (refused,) = Delimited(GROUPED).decode(b"price,ref,fund\n10,B1,F1\n1,000,B1,F2\n")
    assert refused.fields == {}
    assert "send all again" in refused.problems[-1].text


def test_an_absent_column_is_absent_and_an_empty_cell_is_empty() -> None:
    """A mapping can tell what was not said from what was said to be nothing."""
    (message,) = Delimited(PLAIN).decode("備考,ref\n,R1\n".encode())
    assert message.fields == {LINE: "2", "備考": "", "ref": "R1"}


def test_any_line_end_and_a_byte_order_mark_are_read() -> None:
    """A file edited on another system says the same."""
    for newline in ("\n", "\r", "\r\n"):
        raw = ("\ufeff" + newline.join(["ref,qty,備考", "R1,1,a\u2028b", "R2,2,c"])).encode()
        assert [message.line for message in Delimited(PLAIN).decode(raw)] == [2, 3]
        assert Delimited(PLAIN).decode(raw)[0].fields["備考"] == "a\u2028b"


def test_problems_beyond_the_most_that_a_message_may_have_are_counted() -> None:
    """A hopeless file gets an answer of bounded size."""
    raw = b"price,ref,fund\n10,B1,F1\n" + b"10,B1\n" * 500
    (message,) = Delimited(GROUPED).decode(raw)
    assert len(message.problems) == PROBLEMS_PER_MESSAGE_MAX
    assert message.problems[-1].text.startswith("There are 401 more problems")


def test_what_an_encoding_lacks_is_marked_and_told() -> None:
    """A name is never silently misspelt: what CP932 lacks is a geta mark, and told with its place."""
    layout = DelimitedLayout(name="out", columns=("ref", "備考"), encoding="cp932")
    messages = [
        Decoded("out", {"ref": "R1", "備考": "1\n2"}),
        Decoded("out", {"ref": "R2", "備考": "𠮷野家 ①～〜", "extra": "x"}),
        Decoded("out", {"ref": "a\0b"}),
    ]
    codec = Delimited(layout)
    assert codec.encode(messages).decode("cp932") == ('ref,備考\r\nR1,"1\n2"\r\nR2,〓野家 ①～～\r\na〓b,\r\n')
    losses = [(loss.field, loss.line, loss.rule) for loss in codec.losses(messages)]
    assert losses == [
        ("extra", 4, Rule.UNSUPPORTED),
        ("備考", 4, Rule.UNSUPPORTED),
        ("ref", 5, Rule.UNSUPPORTED),
    ]


def test_without_quotes_a_delimiter_in_a_value_is_told() -> None:
    """A file without quoting cannot shift a value into the next column."""
    layout = DelimitedLayout(name="out", columns=("a", "b"), quote="", delimiter="\t", header=False)
    messages = [Decoded("out", {"a": 'x\ty"', "b": "z"})]
    assert Delimited(layout).encode(messages) == 'x〓y"\tz\r\n'.encode()
    assert [loss.field for loss in Delimited(layout).losses(messages)] == ["a"]


def test_a_message_with_rows_is_written_with_its_common_fields_in_each() -> None:
    """A result per fund is a row per fund, with the block's reference in each."""
    message = Decoded("out", {"ref": "B1", ROWS: [{"qty": "1"}, {"qty": "2", "備考": "=SUM(A1)"}]})
    text = Delimited(PLAIN).encode([message]).decode()
    assert text == "ref,qty,備考\r\nB1,1,\r\nB1,2,=SUM(A1)\r\n"
    assert Delimited(PLAIN).encode([]).decode() == "ref,qty,備考\r\n"


CP932_LETTERS = "".join(
    letter
    for letter in map(chr, range(1, 0x10000))
    if letter.encode("cp932", "ignore").decode("cp932") == letter
)
CELLS = {
    "utf-8": st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12),
    "cp932": st.text(st.sampled_from(CP932_LETTERS) | st.sampled_from('\r\n", \tソ表ポ'), max_size=12),
}
CELLS["utf-8-sig"] = CELLS["utf-8"] | st.just("\ufeff")


@settings(deadline=None)  # other tests share the cores, so that time tells nothing
@given(st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    """No text that a client or a counterparty can write is changed on its way through a file."""
    layout = DelimitedLayout(
        name="any",
        columns=("a", "b", "c"),
        encoding=data.draw(st.sampled_from(["utf-8", "utf-8-sig", "cp932"])),
        delimiter=data.draw(st.sampled_from(",\t;|")),
        newline=data.draw(st.sampled_from(["\r\n", "\n"])),
        header=data.draw(st.booleans()),
    )
    cell = CELLS[layout.encoding]
    rows = data.draw(
        st.lists(st.tuples(cell, cell, cell).filter(lambda row: "".join(row).strip()), min_size=1, max_size=5)
    )
    messages = [Decoded("any", dict(zip(layout.columns, row, strict=True))) for row in rows]
    codec = Delimited(layout)
    assert codec.losses(messages) == []
    read = codec.decode(codec.encode(messages))
    assert [without_lines(message.fields) for message in read] == [message.fields for message in messages]
    assert not any(message.problems for message in read)


@settings(deadline=None)
@given(st.dictionaries(st.text("BR-12", min_size=1), st.lists(CELLS["utf-8"], min_size=1), min_size=1))
def test_groups_that_are_written_are_read_back(groups: dict[str, list[str]]) -> None:
    """A block and its funds stay together in a file."""
    messages = [
        Decoded(
            "grouped",
            {"ref": ref, "price": "1", ROWS: [{"price": "1", "ref": ref, "fund": fund} for fund in funds]},
        )
        for ref, funds in groups.items()
    ]
    read = Delimited(GROUPED).decode(Delimited(GROUPED).encode(messages))
    assert [without_lines(message.fields) for message in read] == [message.fields for message in messages]


PIECES = [
    b'"',
    b",",
    b"\r",
    b"\n",
    b"\0",
    b"\x81",
    b"\x85\x40",
    "株".encode(),
    b"\xef\xbb\xbf",
    b"B1",
    b" ",
    b"\x1a",
]
LAYOUTS = [
    PLAIN.model_copy(update={"encoding": encoding, "header": header, "quote": quote, "group_by": group_by})
    for encoding in ("utf-8", "cp932")
    for header in (True, False)
    for quote in ('"', "")
    for group_by in ((), ("ref",), ("qty",))
]


@settings(deadline=None)
@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from([b"", b"ref,qty\n", b"ref,qty\nB1,1\n"]),
    st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join),
)
def test_no_bytes_raise_or_leave_text_that_cannot_be_stored(
    layout: DelimitedLayout, start: bytes, rest: bytes
) -> None:
    """Whatever a client sends, the daemon answers."""
    raw = start + rest
    messages = Delimited(layout).decode(raw)
    assert messages
    line_max = raw.count(b"\n") + raw.count(b"\r") + 1
    for message in messages:
        assert message.fields or message.problems
        assert b"\\u0000" not in json.dumps(message.fields, ensure_ascii=False).encode("utf-8", "strict")
        for problem in message.problems:
            assert problem.line is None or 1 <= problem.line <= line_max
