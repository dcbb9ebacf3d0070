"""What is kept of the funds of a statement is what was stated."""

from hypothesis import given
from hypothesis import strategies as st
from layouts import text

from canonical.contracts.matching.v1.lines import Line, Lines, figures_in, kept_lines, lines_of

others = st.dictionaries(st.sampled_from(["price", "fees", "net"]), text | st.just(""))
figures = st.builds(lambda quantity, more: figures_in({"quantity": quantity, **more}), text, others)
lines = st.lists(st.builds(Line, text, figures, st.none() | text), min_size=1, max_size=5).map(tuple)


@given(lines)
def test_lines_come_back(stated: tuple[Line, ...]):
    """Whatever each of them gives, and in whatever order; also when they were stored meanwhile."""
    kept = kept_lines(stated)
    assert _given(lines_of(kept)) == _given(stated)
    assert lines_of(Lines.model_validate_json(kept.model_dump_json())) == lines_of(kept)


def _given(lines: tuple[Line, ...]) -> list[tuple[str, dict[str, str], str | None]]:
    return [(line.account, line.figures.values, line.reference) for line in lines]
