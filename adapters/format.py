"""What a format is: two pure functions between bytes and fields.

Fields are a tree of text: a name holds a text, a group (a list of trees) or a part (one tree). Names are
the format's own: FIX tags ("54"), ISO 20022 element names ("TradDtls", attributes as "@Ccy"), column
headers. The order in the tree is the order in the bytes. Numbers stay text until a mapping reads them.

    decode(raw)      -> one Decoded per message found in the bytes; never raises for what bytes can cause
    encode(messages) -> the bytes of these messages
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, Union

from canonical.problems import Problem

Value: TypeAlias = Union[str, "Fields", list["Fields"]]
Fields: TypeAlias = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One native message: its type in the format's words, its fields, and what is wrong with its bytes.

    message: "AS", "setr.027.001.05", or the name of a file layout; empty where it cannot be told.
    fields: as far as they could be read; they serve to answer the sender even where problems exist.
    line: the line in the file where the message starts, from 1; None where there are no lines.
    """

    message: str
    fields: Fields
    problems: tuple[Problem, ...] = field(default=())
    line: int | None = None


class Format(Protocol):
    """A codec of one client's format, made once from its settings. Pure: no I/O after construction."""

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The messages in `raw`; at least one, with problems, where nothing could be read."""
        ...

    def encode(self, messages: Sequence[Decoded]) -> bytes:
        """The bytes of `messages`, in order. The caller gives only fields that the format can say."""
        ...
