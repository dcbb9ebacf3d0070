"""What is kept of the funds of a statement is what was stated."""

from hypothesis import given
from hypothesis import strategies as st
from layouts import text

from canonical.contracts.matching.v1.lines import Line, Lines, columns_of, lines_of

figures = st.dictionaries(st.sampled_from(["quantity", "price", "fees", "net"]), text | st.just(""))
lines = st.lists(st.builds(Line, text, figures, st.none() | text), min_size=1, max_size=5).map(tuple)


@given(lines)
def test_lines_come_back(stated: tuple[Line, ...]):
    """Whatever each of them gives, and in whatever order; also when they were stored meanwhile."""
    kept = columns_of(stated)
    assert lines_of(kept) == stated
    assert lines_of(Lines.model_validate_json(kept.model_dump_json())) == stated
