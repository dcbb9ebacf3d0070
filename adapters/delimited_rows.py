"""From the bytes of a delimited file to its rows of text, numbered by physical line, within the limits.

What makes a file unsafe to read any further raises FileRefusedError, inside this format only: a file that
is too large, or whose last quote stays open, may hide rows, so that nothing of it is used.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from adapters.delimited_layout import DelimitedLayout
from canonical.problems import Problem, Rule

WHOLE_FILE: Final = "file"
WHOLE_ROW: Final = "row"
"""What a problem names as its field where no single column is to blame."""

# Line ends as the csv module knows them. str.splitlines would also cut at U+2028, U+0085 and others.
_LINE_PATTERN: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_DOS_END_OF_FILE: Final = b"\x1a"

ILLEGIBLE: Final = re.compile("[\0\ud800-\udfff]")
"""NUL, and lone surrogates, which stand for bytes that the character set does not know."""

_SPLIT: Final = "split it into smaller files and send these"
_FEWER_CELLS: Final = "send the agreed columns alone, and end each row with a line break"


@dataclass(frozen=True, slots=True)
class Row:
    """One row that holds some text.

    line: the physical line where it starts, from 1.
    cells: its text; undecodable bytes stand in it as lone surrogates, U+DC80 to U+DCFF.
    problem: set where the quotes make no sense; the cells are then a guess from the first line alone.
    """

    line: int
    cells: list[str]
    problem: Problem | None = None


class FileRefusedError(Exception):
    """Nothing in this file can be used; `problems` say why. Never leaves the format."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def read_rows(raw: bytes, layout: DelimitedLayout) -> list[Row]:
    """The rows of `raw`, a header among them, without those that hold no text. Raises FileRefusedError."""
    text = _text(raw, layout)
    rows_max = layout.limits.rows_max + layout.header
    line_ends = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    may_exceed = line_ends >= rows_max  # if so, count the rows before keeping any
    if may_exceed and sum(1 for _ in islice(_scan(text, layout), rows_max + 1)) > rows_max:
        raise FileRefusedError(_too_large(f"more than {layout.limits.rows_max:,} rows", _SPLIT))
    return list(_scan(text, layout))


def _text(raw: bytes, layout: DelimitedLayout) -> str:
    if len(raw) > layout.limits.bytes_max:
        held = f"{len(raw):,} bytes, and the limit is {layout.limits.bytes_max:,}"
        raise FileRefusedError(_too_large(held, _SPLIT))
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in raw:
        text = f"The file is in UTF-16; save it in {layout.encoding} and send it again."
        raise FileRefusedError(Problem(field=WHOLE_FILE, rule=Rule.UNDECODABLE, text=text, line=1))
    # utf-8-sig reads files with and without a byte order mark.
    encoding = "cp932" if layout.encoding == "cp932" else "utf-8-sig"
    return raw.removesuffix(_DOS_END_OF_FILE).decode(encoding, "surrogateescape")


def _scan(text: str, layout: DelimitedLayout) -> Iterator[Row]:
    source = _Source(text, layout)
    reader = csv.reader(
        source,
        delimiter=layout.delimiter,
        quotechar=layout.quote or None,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        strict=True,
    )
    columns_max, characters_max = layout.limits.columns_max, layout.limits.characters_max
    while True:
        source.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _misquoted(error, source, layout)
            continue
        if any(cells) and not "".join(cells).isspace():
            if len(cells) > columns_max or source.row_characters > characters_max:
                _check_limits(cells, source.row_line, layout)
            yield Row(source.row_line, cells)


class _Source:
    """The physical lines for the csv reader, which knows neither where a row began nor its limits."""

    def __init__(self, text: str, layout: DelimitedLayout) -> None:
        limits = layout.limits
        # Every character of a cell may be a doubled quote; beyond that some limit is broken for certain.
        self._characters_max = limits.columns_max * (2 * limits.characters_max + 3) + 2
        self._matches = _LINE_PATTERN.finditer(text)
        self._line = 0
        self.begin_row()

    def begin_row(self) -> None:
        self.row_line = self._line + 1
        self.first_text = ""
        self.row_characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = next(self._matches)[0]
        self._line += 1
        self.row_characters += len(text)
        if self.row_characters > self._characters_max:
            held = f"a row of more than {self._characters_max:,} characters"
            raise FileRefusedError(_too_large(held, _FEWER_CELLS, self.row_line))
        self.first_text = self.first_text or text
        return text


def _misquoted(error: csv.Error, source: _Source, layout: DelimitedLayout) -> Row:
    """A row that can be stepped over, or FileRefusedError where it may have swallowed others."""
    line = source.row_line
    if "field larger" in str(error):
        raise FileRefusedError(_long_cell(line, layout)) from error
    if "end of data" in str(error):
        text = "A quote opened in this row is never closed, so the rest of the file cannot be read; close it."
        raise FileRefusedError(Problem(field=WHOLE_ROW, rule=Rule.STRUCTURE, text=text, line=line)) from error
    text = f"After a closing quote only {layout.delimiter!r} or a line end may follow; double inner quotes."
    problem = Problem(field=WHOLE_ROW, rule=Rule.STRUCTURE, text=text, line=line)
    pieces = source.first_text.rstrip("\r\n").split(layout.delimiter, layout.limits.columns_max)
    guess = [piece.strip(layout.quote)[: layout.limits.characters_max] for piece in pieces]
    return Row(line, guess, problem)


def _check_limits(cells: list[str], line: int, layout: DelimitedLayout) -> None:
    if len(cells) > layout.limits.columns_max:
        held = f"a row of more than {layout.limits.columns_max:,} columns"
        raise FileRefusedError(_too_large(held, _FEWER_CELLS, line))
    if max(map(len, cells)) > layout.limits.characters_max:
        raise FileRefusedError(_long_cell(line, layout))


def _long_cell(line: int, layout: DelimitedLayout) -> Problem:
    limit = f"a cell of more than {layout.limits.characters_max:,} characters"
    text = f"The row has {limit}; shorten it, or close its quote. Nothing in the file was used."
    return Problem(field=WHOLE_ROW, rule=Rule.TOO_LARGE, text=text, line=line)


def _too_large(held: str, remedy: str, line: int | None = None) -> Problem:
    text = f"The file has {held}. Nothing in it was used: {remedy}."
    return Problem(field=WHOLE_FILE, rule=Rule.TOO_LARGE, text=text, line=line)


def legible(text: str) -> str:
    """`text` with a replacement for each character that cannot be shown or stored."""
    return ILLEGIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
