"""The problems of one FIX message as they are found, at most as many as a client is told."""

import re

from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule, shortened

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PLACE_CHARACTERS_MAX = 256
_TEXT_CHARACTERS_MAX = 512


class Findings:
    """Collects problems up to the limit; what exceeds it is dropped."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, field: str, value: str, rule: Rule, text: str) -> None:
        """Note one problem. `value` and `field` may hold anything that bytes can hold."""
        if len(self._found) >= PROBLEMS_PER_MESSAGE_MAX:
            return
        place, said = printable(field)[:_PLACE_CHARACTERS_MAX], printable(text)[:_TEXT_CHARACTERS_MAX]
        self._found.append(Problem(field=place, value=shortened(printable(value)), rule=rule, text=said))

    def problems(self) -> tuple[Problem, ...]:
        """What was found, in the order in which it was found."""
        return tuple(self._found)


def printable(value: str) -> str:
    """`value` with bytes that are no text, and control characters, spelled by their number."""
    start = value[: _TEXT_CHARACTERS_MAX + 1]  # a megabyte of garbage is not worth rewriting
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", start)
