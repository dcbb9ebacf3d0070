"""Native bytes as a person reads them: decoded, SOH shown as a bar, control characters named, shortened."""

from collections.abc import Sequence

EXCERPT_CHARACTERS_MAX = 2_000
EXCERPT_LINES_MAX = 40
CHARSETS = ("utf-8", "cp932")  # the first that reads the bytes; cp932 reads few that are not meant so


def readable(raw: bytes) -> str:
    """All of `raw` as text without anything that could move a terminal's cursor."""
    text = _decoded(raw).removeprefix("\ufeff").replace("\r\n", "\n").replace("\x01", "|")
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def excerpt(raw: bytes, words: Sequence[str] = ()) -> tuple[str, bool]:
    """The part of `raw` to show, and whether that is all of it.

    words: what is looked for; of a file of many lines those that hold one of them are shown, below the first.
    """
    lines = readable(raw[: 4 * 1024 * 1024]).splitlines()
    shown = lines
    if len(lines) > EXCERPT_LINES_MAX:
        meant = [line for line in lines[1:] if any(word in line for word in words)]
        shown = [lines[0], *(meant or lines[1:])][:EXCERPT_LINES_MAX]
    text = "\n".join(shown)
    whole = shown == lines and len(text) <= EXCERPT_CHARACTERS_MAX
    return text if len(text) <= EXCERPT_CHARACTERS_MAX else text[:EXCERPT_CHARACTERS_MAX] + " …", whole


def _decoded(raw: bytes) -> str:
    for charset in CHARSETS:
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "backslashreplace")
