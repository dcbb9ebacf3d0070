"""Where the columns of a delimited file stand: as its header says, or the layout where there is none."""

from dataclasses import dataclass

from adapters.delimited_layout import DelimitedLayout
from adapters.delimited_rows import ILLEGIBLE, WHOLE_FILE, FileRefusedError, Row, legible
from canonical.problems import Problem, Rule, shortened

NAMES_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Header:
    """places: column to its place in a row, from 0. width: cells of a row, unknown columns included."""

    places: dict[str, int]
    width: int


def read_header(rows: list[Row], layout: DelimitedLayout) -> tuple[Header, list[Row]]:
    """The header and the rows below it. Raises FileRefusedError with all that is wrong with the header."""
    if not rows:
        raise FileRefusedError(_empty("The file is empty; where there is nothing to tell, send no file."))
    if not layout.header:
        return Header(
            {column: place for place, column in enumerate(layout.columns)}, len(layout.columns)
        ), rows
    first = rows[0]
    names = [cell.strip() for cell in first.cells]
    if problems := _problems(first, names, layout):
        raise FileRefusedError(*problems)
    if len(rows) == 1:
        raise FileRefusedError(
            _empty("The file has a header and no rows; where there is nothing to tell, send none.")
        )
    places = {name: place for place, name in enumerate(names) if name in layout.columns}
    return Header(places, len(names)), rows[1:]


def _problems(first: Row, names: list[str], layout: DelimitedLayout) -> list[Problem]:
    if first.problem is not None:
        return [first.problem]
    known = set(layout.columns)
    if known.isdisjoint(names):
        return [_no_header(first, layout)]
    problems: list[Problem] = []
    for place, name in enumerate(names):
        if name not in known:
            if layout.unknown_columns == "refuse":
                problems.append(_unknown(place, name, first.line))
        elif name in names[:place]:
            text = (
                f"Column {place + 1} of the header has the name of an earlier one; each name may stand once."
            )
            problems.append(Problem(field=name, rule=Rule.STRUCTURE, text=text, line=first.line))
    for name in layout.must_have:
        if name not in names:
            text = "The file's header lacks this column; add it."
            problems.append(Problem(field=name, rule=Rule.REQUIRED, text=text, line=first.line))
    return problems


def _no_header(first: Row, layout: DelimitedLayout) -> Problem:
    names = layout.delimiter.join(layout.columns)
    names = names if len(names) <= NAMES_CHARACTERS_MAX else names[:NAMES_CHARACTERS_MAX] + "…"
    text = f"The first line names no known column; it must be a header in {layout.encoding} such as: {names}"
    value = shortened(legible(layout.delimiter.join(first.cells)))
    return Problem(field=WHOLE_FILE, value=value, rule=Rule.STRUCTURE, text=text, line=first.line)


def _unknown(place: int, name: str, line: int) -> Problem:
    shown = shortened(legible(name))
    if ILLEGIBLE.search(name):
        text = f"The name of column {place + 1} holds bytes that are not in the file's character set."
        return Problem(field=shown, value=shown, rule=Rule.UNDECODABLE, text=text, line=line)
    text = f"Column {place + 1} of the header is not known here; remove it or mend its name."
    return Problem(field=shown or WHOLE_FILE, value=shown, rule=Rule.UNKNOWN_FIELD, text=text, line=line)


def _empty(text: str) -> Problem:
    return Problem(field=WHOLE_FILE, rule=Rule.EMPTY, text=text)
