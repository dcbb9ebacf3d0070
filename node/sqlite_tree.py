"""Rows of an SQLite file, read page by page without SQLite: one that is damaged costs itself, not the rest.

    leaves(pages, root)          the pages that hold a table's rows, and where some cannot be found
    rows_in(pages, number)       the rows in such a page
    index_entries(pages, root)   what an index says, as far as it can be read

Layout: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from node.sqlite_pages import Pages

ROWID_MAX = 2**63 - 1

Value = int | float | str | bytes | None

_TABLE_LEAF, _TABLE_INSIDE, _INDEX_LEAF, _INDEX_INSIDE = 0x0D, 0x05, 0x0A, 0x02
_FILE_HEAD_BYTES = 100  # of the first page, before what every page begins with
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by serial type
_FLOAT, _ZERO, _ONE, _BLOB, _TEXT = 7, 8, 9, 12, 13


class UnreadableError(ValueError):
    """Bytes that are not what they should be."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page with rows whose ids are above `after` and at most `upto`."""

    number: int
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Rows with such ids, if there are any, lie where no way leads."""

    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored: where a column is the row's id, its value is None."""

    id: int
    values: tuple[Value, ...]


def leaves(pages: Pages, root: int) -> Iterator[Leaf | Hole]:
    """The pages of a table in the order of its rows."""
    seen: set[int] = set()
    waiting = [Leaf(root, -ROWID_MAX - 1, ROWID_MAX)]
    while waiting:
        at = waiting.pop()
        kind = _kind(pages, at.number) if at.number not in seen else None
        seen.add(at.number)
        if kind == _TABLE_LEAF:
            yield at
            continue
        try:
            waiting += reversed(_below(pages, at, kind))
        except (UnreadableError, struct.error, IndexError):
            yield Hole(at.after, at.upto)


def is_table_leaf(pages: Pages, number: int) -> bool:
    """Whether a page says that it holds rows of a table."""
    return _kind(pages, number) == _TABLE_LEAF


def rows_in(pages: Pages, number: int) -> Iterator[Row | None]:
    """The rows of a leaf; None for each that cannot be read."""
    page = pages.page(number) or b""
    for cell in _cells(page, number):
        try:
            size, begin = varint(page, cell)
            rowid, begin = varint(page, begin)
            values = decode_record(_payload(pages, page, begin, size, pages.page_bytes - 35))
        except (UnreadableError, UnicodeDecodeError, struct.error, IndexError):
            yield None
        else:
            yield Row(rowid, values)


def index_entries(pages: Pages, root: int) -> Iterator[tuple[Value, ...]]:
    """The entries of an index, in no order; the last value of each is the id of a row."""
    seen, waiting = set[int](), [root]
    largest = (pages.page_bytes - 12) * 64 // 255 - 23
    while waiting:
        number = waiting.pop()
        kind = _kind(pages, number) if number not in seen else None
        seen.add(number)
        if kind not in (_INDEX_LEAF, _INDEX_INSIDE):
            continue
        page, is_inside = pages.page(number) or b"", kind == _INDEX_INSIDE
        if is_inside:
            waiting += struct.unpack_from(">I", page, _start(number) + 8)
        for at in _cells(page, number):
            with suppress(UnreadableError, UnicodeDecodeError, struct.error, IndexError):
                if is_inside:
                    waiting += struct.unpack_from(">I", page, at)
                size, begin = varint(page, at + 4 * is_inside)
                yield decode_record(_payload(pages, page, begin, size, largest))


def decode_record(payload: bytes) -> tuple[Value, ...]:
    """The values of a record. Raises UnreadableError, UnicodeDecodeError or IndexError."""
    end, at = varint(payload, 0)
    values: list[Value] = []
    begin = end
    while at < end:
        kind, at = varint(payload, at)
        size = _size(kind)
        values.append(_value(kind, payload[begin : begin + size]))
        begin += size
    if at != end or begin != len(payload):
        raise UnreadableError
    return tuple(values)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer of 1 to 9 bytes, and where the next value begins. Raises IndexError."""
    value = data[at]
    if not value & 0x80:
        return value, at + 1
    value &= 0x7F
    for place in range(1, 8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, at + place + 1
    value = value << 8 | data[at + 8]
    return value - (value >> 63 << 64), at + 9


def _kind(pages: Pages, number: int) -> int | None:
    page = pages.page(number) if 1 <= number <= pages.count else None
    return page[_start(number)] if page else None


def _start(number: int) -> int:
    return _FILE_HEAD_BYTES if number == 1 else 0


def _cells(page: bytes, number: int) -> tuple[int, ...]:
    """Where the cells of a page begin; what is beyond the page is left out."""
    if not page:
        return ()
    start = _start(number)
    (count,) = struct.unpack_from(">H", page, start + 3)
    first = start + (12 if page[start] in (_TABLE_INSIDE, _INDEX_INSIDE) else 8)
    count = min(count, (len(page) - first) // 2)
    return struct.unpack_from(f">{count}H", page, first)


def _below(pages: Pages, at: Leaf, kind: int | None) -> list[Leaf]:
    """The pages under an inner one. Raises UnreadableError where it is none or contradicts itself."""
    if kind != _TABLE_INSIDE:
        raise UnreadableError
    page = pages.page(at.number) or b""
    below, after = [], at.after
    for cell in _cells(page, at.number):
        (child,) = struct.unpack_from(">I", page, cell)
        upto, _ = varint(page, cell + 4)
        below.append(Leaf(child, after, upto))
        after = upto
    (last,) = struct.unpack_from(">I", page, _start(at.number) + 8)
    below.append(Leaf(last, after, at.upto))
    numbers = {leaf.number for leaf in below}
    if len(numbers) < len(below) or any(leaf.after >= leaf.upto for leaf in below) or min(numbers) < 2:  # noqa: PLR2004 - the first page is a root
        raise UnreadableError
    return below


def _payload(pages: Pages, page: bytes, at: int, size: int, largest: int) -> bytes:
    """A record that begins at `at`, and goes on on pages of its own. largest: that needs none of them."""
    usable = pages.page_bytes
    if not 0 < size <= usable * pages.count:
        raise UnreadableError
    least = (usable - 12) * 32 // 255 - 23
    local = size
    if size > largest:
        fitting = least + (size - least) % (usable - 4)
        local = fitting if fitting <= largest else least
    parts, left = [page[at : at + local]], size - local
    following = struct.unpack_from(">I", page, at + local)[0] if left else 0
    while left > 0:
        beyond = pages.page(following) if following else None
        if beyond is None:
            raise UnreadableError
        parts.append(beyond[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
        following = struct.unpack_from(">I", beyond)[0]
    payload = b"".join(parts)
    if len(payload) != size:
        raise UnreadableError
    return payload


def _size(kind: int) -> int:
    """The bytes of a value by its serial type."""
    if kind >= _BLOB:
        return (kind - _BLOB) // 2
    if kind in _INTEGER_BYTES:
        return _INTEGER_BYTES[kind]
    if kind not in (0, _FLOAT, _ZERO, _ONE):
        raise UnreadableError
    return 8 if kind == _FLOAT else 0


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind >= _BLOB:
        return data.decode() if kind % 2 else data
    if kind == _FLOAT:
        return float(struct.unpack(">d", data)[0])
    return kind - _ZERO if kind in (_ZERO, _ONE) else int.from_bytes(data, signed=True)
