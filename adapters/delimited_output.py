"""From fields to the bytes of a delimited file, and what these bytes cannot say."""

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.delimited_layout import LINE, ROWS, DelimitedLayout
from adapters.delimited_rows import legible
from adapters.format import Decoded, Fields
from canonical.problems import Problem, Rule, shortened

GETA: Final = "〓"
"""What Japanese print sets for a character that it lacks. cp932 has it."""

_BYTE_ORDER_MARK: Final = "\ufeff"

# JIS characters for which Unicode has two code points: cp932 knows the right one of each pair and others
# use the left one. To exchange them loses nothing, as both are the same character of JIS X 0208.
_JIS_TWINS: Final = str.maketrans(
    "\u301c\u2212\u2016\u2014\u00a2\u00a3\u00ac", "\uff5e\uff0d\u2225\u2015\uffe0\uffe1\uffe2"
)


def written(messages: Sequence[Decoded], layout: DelimitedLayout) -> bytes:
    """The file. An asserted bug where a cell is not text."""
    rows = [[*layout.columns]] if layout.header else []
    rows += [cells for _, cells in _rows(messages, layout)]
    text = "".join(_line([_sayable(cell, layout) for cell in cells], layout) for cells in rows)
    if layout.encoding == "utf-8" and text.startswith(_BYTE_ORDER_MARK):
        text = _BYTE_ORDER_MARK + text  # a reader drops the first one, and the text is to keep its own
    return text.encode(layout.encoding)


def losses_of(messages: Sequence[Decoded], layout: DelimitedLayout) -> list[Problem]:
    """A Problem per cell that loses characters and per field that has no column."""
    problems: list[Problem] = []
    line = 2 if layout.header else 1
    for fields, cells in _rows(messages, layout):
        problems += _without_column(fields, line, layout)
        problems += _not_held(cells, line, layout)
        line += _line_count([_sayable(cell, layout) for cell in cells])
    return problems


def _rows(messages: Sequence[Decoded], layout: DelimitedLayout) -> Iterator[tuple[Fields, list[str]]]:
    """Each row going out: its fields, those of its message included, and its cells in the layout's order."""
    for message in messages:
        common = {name: value for name, value in message.fields.items() if name != ROWS}
        rows = message.fields.get(ROWS, [{}])
        assert isinstance(rows, list), f"{ROWS!r} is a list of rows"
        for row in rows:
            fields = common | row
            yield fields, [_cell(fields, column) for column in layout.columns]


def _cell(fields: Fields, column: str) -> str:
    value = fields.get(column, "")
    assert isinstance(value, str), f"{column!r} must be text"
    return value


def _without_column(fields: Fields, line: int, layout: DelimitedLayout) -> Iterator[Problem]:
    for name, value in fields.items():
        if name != LINE and name not in layout.columns and value:
            text = "The layout has no such column, so the value was left out."
            said = shortened(legible(value)) if isinstance(value, str) else ""
            yield Problem(field=shortened(name), value=said, rule=Rule.UNSUPPORTED, text=text, line=line)


def _not_held(cells: list[str], line: int, layout: DelimitedLayout) -> Iterator[Problem]:
    for column, cell in zip(layout.columns, cells, strict=True):
        if _lost(cell, layout):
            text = f"Characters that a file in {layout.encoding} cannot hold here were written as {GETA}."
            said = shortened(legible(cell))
            yield Problem(field=column, value=said, rule=Rule.UNSUPPORTED, text=text, line=line)


def _line_count(cells: list[str]) -> int:
    """The physical lines that a row takes: line breaks in its cells add to them."""
    return 1 + sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in cells)


def _line(cells: list[str], layout: DelimitedLayout) -> str:
    return layout.delimiter.join(_quoted(cell, layout) for cell in cells) + layout.newline


def _quoted(cell: str, layout: DelimitedLayout) -> str:
    quote = layout.quote
    if quote and any(mark in cell for mark in (layout.delimiter, quote, "\r", "\n")):
        return quote + cell.replace(quote, quote + quote) + quote
    return cell


def _sayable(cell: str, layout: DelimitedLayout) -> str:
    cell = _twinned(cell, layout)
    if not _lost(cell, layout):
        return cell
    return "".join(GETA if _is_unsayable(letter, layout) else letter for letter in cell)


def _lost(cell: str, layout: DelimitedLayout) -> bool:
    if cell.isascii() and layout.quote:
        return "\0" in cell
    return any(_is_unsayable(letter, layout) for letter in _twinned(cell, layout))


def _twinned(cell: str, layout: DelimitedLayout) -> str:
    return cell.translate(_JIS_TWINS) if layout.encoding == "cp932" else cell


def _is_unsayable(letter: str, layout: DelimitedLayout) -> bool:
    if letter == "\0" or (not layout.quote and letter in (layout.delimiter, "\r", "\n")):
        return True
    try:
        letter.encode(layout.encoding)
    except UnicodeEncodeError:
        return True
    return False
