"""From the bytes of one FIX message to its tree of fields, whatever the bytes are.

    raw ─ pairs (fix_pairs) ─ framing ─ tree

The dictionary says which fields are data (read by their length) and which tags belong to a group. What
is wrong is noted and reading goes on, so that the sender hears of everything and can be answered by his
own references.
"""

from dataclasses import dataclass, replace
from operator import itemgetter

from adapters.fix_dictionary import FRAMING, FixDictionary, Level
from adapters.fix_findings import Findings
from adapters.fix_pairs import Pair, pairs_of
from adapters.fix_text import DEFAULT_CHARSET
from adapters.format import Fields
from canonical.problems import Rule

MESSAGE_BYTES_MAX = 1 << 20
FIELDS_MAX = 50_000  # a thousand allocations with fees, parties and settlement parties
GROUP_ENTRIES_MAX = 1_000
ANSWERABLE_BYTES = 1 << 14  # of a message over the limits as much is read: it holds header and references
SOH = b"\x01"

_NUMBER_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class Scanned:
    """One message as far as it could be read.

    message: the value of tag 35, empty where there is none.
    fields: all but the framing tags 8, 9, 35 and 10.
    plain: every text is ASCII, so that none can be undecodable.
    whole: the message was read to its end, so that what is missing is missing.
    """

    message: str
    fields: Fields
    plain: bool
    whole: bool = True


def scan(
    raw: bytes,
    dictionary: FixDictionary,
    begin_string: str,
    findings: Findings,
    charset: str = DEFAULT_CHARSET,
) -> Scanned:
    """Read `raw` as one message; note in `findings` what is wrong with its bytes, framing and groups."""
    if not raw:
        findings.add("8", "", Rule.EMPTY, "nothing was sent: send one FIX message")
        return Scanned("", {}, plain=True, whole=False)
    if len(raw) > MESSAGE_BYTES_MAX or raw.count(SOH) > FIELDS_MAX:
        return _answerable(raw, dictionary, begin_string, findings, charset)
    pairs, plain = pairs_of(raw, dictionary, charset, findings)
    tags = list(map(itemgetter(0), pairs))
    _cut_after_trailer(pairs, tags, findings)
    _check_framing(raw, pairs, begin_string, findings)
    message = pairs[tags.index("35")][2] if "35" in tags else ""
    known = message in dictionary.messages()  # of an unknown one the groups are unknown too
    fields = _Tree(pairs, findings if known else Findings()).read(dictionary.message(message))
    return Scanned(message, fields, plain)


def _answerable(
    raw: bytes, dictionary: FixDictionary, begin: str, findings: Findings, charset: str
) -> Scanned:
    text = (
        f"the message has {len(raw)} bytes in {raw.count(SOH)} fields; at most {MESSAGE_BYTES_MAX} bytes in "
        f"{FIELDS_MAX} fields are read: split it (892 TotNoAllocs, 893 LastFragment)"
    )
    findings.add("9", str(len(raw)), Rule.TOO_LARGE, text)
    head = raw[: raw.rfind(SOH, 0, ANSWERABLE_BYTES) + 1]
    read = scan(head, dictionary, begin, Findings(), charset)
    return replace(read, whole=False)


def _cut_after_trailer(pairs: list[Pair], tags: list[str], findings: Findings) -> None:
    """Take away what follows the first CheckSum; one message ends there."""
    end = tags.index("10") + 1 if "10" in tags else len(tags)
    if end < len(pairs):
        text = "bytes follow CheckSum (10): end the message with it, and send one message at a time"
        findings.add("10", "".join(pairs[end]), Rule.STRUCTURE, text)
        del pairs[end:], tags[end:]


def _check_framing(raw: bytes, pairs: list[Pair], begin_string: str, findings: Findings) -> None:
    """BeginString, BodyLength and MsgType first, CheckSum last, and both counts true (FIX 4.4 vol. 2)."""
    head = [*(pair[0] for pair in pairs[:3]), "", "", ""][:3]
    for at, (tag, name) in enumerate((("8", "BeginString"), ("9", "BodyLength"), ("35", "MsgType"))):
        if head[at] != tag:
            findings.add(
                tag, head[at], Rule.STRUCTURE, f"field {at + 1} must be {tag} ({name}): put it there"
            )
    if head[0] == "8" and pairs[0][2] != begin_string:
        text = f"the session speaks {begin_string}: send that in BeginString (8)"
        findings.add("8", pairs[0][2], Rule.UNSUPPORTED, text)
    trailer = raw.rfind(SOH + b"10=") + 1
    if pairs[-1][0] != "10" or not trailer:
        findings.add("10", "", Rule.STRUCTURE, "CheckSum (10) is missing at the end: the message is cut off")
        return
    _check_counts(raw, trailer, pairs, findings)


def _check_counts(raw: bytes, trailer: int, pairs: list[Pair], findings: Findings) -> None:
    """trailer: where "10=" starts in `raw`."""
    total = sum(raw[:trailer]) & 0xFF
    if pairs[-1][2] != f"{total:03d}":
        text = f"CheckSum (10) must be {total:03d} for these bytes: compute it over all that stands before it"
        findings.add("10", pairs[-1][2], Rule.STRUCTURE, text)
    if len(pairs) > 1 and pairs[1][0] == "9":
        length = trailer - raw.find(SOH, raw.find(SOH) + 1) - 1
        if _number(pairs[1][2]) != length:
            text = f"BodyLength (9) must be {length}: count the bytes between its own end and 10="
            findings.add("9", pairs[1][2], Rule.STRUCTURE, text)


def _number(said: str) -> int:
    """The number `said`, -1 where it is none. Leading zeros are allowed: some engines pad."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _NUMBER_DIGITS_MAX else -1


class _Tree:
    """Reads pairs into a tree, one level of the dictionary at a time."""

    def __init__(self, pairs: list[Pair], findings: Findings) -> None:
        self._pairs = pairs
        self._findings = findings
        self._framing: set[str] = set()

    def read(self, level: Level) -> Fields:
        """The whole message. What the level does not know is kept: the validator speaks of it."""
        fields: Fields = {}
        members, pairs = level.members, self._pairs
        at = 0
        while at < len(pairs):
            tag, sign, value = pairs[at]
            at += 1
            member = members.get(tag)
            if member is None and not self._is_content(tag, sign, value):
                continue
            if tag in fields:
                self._twice(tag, value)
            elif member is None or member.group is None:
                fields[tag] = value
            else:
                fields[tag], at = self._group(at, tag, value, member.group, (level,))
        return fields

    def _group(
        self, at: int, place: str, said: str, group: Level, outside: tuple[Level, ...]
    ) -> tuple[list[Fields], int]:
        """The entries from `at` on, and where they end. A tag that no level knows stays in its entry.

        said: the count. outside: the levels that hold this group.
        """
        members, fields_of, pairs, end = group.members, group.checks, self._pairs, len(self._pairs)
        if at >= end or pairs[at][0] not in members:
            self._check_entries(place, said, 0, "", group)
            return [], at
        start = pairs[at][0]  # starts each entry here: the dictionary's first tag, or the sender's own
        entry: Fields = {}
        entries = [entry]
        count = _number(said)
        while at < end:
            tag, _, value = pairs[at]
            if tag in fields_of and tag not in entry:
                entry[tag] = value
            elif tag in entry and tag in members and (tag == start or len(entries) < count):
                if len(entries) == count and _belongs(tag, outside):
                    break
                if tag != start:
                    self._wrong_start(f"{place}[{len(entries) + 1}]/{tag}", group)
                entry = {}
                entries.append(entry)
                continue
            elif tag in entry or tag not in members:
                if _ends(tag, entry, group, outside):
                    break
                self._keep(pairs[at], entry, group, f"{place}[{len(entries)}]/{tag}")
            else:
                inside, nested = f"{place}[{len(entries)}]/{tag}", members[tag].group
                assert nested is not None, "a member is a field or a group"
                entry[tag], at = self._group(at + 1, inside, value, nested, (*outside, group))
                continue
            at += 1
        self._check_entries(place, said, len(entries), start, group)
        return entries, at

    def _keep(self, pair: Pair, entry: Fields, group: Level, place: str) -> None:
        """Put a field that no level knows into the entry; leave out one that stands there already."""
        tag, sign, value = pair
        if tag in group.members:
            self._twice(place, value)
        elif self._is_content(tag, sign, value):
            entry[tag] = value

    def _is_content(self, tag: str, sign: str, value: str) -> bool:
        """Whether a pair that no level knows belongs into the tree: a field, but not of the framing."""
        if tag in FRAMING:
            if tag in self._framing:
                self._twice(tag, value)
            self._framing.add(tag)
            return False
        if sign and tag.isascii() and tag.isdigit() and tag[0] != "0" and len(tag) <= _NUMBER_DIGITS_MAX:
            return True
        text = "a field is a tag number without leading zeros, an equals sign and a value: mend it"
        self._findings.add(tag, value, Rule.STRUCTURE, text)
        return False

    def _twice(self, place: str, value: str) -> None:
        self._findings.add(place, value, Rule.STRUCTURE, "the field occurs twice: send it once")

    def _wrong_start(self, place: str, group: Level) -> None:
        text = f"each entry of the group must start with {group.first}: put it first"
        self._findings.add(place, "", Rule.STRUCTURE, text)

    def _check_entries(self, place: str, said: str, entries: int, start: str, group: Level) -> None:
        if entries > GROUP_ENTRIES_MAX:
            text = f"a group holds at most {GROUP_ENTRIES_MAX} entries: split the message (892, 893)"
            self._findings.add(place, said, Rule.TOO_LARGE, text)
        if _number(said) != entries:
            text = (
                f"the count must be that of the entries that follow, {entries}: mend the count or the entries"
            )
            self._findings.add(place, said, Rule.STRUCTURE, text)
        elif not entries:
            self._findings.add(place, said, Rule.STRUCTURE, "the group has no entries: leave the count out")
        if start and start != group.first:
            self._wrong_start(f"{place}[1]/{start}", group)


def _ends(tag: str, entry: Fields, group: Level, outside: tuple[Level, ...]) -> bool:
    """Whether a tag that has no place in `entry` ends the group, since it belongs further out."""
    return tag in FRAMING or (tag in entry and tag not in group.members) or _belongs(tag, outside)


def _belongs(tag: str, levels: tuple[Level, ...]) -> bool:
    return any(tag in level.members for level in levels)
