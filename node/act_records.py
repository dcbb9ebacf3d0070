"""The acts that a store holds: the register as of its last entry, and what has been said so far.

learn_acts(register, connection)    stored_register(connection, network) -> Register    history(connection)
"""

import datetime
import sqlite3
from contextlib import suppress
from typing import NamedTuple

from node.act import ActInvalidError, decode_act
from node.act_words import in_words
from node.network import Network
from node.register import ActRefusedError, Register
from node.store import each


class ActRow(NamedTuple):
    """An act of the ledger. act: in words. in_effect: whether it took effect here. fault: why not ever."""

    position: int
    sp: str
    day: datetime.date
    act: str
    in_effect: bool
    fault: str | None


def learn_acts(register: Register, connection: sqlite3.Connection) -> None:
    """Bring a new register to where the store is."""
    rows = each(connection, "SELECT sp, act, position, day FROM act WHERE fault IS NULL ORDER BY position")
    for sp, raw, position, day in rows:
        register.apply(sp, decode_act(raw.encode()), position, datetime.date.fromisoformat(day))
    for sp, delegation, day, key in each(connection, "SELECT sp, delegation, day, key FROM announced"):
        with suppress(ActRefusedError):  # it was of a delegation that has ended since
            register.announce(sp, delegation, datetime.date.fromisoformat(day), key)


def stored_register(connection: sqlite3.Connection, network: Network) -> Register:
    """The register that a node with this store has."""
    register = Register(network)
    learn_acts(register, connection)
    return register


def history(connection: sqlite3.Connection) -> list[ActRow]:
    """All acts in order, also those that do not count."""
    rows = each(connection, "SELECT position, sp, day, act, in_effect, fault FROM act ORDER BY position")
    return [
        ActRow(position, sp, datetime.date.fromisoformat(day), _words(raw), bool(in_effect), fault)
        for position, sp, day, raw, in_effect, fault in rows
    ]


def corrections_of(connection: sqlite3.Connection, position: int) -> tuple[str, ...]:
    """What both sides have agreed to hold instead of what stands at a position, in words."""
    query = (
        "SELECT position, act FROM act WHERE in_effect = 1 AND json_valid(act)"
        " AND json_extract(act, '$.act') = 'correct' AND json_extract(act, '$.position') = ?"
        " ORDER BY position"
    )
    return tuple(f"at position {at}: {_words(raw)}" for at, raw in each(connection, query, position))


def _words(raw: str) -> str:
    try:
        return in_words(decode_act(raw.encode()))
    except ActInvalidError:
        return "no act of this version"
