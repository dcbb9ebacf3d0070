"""Who the other side of a message is that names none: by the message that it speaks of."""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from adapters.format import Decoded, Fields
from adapters.mapping_file import MappingFile
from adapters.paths import parse_path, replaced
from canonical.identifiers import SHORT_CHARACTERS
from canonical.message import Role, whole_reference
from canonical.problems import Problem, Rule, shortened
from node.network import Institution
from node.reading import text_at
from node.store import each

_SENT_TO = "SELECT DISTINCT sender FROM reference WHERE reference = ? AND counterparty = ?"
_SENT_BY = "SELECT DISTINCT counterparty FROM reference WHERE reference = ? AND sender = ?"
_IN_SHORT_TO = "SELECT DISTINCT reference, sender FROM reference WHERE short = ? AND counterparty = ?"
_IN_SHORT_BY = "SELECT DISTINCT reference, counterparty FROM reference WHERE short = ? AND sender = ?"
# What has no place in the ledger yet: a file may take back what stands before it in the same file.
_WAITING = (
    "SELECT DISTINCT {other} FROM outbox WHERE kind = 'submission' AND EXISTS"
    " (SELECT 1 FROM json_each(CAST(body AS TEXT), '$.messages')"
    " WHERE json_extract(value, '$.reference') = ?) AND sender = ?"
)
_OTHER = {Role.BROKER: "investor", Role.INVESTOR: "broker"}


class OtherSide(NamedTuple):
    """lei: of the other side. decoded: the message, with the reference that it names in full."""

    lei: str
    decoded: Decoded


def other_side(
    connection: sqlite3.Connection, own: Institution, mapping: MappingFile, decoded: Decoded
) -> OtherSide | None:
    """The other side of the message that is named; None where it is none, or several of several.

    What was sent to the institution is looked for first, then what it has sent itself.
    """
    waiting = _WAITING.format(other=_OTHER[own.role])
    places = (
        (mapping.looks_up, (_SENT_TO,), _IN_SHORT_TO),
        (mapping.looks_up_own, (_SENT_BY, waiting), _IN_SHORT_BY),
    )
    for at, queries, in_short in places:
        reference = text_at(decoded, at) if at else ""
        found = _meant(connection, own, reference, queries, in_short) if reference else set()
        if len(found) == 1:
            ((full, lei),) = found
            fields = decoded.fields if full == reference else _in_full(decoded, at, full)
            return OtherSide(lei, replace(decoded, fields=fields))
        if found:
            return None
    return None


def _meant(
    connection: sqlite3.Connection, own: Institution, reference: str, queries: tuple[str, ...], in_short: str
) -> set[tuple[str, str]]:
    """What a reference may mean, in full, and whose it is: as it stands, and where it is a short form."""
    found: set[tuple[str, str]] = set()
    for name in dict.fromkeys((reference, whole_reference(reference)[0])):
        if not found:
            found = {
                (reference, lei) for query in queries for (lei,) in each(connection, query, name, own.lei)
            }
    if len(reference) == SHORT_CHARACTERS:
        found |= {(full, lei) for full, lei in each(connection, in_short, reference, own.lei)}
    return found


def _in_full(decoded: Decoded, at: str, full: str) -> Fields:
    """The fields of a message with the reference that its author could not write."""
    return replaced(decoded.fields, parse_path(at), text_at(decoded, at), full)


def unknown_reference(mapping: MappingFile, decoded: Decoded) -> Problem:
    """What is wrong where the other side is not found."""
    places = [at for at in (mapping.looks_up, mapping.looks_up_own) if at]
    at = next((at for at in places if text_at(decoded, at)), places[0])
    whose = "was sent to you" if at == mapping.looks_up else "you have sent"
    text = f"this reference does not name one message that {whose}: check it"
    return Problem(field=at, value=shortened(text_at(decoded, at)), rule=Rule.UNKNOWN_REFERENCE, text=text)
