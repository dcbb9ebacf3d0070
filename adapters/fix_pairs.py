"""The bytes of a FIX message cut into tags and values.

Data fields may hold the separator, so they are cut by the length that stands before them. A message
without data fields and in ASCII, nearly every one, is cut in one go.
"""

from operator import itemgetter
from typing import TypeAlias

from adapters.fix_dictionary import FixDictionary
from adapters.fix_findings import Findings
from adapters.fix_text import CHARSETS, from_bytes
from canonical.problems import Rule

Pair: TypeAlias = tuple[str, str, str]  # tag, "=" or nothing, value

_LENGTH_DIGITS_MAX = 9
_SOH = b"\x01"
_ESCAPE = b"\x1b"  # starts ISO-2022-JP, which is ASCII to the eye


def pairs_of(
    raw: bytes, dictionary: FixDictionary, charset: str, findings: Findings
) -> tuple[list[Pair], bool]:
    """The fields of `raw`, which is not empty, in order, and whether all of them are plain ASCII."""
    if not raw.endswith(_SOH):
        findings.add("10", "", Rule.STRUCTURE, "the last byte is not SOH (0x01): the message is cut off")
    if raw.isascii() and _ESCAPE not in raw:
        pieces = raw.decode("ascii").split("\x01")
        if not pieces[-1]:
            pieces.pop()
        pairs = [piece.partition("=") for piece in pieces]
        if dictionary.by_length.isdisjoint(map(itemgetter(0), pairs)):
            return pairs, True
    return _Cutter(raw, dictionary, charset, findings).cut(), False


class _Cutter:
    """Cuts field by field, data fields by their length."""

    def __init__(self, raw: bytes, dictionary: FixDictionary, charset: str, findings: Findings) -> None:
        self._raw = raw
        self._dictionary = dictionary
        self._charset = charset  # of plain fields
        self._encoded = charset  # of Encoded* fields, until tag 347 says otherwise
        self._findings = findings

    def cut(self) -> list[Pair]:
        """Every byte of the message ends up in one pair, whatever the lengths say."""
        pairs: list[Pair] = []
        at, raw = 0, self._raw
        while at < len(raw):
            end = raw.find(_SOH, at)
            end = end if end >= 0 else len(raw)
            tag, sign, value = raw[at:end].partition(b"=")
            pairs.append((from_bytes(tag, "UTF-8"), sign.decode(), from_bytes(value, self._charset)))
            at = end + 1
            self._note(*pairs[-1])
            data_tag = self._dictionary.data_of.get(pairs[-1][0])
            if data_tag is not None:
                at = self._data(pairs, data_tag, at)
        return pairs

    def _note(self, tag: str, _: str, value: str) -> None:
        if tag == "347" and value in CHARSETS:
            self._encoded = value
        if tag in self._dictionary.data_tags:
            text = "data must follow directly after its length field, and be as long as that says: send both"
            self._findings.add(tag, value, Rule.STRUCTURE, text)

    def _data(self, pairs: list[Pair], tag: str, at: int) -> int:
        """Cut the data field `tag` at `at`; the place after it, or `at` where it is not there."""
        said, start = pairs[-1][2], at + len(tag) + 1
        if not self._raw.startswith(f"{tag}=".encode(), at):
            text = f"{tag} must follow directly after its length: put it there, or leave the length out"
            self._findings.add(pairs[-1][0], said, Rule.STRUCTURE, text)
            return at
        if not (said.isascii() and said.isdigit() and len(said) <= _LENGTH_DIGITS_MAX):
            return at  # the data is cut at the next separator and noted there
        stop = start + int(said)
        if self._raw[stop : stop + 1] != _SOH:
            return at
        charset = self._encoded if tag in self._dictionary.encoded_tags else "UTF-8"
        pairs.append((tag, "=", from_bytes(self._raw[start:stop], charset)))
        return stop + 1
