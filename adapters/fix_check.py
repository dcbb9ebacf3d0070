"""What is wrong with the fields of one FIX message: values, missing, unknown and misplaced fields.

The data dictionary says what a field may hold and what a message must; the rules that no dictionary
knows ("required if") are a table in fix_rules.
"""

from functools import cached_property

from adapters.fix_dictionary import FixDictionary, Level, Member
from adapters.fix_findings import Findings
from adapters.fix_rules import NO_RULES, RULES, LevelRules
from adapters.fix_text import is_text
from adapters.fix_types import wording
from adapters.format import Fields, Value
from canonical.problems import Rule

USER_DEFINED_FIRST = 5_000  # tags from here on belong to whoever agrees on them (FIX 4.4 vol. 1)
_CODES_SHOWN_MAX = 12
_NOT_IN_NAMED_SET = "the data is no text in the character set that MessageEncoding (347) names: mend that"
_NOT_IN_SESSION_SET = "the bytes are no text in the session's character set: send it in an Encoded field"


def validate(
    fields: Fields, dictionary: FixDictionary, message: str, findings: Findings, *, plain: bool = False
) -> None:
    """Note in `findings` all that is wrong with `fields` as a message of type `message`.

    plain: every text is ASCII.
    """
    if message not in dictionary.messages():
        text = (
            f"{dictionary.version} has no message type {message}"
            if message
            else "the message type is missing"
        )
        findings.add(
            "35", message, Rule.UNSUPPORTED if message else Rule.REQUIRED, f"{text}: mend MsgType (35)"
        )
        return
    top = dictionary.message(message)
    _Checker(dictionary, top, findings).check(fields, top, RULES.get(message, NO_RULES))
    _check_sections(fields, dictionary, findings)
    if not plain:
        _check_text(fields, top, "", findings)


class _Checker:
    """Walks a tree of fields beside the dictionary's levels and the rules of these levels."""

    def __init__(self, dictionary: FixDictionary, top: Level, findings: Findings) -> None:
        self._dictionary = dictionary
        self._top = top
        self._findings = findings

    def check(self, fields: Fields, level: Level, rules: LevelRules, place: str = "") -> None:
        """All that is wrong with one entry. place: what stands before its tags in a problem: "78[2]/"."""
        checks = level.checks
        for tag, value in fields.items():
            check = checks.get(tag)
            if check is None:
                self._group(tag, value, level, rules, place)
            elif not (isinstance(value, str) and check(value)):
                self._wrong(level.members[tag], value, place)
        for tag in level.required:
            if tag not in fields:
                text = f"{self._dictionary.label(tag)} is required here: send it"
                self._findings.add(place + tag, "", Rule.REQUIRED, text)
        if rules is not NO_RULES:
            self._check_rules(fields, rules, place)

    def _group(self, tag: str, entries: Value, level: Level, rules: LevelRules, place: str) -> None:
        """What the level has no check for: a group, or a field that it does not know."""
        member = level.members.get(tag)
        if member is None or member.group is None:
            self._stranger(tag, entries, place)
        elif not isinstance(entries, list):
            self._findings.add(
                place + tag, "", Rule.STRUCTURE, "a group is a list of entries: give one, not a text"
            )
        else:
            inside = rules.inside.get(tag, NO_RULES)
            for number, entry in enumerate(entries, 1):
                self.check(entry, member.group, inside, f"{place}{tag}[{number}]/")

    def _check_rules(self, fields: Fields, rules: LevelRules, place: str) -> None:
        for reason, tags in rules.missing(fields):
            wanted = " or ".join(map(self._dictionary.label, tags))
            self._findings.add(place + tags[0], "", Rule.REQUIRED, f"{wanted} is required {reason}: send it")

    def _wrong(self, member: Member, value: Value, place: str) -> None:
        label, field = self._dictionary.label(member.tag), place + member.tag
        if not isinstance(value, str):
            self._findings.add(field, "", Rule.STRUCTURE, f"{label} is one text, not a group: give one")
        elif not value:
            self._findings.add(
                field, "", Rule.EMPTY, f"{label} has no value: give one or leave the field out"
            )
        elif member.codes:
            codes = ", ".join(list(member.codes)[:_CODES_SHOWN_MAX])
            more = " …" if len(member.codes) > _CODES_SHOWN_MAX else ""
            self._findings.add(field, value, Rule.UNKNOWN_CODE, f"{label} must be one of {codes}{more}")
        else:
            self._findings.add(field, value, Rule.MALFORMED, f"{label} must be {wording(member.type)}")

    def _stranger(self, tag: str, content: Value, place: str) -> None:
        """A tag that this level does not know: the client's own, one of another level, or of no level."""
        value = content if isinstance(content, str) else ""
        if int(tag) >= USER_DEFINED_FIRST and tag not in self._dictionary.names:
            if not value:
                self._findings.add(
                    place + tag, "", Rule.EMPTY, f"{tag} has no value: give one or leave the field out"
                )
            return
        label = self._dictionary.label(tag)
        if tag in self._inside_groups:
            text = f"{label} stands outside its group or after its end: put it into an entry of the group"
            self._findings.add(place + tag, value, Rule.STRUCTURE, text)
        else:
            text = f"{label} is not a field of this message in {self._dictionary.version}: leave it out"
            self._findings.add(place + tag, value, Rule.UNKNOWN_FIELD, text)

    @cached_property
    def _inside_groups(self) -> frozenset[str]:
        """Every tag that some group of the message knows."""
        groups = [member.group for member in self._top.members.values() if member.group]
        tags: set[str] = set()
        while groups:
            members = groups.pop().members
            tags |= members.keys()
            groups += [member.group for member in members.values() if member.group]
        return frozenset(tags)


def _check_sections(fields: Fields, dictionary: FixDictionary, findings: Findings) -> None:
    """Header first, trailer last."""
    header, trailer = dictionary.header.members, dictionary.trailer.members
    reached = 0
    for tag in fields:
        section = 0 if tag in header else 2 if tag in trailer else 1
        if section < reached:
            where = "before the body" if section == 0 else "before the trailer"
            findings.add(tag, "", Rule.STRUCTURE, f"{dictionary.label(tag)} must stand {where}: move it")
        reached = max(reached, section)


def _check_text(fields: Fields, level: Level, place: str, findings: Findings) -> None:
    for tag, value in fields.items():
        member = level.members.get(tag)
        if isinstance(value, list):
            for number, entry in enumerate(value, 1):
                group = member.group if member and member.group else level
                _check_text(entry, group, f"{place}{tag}[{number}]/", findings)
        elif isinstance(value, str) and not is_text(value) and (member is None or not _is_binary(member)):
            encoded = member is not None and member.encoded
            text = _NOT_IN_NAMED_SET if encoded else _NOT_IN_SESSION_SET
            findings.add(place + tag, value, Rule.UNDECODABLE, text)


def _is_binary(member: Member) -> bool:
    return member.type in ("DATA", "XMLDATA") and not member.encoded
