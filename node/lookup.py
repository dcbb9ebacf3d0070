"""Who the other side of a message is that names none: by the message that it speaks of."""

import sqlite3

from adapters.format import Decoded
from adapters.mapping_file import MappingFile
from canonical.message import Role, whole_reference
from canonical.problems import Problem, Rule, shortened
from node.network import Institution
from node.reading import text_at
from node.store import each

_SENT_TO = "SELECT DISTINCT sender FROM reference WHERE reference = ? AND counterparty = ?"
_SENT_BY = "SELECT DISTINCT counterparty FROM reference WHERE reference = ? AND sender = ?"
# What has no place in the ledger yet: a file may take back what stands before it in the same file.
_WAITING = (
    "SELECT DISTINCT {other} FROM outbox WHERE kind = 'submission' AND EXISTS"
    " (SELECT 1 FROM json_each(CAST(body AS TEXT), '$.messages')"
    " WHERE json_extract(value, '$.reference') = ?) AND sender = ?"
)
_OTHER = {Role.BROKER: "investor", Role.INVESTOR: "broker"}


def other_side(
    connection: sqlite3.Connection, own: Institution, mapping: MappingFile, decoded: Decoded
) -> str | None:
    """The LEI of the other side of the message that is named; None where it is none, or several of several.

    What was sent to the institution is looked for first, then what it has sent itself.
    """
    waiting = _WAITING.format(other=_OTHER[own.role])
    for at, queries in ((mapping.looks_up, (_SENT_TO,)), (mapping.looks_up_own, (_SENT_BY, waiting))):
        reference = text_at(decoded, at) if at else ""
        for name in dict.fromkeys((reference, whole_reference(reference)[0])) if reference else ():
            found = {lei for query in queries for (lei,) in each(connection, query, name, own.lei)}
            if found:
                return found.pop() if len(found) == 1 else None
    return None


def unknown_reference(mapping: MappingFile, decoded: Decoded) -> Problem:
    """What is wrong where the other side is not found."""
    places = [at for at in (mapping.looks_up, mapping.looks_up_own) if at]
    at = next((at for at in places if text_at(decoded, at)), places[0])
    whose = "was sent to you" if at == mapping.looks_up else "you have sent"
    text = f"this reference does not name one message that {whose}: check it"
    return Problem(field=at, value=shortened(text_at(decoded, at)), rule=Rule.UNKNOWN_REFERENCE, text=text)
