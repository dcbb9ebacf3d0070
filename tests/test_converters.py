"""Paths into trees, and the closed list of converters."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.converters import CONVERTERS, ConversionError, Options
from adapters.paths import find, first, parse_path, put

NAMES = st.text("abc54", min_size=1, max_size=3)
STEPS = st.one_of(
    NAMES,
    st.builds("{}[{}]".format, NAMES, st.integers(0, 3)),
    st.builds("{}[{}={}]".format, NAMES, NAMES, NAMES),
)


@given(st.lists(STEPS, min_size=0, max_size=4), NAMES, st.text(min_size=1))
def test_what_is_put_is_found(steps: list[str], name: str, value: str) -> None:
    """Whatever a mapping says about a place, what is written there is read there."""
    path = parse_path("/".join([*steps, name]))
    tree: dict[str, Any] = {}
    try:
        place = put(tree, path, value)
    except (TypeError, AttributeError, KeyError):
        return  # the same name as a part and as a text: no format has that
    if first(tree, path) is not None and not any(f"[{name}=" in step for step in steps):
        assert value in [found for _, found in find(tree, path)]
    assert place.split("/")[-1] == name


@pytest.mark.parametrize("text", ["", "/a", "a/", "a//b", "a[", "a]b", "a[b]", "a[=]", "a[0]x"])
def test_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_path(text)


@pytest.mark.parametrize(
    "text", ["1e5", "1E5", " 1", "1 ", "１", "0x1", "1_000", "NaN", "Infinity", "--1", "", "."]
)
def test_number_is_digits_alone(text: str) -> None:
    """No exponent, space, foreign digit or word ever becomes a price."""
    with pytest.raises(ConversionError):
        CONVERTERS["decimal"].decode(text, Options())


@pytest.mark.parametrize(
    ("text", "value"),
    [("100", "100"), ("100.0", "100"), ("0100", "100"), ("+5", "5"), (".5", "0.5"), ("5.", "5")],
)
def test_number_counts_by_its_value(text: str, value: str) -> None:
    assert CONVERTERS["decimal"].decode(text, Options()) == Decimal(value)


@pytest.mark.parametrize("text", ["12,34", "1,2345", ",123", "1,234,", "1,234,56"])
def test_misplaced_thousands_mark_is_refused(text: str) -> None:
    with pytest.raises(ConversionError):
        CONVERTERS["grouped_decimal"].decode(text, Options())


@pytest.mark.parametrize("name", ["date_basic", "date_iso", "date_slash"])
@given(day=st.dates(min_value=date(1000, 1, 1)))
def test_date_has_one_way_to_be_written(name: str, day: date) -> None:
    converter = CONVERTERS[name]
    text = converter.encode(day, Options())
    assert text is not None
    assert converter.decode(text, Options()) == day
    for wrong in (text[:-1], text + "0", text.replace("0", "O", 1) + "x", " " + text[1:]):
        with pytest.raises(ConversionError):
            converter.decode(wrong, Options())


@given(text=st.text(max_size=60), longest=st.integers(4, 80))
def test_text_that_is_cut_shows_it(text: str, longest: int) -> None:
    told = CONVERTERS["text"].encode(text, Options(characters_max=longest)) or ""
    assert told == text or (len(told) == longest and told.endswith("..."))
