"""Decimal fields: what is refused, and that both ways to read a text refuse the same."""

from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from canonical.amounts import DIGITS_MAX, Exact

LIMITS = [
    Exact(decimals, signed=signed, zero=zero)
    for decimals in (0, 1, 4, 6, 7, 10)
    for signed in (False, True)
    for zero in (False, True)
]

digits = st.text("0123456789", max_size=DIGITS_MAX + 2)
small = st.integers(0, 11).flatmap(lambda zeros: digits.map(lambda rest: f"0.{'0' * zeros}{rest}"))
written = st.tuples(st.sampled_from(["", "-"]), digits, st.sampled_from(["", "."]), digits).map("".join)
texts = written | small | small.map("-{}".format) | st.text("0123456789.-+eE \n", max_size=24)


def read(limits: Exact, text: str, *, strictly: bool) -> Decimal | None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(Annotated[Decimal, limits])
    try:
        return adapter.validate_json(f'"{text}"'.replace("\n", "\\n"), strict=strictly)
    except ValidationError:
        return None


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@given(text=texts)
@example("0")
@example("-0")
@example("9" * DIGITS_MAX)
@example("1" + "0" * DIGITS_MAX)
@example("0.000001")
@example("0.0000001")
@example("12345678901234567.8")
@example("123456789012345678.9")
@example("-12345678.9012345678")
@example("1.50")
@example("01")
@example("1\n")
def test_a_text_is_read_strictly_exactly_where_it_is_read_at_all(limits: Exact, text: str):
    """A node takes from another one what it takes from a client, to the last digit, and nothing else."""
    found = read(limits, text, strictly=False)
    assert read(limits, text, strictly=True) == found
    assert found is None or str(found) == text
