"""How the members of the network stand, as far as this node's copy of the ledger tells."""

import datetime
import sqlite3
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from node.block import archived_block
from node.register import Register
from node.store import each

EXPIRES_DAYS_MIN = 30


class Member(BaseModel):
    """A member. last_block: when it made its last one, by its own clock. blocks: how many count.

    signed_size: the largest size of the ledger that it has signed; agrees: whether this node came to the
    same there; lag: entries since. None where it has signed none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sp: str
    blocks: int
    last_block: datetime.datetime | None
    signed_size: int | None
    agrees: bool | None
    lag: int | None


class Expiry(BaseModel):
    """What ends soon: a delegation, or the keys of coming days that this node has announced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    institution: str
    what: str
    last_day: datetime.date


def members(connection: sqlite3.Connection, register: Register, size: int) -> tuple[Member, ...]:
    """All members as they stand to a ledger of `size` entries."""
    return tuple(_member(connection, member.sp, size) for member in register.now.members)


def agreed_size(standing: tuple[Member, ...]) -> int | None:
    """The size up to which all members have signed the same as this node; None where one has signed none."""
    sizes = [member.signed_size for member in standing if member.agrees]
    return min(size for size in sizes if size is not None) if len(sizes) == len(standing) and sizes else None


def expiries(register: Register, sp: str, today: datetime.date) -> Iterator[Expiry]:
    """What ends within 30 days for this SP, and day keys that are not announced for tomorrow."""
    for institution in register.now.institutions:
        own = next((d for d in institution.delegations if d.sp == sp), None)
        if own is None:
            continue
        if own.until is not None and own.until <= today + datetime.timedelta(days=EXPIRES_DAYS_MIN):
            yield Expiry(institution=institution.lei, what="delegation", last_day=own.until)
        announced = max(register.announced(institution.lei, sp), default=None)
        if announced is not None and announced <= today:
            yield Expiry(institution=institution.lei, what="announced keys", last_day=announced)


def _member(connection: sqlite3.Connection, sp: str, size: int) -> Member:
    block = connection.execute(
        "SELECT seq, block FROM archive WHERE sp = ? AND fault IS NULL ORDER BY seq DESC LIMIT 1", (sp,)
    ).fetchone()
    signed = each(
        connection, "SELECT size, agrees FROM checkpoint WHERE sp = ? ORDER BY size DESC LIMIT 1", sp
    )
    made = archived_block(block[1]).time if block is not None else None
    return Member(
        sp=sp,
        blocks=block[0] if block is not None else 0,
        last_block=datetime.datetime.fromtimestamp(made / 1_000_000, datetime.UTC) if made else None,
        signed_size=signed[0][0] if signed else None,
        agrees=bool(signed[0][1]) if signed else None,
        lag=size - signed[0][0] if signed else None,
    )
