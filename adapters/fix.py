"""The FIX format: one message in tag=value form, of one version or of one client's dialect of it.

`Decoded.message` is the value of tag 35. The framing tags 8, 9, 35 and 10 are not in the tree: they are
checked when reading and computed when writing. A group is a list under its count tag: the "78" of an
allocation holds its entries, and its length is the count.
"""

from collections.abc import Iterator, Sequence

from adapters.fix_check import validate
from adapters.fix_dictionary import FRAMING, FixDictionary, Level
from adapters.fix_findings import Findings
from adapters.fix_scan import scan
from adapters.fix_text import CHARSETS, DEFAULT_CHARSET, to_bytes
from adapters.format import Decoded, Fields, Value

_SOH = b"\x01"


class FixFormat:
    """A codec of FIX messages.

    dictionary: what messages, groups and fields there are: `fix_dictionary.load`.
    begin_string: what tag 8 says.
    charset: of plain text, and of Encoded* data where tag 347 does not name another: a key of CHARSETS.
    """

    def __init__(
        self, dictionary: FixDictionary, begin_string: str = "FIX.4.4", charset: str = DEFAULT_CHARSET
    ) -> None:
        assert charset in CHARSETS, f"charset is one of {', '.join(CHARSETS)}"
        self.dictionary = dictionary
        self.begin_string = begin_string
        self.charset = charset

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The one message in `raw` with all that is wrong with it. Never raises for what bytes can cause."""
        findings = Findings()
        read = scan(raw, self.dictionary, self.begin_string, findings, self.charset)
        if read.whole:
            validate(read.fields, self.dictionary, read.message, findings, plain=read.plain)
        return (Decoded(read.message, read.fields, findings.problems()),)

    def encode(self, messages: Sequence[Decoded]) -> bytes:
        """The bytes of `messages`, each with its fields in the order of the tree and its framing computed.

        Lengths of data fields are computed, also where the tree leaves them out. A value must be sayable in
        its charset and, outside of data fields, hold no SOH: see `fix_text.sayable`.
        """
        return b"".join(self._bytes(message) for message in messages)

    def ordered(self, message: str, fields: Fields) -> Fields:
        """`fields` with header, body and trailer, and each group entry, in the dictionary's order.

        What the dictionary does not know stands at the end of its level, before the trailer.
        """
        return _ordered(fields, self.dictionary.message(message), self.dictionary.trailer)

    def _bytes(self, message: Decoded) -> bytes:
        encoded = message.fields.get("347")
        charset = encoded if isinstance(encoded, str) and encoded in CHARSETS else self.charset
        pieces: list[str | bytes] = [f"35={message.message}\x01"]
        self._write(message.fields, charset, pieces)
        body = b"".join(self._joined(pieces))
        head = f"8={self.begin_string}\x019={len(body)}\x01".encode() + body
        return head + b"10=%03d\x01" % (sum(head) & 0xFF)

    def _joined(self, pieces: list[str | bytes]) -> Iterator[bytes]:
        """Runs of text are encoded together: most messages are one run."""
        text: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                text.append(piece)
            else:
                yield to_bytes("".join(text), self.charset)
                yield piece
                text.clear()
        yield to_bytes("".join(text), self.charset)

    def _write(self, fields: Fields, charset: str, pieces: list[str | bytes]) -> None:
        """Append the fields of one level. charset: of Encoded* data."""
        data_of, data_tags = self.dictionary.data_of, self.dictionary.data_tags
        for tag, value in fields.items():
            if isinstance(value, list):
                pieces.append(f"{tag}={len(value)}\x01")
                for entry in value:
                    self._write(entry, charset, pieces)
            elif tag in data_tags:
                pieces.append(self._data(tag, value, charset, fields))
            elif tag not in FRAMING and (tag not in data_of or data_of[tag] not in fields):
                assert isinstance(value, str), f"tag {tag} holds no text"
                assert "\x01" not in value, f"tag {tag} holds SOH: make its text sayable first"
                pieces.append(f"{tag}={value}\x01")

    def _data(self, tag: str, value: Value, charset: str, fields: Fields) -> bytes:
        """A data field and, directly before it, its length in bytes."""
        assert isinstance(value, str), f"tag {tag} holds no text"
        data = to_bytes(value, charset if tag in self.dictionary.encoded_tags else "UTF-8")
        length = self.dictionary.length_of[tag]
        said = fields.get(length)
        kept = isinstance(said, str) and said.isdecimal() and said.lstrip("0") == str(len(data))
        return f"{length}={said if kept else len(data)}\x01{tag}=".encode() + data + _SOH


def _ordered(fields: Fields, level: Level, trailer: Level | None = None) -> Fields:
    last = trailer.members if trailer else {}
    known = [tag for tag in level.members if tag in fields and tag not in last]
    strangers = [tag for tag in fields if tag not in level.members]
    arranged: Fields = {}
    for tag in (*known, *strangers, *(tag for tag in last if tag in fields)):
        value, member = fields[tag], level.members.get(tag)
        if isinstance(value, list) and member is not None and member.group is not None:
            group = member.group
            arranged[tag] = [_ordered(entry, group) for entry in value]
        else:
            arranged[tag] = value
    return arranged
