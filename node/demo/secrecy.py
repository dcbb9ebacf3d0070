"""Proof that a provider's disk holds no plaintext of relationships that it is no party to.

Words are taken from what the firms sent: references, accounts, funds' names, and amounts of at least seven
digits (shorter ones occur by chance among times and numbers of all kinds). All bytes of a node's data are
searched for each of them in UTF-8, CP932 and UTF-16; the same search at the other provider, which may read
them, shows that it does find.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from node.demo.figures import Figures
from node.demo.market import MANAGERS
from node.demo.scenario import Block, Scenario

AMOUNT_DIGITS_MIN: Final = 7
ENCODINGS: Final = ("utf-8", "cp932", "utf-16-le", "utf-16-be")
PREFIX_BYTES: Final = 4
_NUMBERS: Final = (
    (re.compile(rb"[0-9]{7,18}"), "latin-1"),
    (re.compile(rb"(?:[0-9]\0){7,18}"), "utf-16-le"),
    (re.compile(rb"(?:\0[0-9]){7,18}"), "utf-16-be"),
)
"""Numbers of at least so many digits, in one byte and in two per digit."""


def words_of(scenario: Scenario, clients: Iterable[str]) -> set[str]:
    """The words of the blocks of these asset managers."""
    chosen = set(clients)
    found: set[str] = set()
    for block in scenario.blocks:
        if block.client in chosen:
            found.update(_words(block))
    return found


def foreign_words(scenario: Scenario, sp: str) -> set[str]:
    """Words of relationships that the provider `sp` is no party to, less those that its own have too."""
    own = {manager.client for manager in MANAGERS if manager.sp == sp}
    others = {manager.client for manager in MANAGERS} - own
    return words_of(scenario, others) - words_of(scenario, own)


def found_in(folder: Path, words: Iterable[str], but: tuple[str, ...] = ()) -> set[str]:
    """Which of `words` stand in any file below `folder`; files named in `but` are left out."""
    search = _Search(words)
    found: set[str] = set()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.name not in but:
            found.update(search.in_bytes(file.read_bytes()))
    return found


def _words(block: Block) -> Iterator[str]:
    yield from (expected.reference for expected in block.expected)
    yield from block.affirms
    for figures in block.figures:
        yield from _figures_words(figures)


def _figures_words(figures: Figures) -> Iterator[str]:
    if figures.order:
        yield figures.order
    amounts = [figures.gross, *(n for s in figures.shares for n in (s.gross, s.net, s.commission))]
    yield from (str(n) for n in amounts if len(str(n)) >= AMOUNT_DIGITS_MIN)
    for share in figures.shares:
        yield from (share.fund.code, share.fund.name)


class _Search:
    """Looks for many words at once: amounts as whole numbers, all else as pieces of bytes."""

    def __init__(self, words: Iterable[str]) -> None:
        self._amounts: dict[bytes, str] = {}
        self._pieces: dict[bytes, str] = {}
        for word in words:
            kept = self._amounts if word.isdecimal() else self._pieces
            kept.update({word.encode(encoding): word for encoding in ENCODINGS})
        self._lengths: dict[bytes, set[int]] = {}
        for piece in self._pieces:
            self._lengths.setdefault(piece[:PREFIX_BYTES], set()).add(len(piece))

    def in_bytes(self, raw: bytes) -> Iterator[str]:
        """The words in `raw`."""
        for form, encoding in _NUMBERS:
            for number in form.finditer(raw):
                word = self._amounts.get(number[0])
                if word is not None and _stands_alone(raw, number.start(), number.end(), encoding):
                    yield word
        for start, lengths in self._lengths.items():
            at = raw.find(start)
            while at >= 0:
                for length in lengths:
                    if (word := self._pieces.get(raw[at : at + length])) is not None:
                        yield word
                at = raw.find(start, at + 1)


def _stands_alone(raw: bytes, start: int, end: int, encoding: str) -> bool:
    """Whether the number is neither a piece of a digest nor the fraction of a time."""
    width = 1 if encoding == "latin-1" else 2
    before = raw[max(0, start - width) : start].decode(encoding, "replace")
    after = raw[end : end + width].decode(encoding, "replace")
    return not (before.isalnum() or before == "." or after.isalnum())
