"""Where on the ledger a result was attested: attestations are sealed, and are found by opening them."""

import sqlite3
from typing import NamedTuple

from node.attestation import read_attestation
from node.block import archived_block
from node.day_secret import DaySecret
from node.entry import EntryInvalidError, EntryKind, GrantEntry, KeyEntry, SealedEntry, decode_entry
from node.envelope import SealingError
from node.keyring import KeyRing
from node.register import Register
from node.sealing import open_grant, open_sealed, open_secret
from node.store import each


class AttestedAt(NamedTuple):
    """An attestation of `sp`, and where it stands."""

    position: int
    sp: str


def attestations_of(
    connection: sqlite3.Connection, register: Register, ring: KeyRing, position: int
) -> list[AttestedAt]:
    """Where each SP attested what was decided at a position: the attestations that count, in order.

    Empty where there are none, or where their day was destroyed.
    """
    waiting = {sp for (sp,) in each(connection, "SELECT sp FROM attested WHERE position = ?", position)}
    keys = each(connection, "SELECT key_id FROM decided WHERE position = ?", position)
    secret = stored_secret(connection, register.id, ring, keys[0][0]) if keys else None
    found: list[AttestedAt] = []
    if secret is None:
        return found
    later = "SELECT first, block FROM archive WHERE first > ? AND entries > 0 ORDER BY first"
    for first, raw in connection.execute(later, (position,)):
        if not waiting:
            break
        block = archived_block(raw)
        for number, entry in enumerate(block.entries):
            at = AttestedAt(first + number, block.sp)
            if block.sp in waiting and _attests(entry, at, secret, register, position):
                found.append(at)
                waiting.remove(block.sp)
    return found


def stored_secret(
    connection: sqlite3.Connection, network: bytes, ring: KeyRing, key_id: bytes
) -> DaySecret | None:
    """The day secret of a key id; None where the store has none, or these keys do not open it."""
    for (raw,) in each(connection, "SELECT entry FROM day_key WHERE key_id = ?", key_id):
        entry = decode_entry(raw)
        assert isinstance(entry, KeyEntry | GrantEntry), "the store keeps nothing else there"
        keys = ring.keys.opening_keys(entry.day)
        if isinstance(entry, GrantEntry):
            opened = open_grant(entry, network, keys)
        else:
            opened = open_secret(entry, network, keys)
        return opened.secret if opened is not None else None
    return None


def _attests(raw: bytes, at: AttestedAt, secret: DaySecret, register: Register, position: int) -> bool:
    if raw[1:2] != bytes([EntryKind.ATTESTATION]):  # most are something else, and need not be taken apart
        return False
    try:
        entry = decode_entry(raw)
        if not isinstance(entry, SealedEntry) or entry.key_id != secret.key_id:
            return False
        said = read_attestation(open_sealed(entry, secret, at.sp), secret, at.sp, at.position, register)
    except (EntryInvalidError, SealingError, ValueError):
        return False
    return any(item.position == position for item in said.items)
