"""What quickfix alone takes to parse and validate the same messages and to hand out the same fields."""

from collections.abc import Sequence
from typing import Any

import quickfix  # type: ignore[import-untyped]  # it has no annotations

from adapters.fix_sessions import installed_dictionary
from adapters.link import Arrival
from node.bench.limits import seconds_each

_HEADER = (34, 49, 56, 52)
_FIELDS = {"AS": (755, 71), "J": (70, 71, 626)}
_TRADE = (54, 48, 22, 207, 75, 64, 53, 6, 15)
# What the mappings read of each group: the count, its first field, the fields, and the groups in it.
_GROUPS: tuple[Any, ...] = (
    (73, 11, (11,), ()),
    (453, 448, (448, 447, 452), ()),
    (78, 79, (79, 80, 153, 12, 13, 154), ((136, 137, (137, 139), ()),)),
)


def quickfix_seconds(arrivals: Sequence[Arrival]) -> float:
    """Parsing with validation by quickfix and reading the same fields, for each message."""
    dictionary = quickfix.DataDictionary(str(installed_dictionary("FIX.4.4")))
    texts = [arrival.raw.decode() for arrival in arrivals]

    def work() -> None:
        for text in texts:
            message = quickfix.Message(text, dictionary, True)  # noqa: FBT003 - quickfix has no keywords
            header = message.getHeader()
            read = [header.getField(tag) for tag in _HEADER]
            kind = header.getField(35)
            read += [message.getField(tag) for tag in (*_FIELDS[kind], *_TRADE)]
            _read_groups(message, _GROUPS, read)

    return seconds_each(work, len(texts))


def _read_groups(fields: Any, groups: tuple[Any, ...], read: list[str]) -> None:
    for count, first, tags, inner in groups:
        for number in range(1, fields.groupCount(count) + 1):
            entry = quickfix.Group(count, first)
            fields.getGroup(number, entry)
            read += [entry.getField(tag) for tag in tags]
            _read_groups(entry, inner, read)
