"""The format of delimited files: CSV, TSV and their relatives, as one DelimitedLayout describes them.

Decoded.fields is flat, {column: text}, for a layout without groups. With `group_by` the rows of one group
are one message: {"@line": …, each column of group_by and shared: text, "rows": [{"@line": …, column: text,
…}, …]}. "@line" is the physical line where the row starts. Text is kept as it stood, outer spaces included,
and a leading "=", "+", "-" or "@" is data like any other.

A bad row spoils its own group alone. Where it cannot be told which group a bad row belongs to, the whole
file is refused: any group might be lacking that row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.delimited_header import Header, read_header
from adapters.delimited_layout import LINE, ROWS, DelimitedLayout
from adapters.delimited_output import losses_of, written
from adapters.delimited_rows import (
    ILLEGIBLE,
    WHOLE_FILE,
    WHOLE_ROW,
    FileRefusedError,
    Row,
    legible,
    read_rows,
)
from adapters.format import Decoded, Fields
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule, shortened

_NUL: Final = "\0"


class Delimited:
    """The codec of one kind of delimited file."""

    def __init__(self, layout: DelimitedLayout) -> None:
        self._layout = layout

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """One Decoded per row or group of rows; one without fields where the whole file is refused."""
        try:
            return tuple(self._messages(read_rows(raw, self._layout)))
        except FileRefusedError as refused:
            return (Decoded(self._layout.name, {}, _capped(refused.problems)),)

    def encode(self, messages: Sequence[Decoded]) -> bytes:
        """A file with a line per row of `messages`, the columns in the layout's order, absent ones empty.

        A character that the encoding lacks becomes "〓"; `losses` tells of each.
        """
        return written(messages, self._layout)

    def losses(self, messages: Sequence[Decoded]) -> list[Problem]:
        """What `encode` cannot say of `messages`: a Problem per cell, with the line of the file going out."""
        return losses_of(messages, self._layout)

    def _messages(self, rows: list[Row]) -> Iterator[Decoded]:
        header, body = read_header(rows, self._layout)
        readings = [_reading(row, header) for row in body]
        if not self._layout.group_by:
            return (
                Decoded(self._layout.name, reading.fields, _capped(reading.problems), reading.line)
                for reading in readings
            )
        groups = _grouped(readings, header, self._layout)
        return (_group_message(group, self._layout) for group in groups)


@dataclass(slots=True)
class _Reading:
    """One row as fields; `sound` where its cells surely stand under their own columns."""

    line: int
    fields: Fields
    sound: bool
    problems: list[Problem] = field(default_factory=list)


def _reading(row: Row, header: Header) -> _Reading:
    cells = row.cells
    reading = _Reading(row.line, {LINE: str(row.line)}, row.problem is None and len(cells) == header.width)
    if row.problem is not None:
        reading.problems.append(row.problem)
    elif not reading.sound:
        reading.problems.append(_wrong_width(row, header))
    for column, place in header.places.items():
        if place < len(cells):
            reading.fields[column] = cells[place]
    if ILLEGIBLE.search("".join(cells)):
        _make_legible(reading)
    return reading


def _wrong_width(row: Row, header: Header) -> Problem:
    text = (
        f"The row has {len(row.cells)} cells and the file {header.width} columns; "
        "quote a cell that holds the delimiter, and leave no cell out."
    )
    return Problem(field=WHOLE_ROW, rule=Rule.STRUCTURE, text=text, line=row.line)


def _make_legible(reading: _Reading) -> None:
    """Put a replacement for each character that cannot be read, with a problem for each such cell."""
    for column in reading.fields:
        cell = _text(reading.fields, column)
        if not ILLEGIBLE.search(cell):
            continue
        reading.fields[column] = legible(cell)
        cause = "a NUL byte" if _NUL in cell else "bytes that are not in the file's character set"
        reading.problems.append(
            Problem(
                field=column,
                value=shortened(legible(cell)),
                rule=Rule.UNDECODABLE,
                text=f"The cell holds {cause}; write it anew in the agreed encoding.",
                line=reading.line,
            )
        )


def _grouped(readings: list[_Reading], header: Header, layout: DelimitedLayout) -> Iterable[list[_Reading]]:
    """The readings by key, in order of first rows. Raises FileRefusedError where one has no place."""
    sound_keys = {_key(reading, layout) for reading in readings if reading.sound}
    # With the key in front of all else, no cell lost or added behind it can have moved it.
    key_leads = {header.places[column] for column in layout.group_by} == set(range(len(layout.group_by)))
    groups: dict[tuple[str, ...], list[_Reading]] = {}
    is_any_lost = False
    for reading in readings:
        key = _key(reading, layout)
        trusted = reading.sound or key_leads or key in sound_keys
        if trusted and _is_whole(key, reading, layout):
            groups.setdefault(key, []).append(reading)
        else:
            is_any_lost = True
            reading.problems.append(_no_place(reading, layout))
    if is_any_lost:
        raise FileRefusedError(*(problem for reading in readings for problem in reading.problems))
    return groups.values()


def _key(reading: _Reading, layout: DelimitedLayout) -> tuple[str, ...]:
    return tuple(_text(reading.fields, column) for column in layout.group_by)


def _text(fields: Fields, column: str) -> str:
    value = fields.get(column, "")
    assert isinstance(value, str), "a row holds text alone"
    return value


def _is_whole(key: tuple[str, ...], reading: _Reading, layout: DelimitedLayout) -> bool:
    illegible = {problem.field for problem in reading.problems if problem.rule is Rule.UNDECODABLE}
    return all(cell.strip() for cell in key) and illegible.isdisjoint(layout.group_by)


def _no_place(reading: _Reading, layout: DelimitedLayout) -> Problem:
    blank = next((column for column in layout.group_by if not _text(reading.fields, column).strip()), None)
    consequence = (
        "so no message in this file is surely complete and none was used; mend the row and send all again."
    )
    if reading.sound and blank is not None:
        text = f"The row does not say to which message it belongs, {consequence}"
        return Problem(field=blank, rule=Rule.REQUIRED, text=text, line=reading.line)
    text = f"It cannot be told to which message the row belongs, {consequence}"
    return Problem(field=WHOLE_FILE, rule=Rule.STRUCTURE, text=text, line=reading.line)


def _group_message(group: list[_Reading], layout: DelimitedLayout) -> Decoded:
    first = group[0]
    problems = [
        problem for reading in group for problem in (*reading.problems, *_unshared(reading, first, layout))
    ]
    fields: Fields = {LINE: str(first.line)}
    for column in (*layout.group_by, *layout.shared):
        if column in first.fields:
            fields[column] = first.fields[column]
    fields[ROWS] = [reading.fields for reading in group]
    return Decoded(layout.name, fields, _capped(problems), first.line)


def _unshared(reading: _Reading, first: _Reading, layout: DelimitedLayout) -> Iterator[Problem]:
    """A problem for each shared column in which this row says otherwise than the first one of its group."""
    if not (reading.sound and first.sound):
        return
    for column in layout.shared:
        here, there = _text(reading.fields, column), _text(first.fields, column)
        if here != there:
            text = f"Line {first.line} of the same message says {shortened(there)!r}; both must say the same."
            yield Problem(
                field=column, value=shortened(here), rule=Rule.STRUCTURE, text=text, line=reading.line
            )


def _capped(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    if len(problems) <= PROBLEMS_PER_MESSAGE_MAX:
        return tuple(problems)
    kept = tuple(problems[: PROBLEMS_PER_MESSAGE_MAX - 1])
    text = f"There are {len(problems) - len(kept)} more problems; mend these first."
    return (*kept, Problem(field=WHOLE_FILE, rule=problems[len(kept)].rule, text=text))
