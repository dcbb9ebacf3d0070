"""Text of FIX fields: bytes in one of the character sets that tag 347 can name, and back.

Bytes that are no text of the set are kept (as lone surrogates, PEP 383) so that they come out again as
they came in. A text that Shift_JIS can spell in two ways (NEC and IBM copies of one sign) comes out in the
usual spelling.
"""

import re

CHARSETS: dict[str, tuple[str, ...]] = {  # tag 347 -> codecs, the plainest that can say the text is used
    "UTF-8": ("utf-8",),
    "Shift_JIS": ("cp932",),  # what Windows and the exchanges' vendors call Shift_JIS
    "EUC-JP": ("euc_jp", "euc_jis_2004"),
    "ISO-2022-JP": ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004"),
}
DEFAULT_CHARSET = "UTF-8"

_ESCAPE = "\x1b"  # where it is left over, ISO-2022-JP was broken off
_NO_TEXT = re.compile(f"[\ud800-\udfff{_ESCAPE}]")


def from_bytes(data: bytes, charset: str) -> str:
    """The text of `data`; where it is none in `charset`, a reversible one that `is_text` denies."""
    seven_bits = charset != "ISO-2022-JP" or data.isascii()  # Python lets other bytes through there
    for codec in CHARSETS[charset] if seven_bits else ():
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if _ESCAPE not in text:
            return text
    return data.decode("utf-8" if charset == "UTF-8" else "ascii", "surrogateescape")


def to_bytes(text: str, charset: str) -> bytes:
    """`text` in `charset`. Asserts that the set can say it: see `can_say`."""
    if _ESCAPE in text:
        return text.encode("utf-8", "surrogateescape")  # no text: bytes that were kept
    for codec in CHARSETS[charset]:
        try:
            return text.encode(codec, "surrogateescape")
        except UnicodeEncodeError:
            continue
    if not is_text(text):  # data without a sound length is read as plain text, and so was this
        return text.encode("utf-8", "surrogateescape")
    raise AssertionError(f"{charset} cannot say a text that was given to the FIX encoder")


def can_say(text: str, charset: str) -> bool:
    """Whether every character of `text` exists in `charset`."""
    for codec in CHARSETS[charset]:
        try:
            text.encode(codec)
        except UnicodeEncodeError:
            continue
        return True
    return False


def sayable(text: str, charset: str) -> str:
    """`text` with "?" for each character that `charset` lacks and for control characters."""
    return "".join(sign if sign >= " " and can_say(sign, charset) else "?" for sign in text)


def is_text(value: str) -> bool:
    """Whether `value` was read without bytes that are no text."""
    return not _NO_TEXT.search(value)
