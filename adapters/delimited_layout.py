"""What a client's delimited files look like: the settings of one kind of file, as its mapping states them."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ROWS: Final = "rows"
"""The name under which a group carries its rows; no column may have it."""
LINE: Final = "@line"
"""The name under which a row carries the physical line where it starts, from 1; no column starts with "@"."""

# The csv reader refuses longer fields by itself, by a setting of the whole process that is left alone.
FIELD_CHARACTERS_CEILING: Final = 131_072

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class DelimitedLimits(BaseModel):
    """How much one file may hold. A file over any of them is refused whole.

    bytes_max: the file. rows_max: rows that hold any text, the header not counted.
    columns_max: cells of one row. characters_max: one cell, after decoding.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_max: int = Field(default=20_000_000, ge=1)
    rows_max: int = Field(default=100_000, ge=1)
    columns_max: int = Field(default=200, ge=1, le=1_000)
    characters_max: int = Field(default=4_096, ge=1, le=FIELD_CHARACTERS_CEILING)


class DelimitedLayout(BaseModel):
    """One kind of delimited file. Raises pydantic's ValidationError where its settings are at odds.

    name: what the file is called in Decoded.message.
    columns: every column that is known. With a header they are found by name, in any order; without one
        they are the file's columns by position. Files going out have them in this order.
    delimiter, quote: one character each; an empty quote means that the client's files know no quoting.
    encoding: "utf-8" and "utf-8-sig" both read a byte order mark, only the latter writes one.
    newline: of files going out; any of CR LF, LF and CR is read.
    header: the first line that holds any text names the columns.
    required: columns that the header must name. Whether a row must fill them is for the mapping to say.
    unknown_columns: what to do with a header's column that `columns` lacks.
    group_by: rows that are equal in these columns, wherever they stand in the file, are one message. None:
        each row is a message of its own. These columns are required and each row fills them.
    shared: columns that say the same in each row of a group, such as the price of a block.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    encoding: Literal["utf-8", "utf-8-sig", "cp932"] = "utf-8"
    newline: Literal["\r\n", "\n"] = "\r\n"
    header: bool = True
    required: tuple[str, ...] = ()
    unknown_columns: Literal["refuse", "ignore"] = "refuse"
    group_by: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    limits: DelimitedLimits = DelimitedLimits()

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        self._check_columns()
        self._check_punctuation()
        for setting, names in (
            ("required", self.required),
            ("group_by", self.group_by),
            ("shared", self.shared),
        ):
            if absent := [name for name in names if name not in self.columns]:
                raise ValueError(f"{setting} names columns that the layout lacks: {', '.join(absent)}")
            if twice := _repeated(names):
                raise ValueError(f"{setting} names a column twice: {', '.join(twice)}")
        if self.shared and not self.group_by:
            raise ValueError("shared needs group_by: without groups there is nothing to share")
        if both := sorted(set(self.shared) & set(self.group_by)):
            raise ValueError(f"in group_by and in shared at once: {', '.join(both)}")
        return self

    def _check_columns(self) -> None:
        if len(self.columns) > self.limits.columns_max:
            raise ValueError(
                f"{len(self.columns)} columns, but limits.columns_max is {self.limits.columns_max}"
            )
        if twice := _repeated(self.columns):
            raise ValueError(f"columns named twice: {', '.join(twice)}")
        for name in self.columns:
            if name == ROWS or name.startswith("@") or name != name.strip():
                raise ValueError(
                    f"{name!r} cannot name a column: {ROWS!r} and names with '@' or outer space are ours"
                )
            if any(letter in name for letter in "\r\n\0"):
                raise ValueError(f"{name!r} cannot name a column: it holds a line break or a NUL")
            _check_sayable(name, self.encoding)

    def _check_punctuation(self) -> None:
        marks = self.delimiter + self.quote
        if len(set(marks)) != len(marks) or any(mark in marks for mark in "\r\n\0 "):
            raise ValueError(
                "delimiter and quote must differ, and be neither a space nor a line break nor NUL"
            )
        if not self.quote and any(self.delimiter in name for name in self.columns):
            raise ValueError("without a quote no column's name can hold the delimiter")
        _check_sayable(marks, self.encoding)

    @property
    def must_have(self) -> tuple[str, ...]:
        """The columns without which a file cannot be read, in the layout's order."""
        return tuple(name for name in self.columns if name in self.required or name in self.group_by)


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for place, name in enumerate(names) if name in names[:place]]


def _check_sayable(text: str, encoding: str) -> None:
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        raise ValueError(f"{text!r} cannot be written in {encoding}") from error
