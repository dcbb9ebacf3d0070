"""What a delimited file may hold at most, and what its layout may say."""

import tracemalloc

import pytest
from pydantic import ValidationError

from adapters.delimited import Delimited
from adapters.delimited_layout import DelimitedLayout, DelimitedLimits
from canonical.problems import Rule

PLAIN = DelimitedLayout(name="plain", columns=("ref", "qty", "備考"))


@pytest.mark.parametrize(
    "defect", [b"a" * 200_000, b'"' + b"a" * 200_000, b'"' + b"a\n" * 100_000, b"," * 5_000_000]
)
def test_endless_cells_and_rows_are_too_large(defect: bytes) -> None:
    """A file without an end is refused as too large, also by limits that are not our own."""
    (refused,) = Delimited(PLAIN).decode(b"ref,qty\n" + defect)
    assert [problem.rule for problem in refused.problems] == [Rule.TOO_LARGE]


@pytest.mark.parametrize(
    ("raw", "said"),
    [(bytes(50_000_000), "the limit is 20,000,000"), (b"ref,qty\n" + b"R1,1\n" * 1_000_000, "100,000 rows")],
    ids=["bytes", "rows"],
)
def test_a_huge_file_is_refused_in_little_memory(raw: bytes, said: str) -> None:
    """A 50 MB file or one of a million rows is refused whole, with advice, and does not harm the daemon."""
    tracemalloc.start()
    try:
        (refused,) = Delimited(PLAIN).decode(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.fields == {}
    assert [problem.rule for problem in refused.problems] == [Rule.TOO_LARGE]
    assert said in refused.problems[0].text
    assert "split it" in refused.problems[0].text
    assert peak < 15_000_000, "bytes beyond the file itself"


def test_as_many_rows_as_allowed_are_read() -> None:
    """A limit is what it says: that many are taken, one more is not."""
    layout = PLAIN.model_copy(update={"limits": DelimitedLimits(rows_max=3)})
    raw = b"ref,qty\r\n" + b"\r\n" * 5 + b"R1,1\r\n" * 3
    assert len(Delimited(layout).decode(raw)) == 3
    assert Delimited(layout).decode(raw + b"R1,1")[0].problems[0].rule is Rule.TOO_LARGE


@pytest.mark.parametrize(
    "settings",
    [
        {"columns": ()},
        {"columns": ("a", "a")},
        {"columns": ("rows",)},
        {"columns": ("@line",)},
        {"columns": (" a",)},
        {"columns": ("a", "𠮷"), "encoding": "cp932"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "𠮷", "encoding": "cp932"},
        {"columns": ("a,b",), "quote": ""},
        {"required": ("b",)},
        {"group_by": ("a", "a")},
        {"shared": ("a",)},
        {"columns": ("a", "b"), "group_by": ("a",), "shared": ("a",)},
        {"limits": {"columns_max": 1}, "columns": ("a", "b")},
        {"colums": ("a",)},
    ],
)
def test_a_contradictory_layout_is_refused_when_it_is_loaded(settings: dict[str, object]) -> None:
    """A wrong layout is found before a client's file meets it."""
    with pytest.raises(ValidationError):
        DelimitedLayout.model_validate({"name": "bad", "columns": ("a",)} | settings)
