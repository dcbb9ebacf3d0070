"""Acts and announced keys of the ledger, kept and brought into the register, and what follows from them."""

import datetime
import sqlite3

import structlog

from node.act import (
    ActInvalidError,
    Delegate,
    RemoveMember,
    ReplaceIdentity,
    Revoke,
    Shred,
    decode_act,
)
from node.act_records import learn_acts
from node.alarms import clear_alarm
from node.entry import DayKeysEntry
from node.register import ActRefusedError, Register
from node.secrets import DaySecrets
from node.shredding import Shredding

log = structlog.get_logger(__name__)


class Governance:
    """Takes acts. Used by the writer's thread alone."""

    def __init__(self, register: Register, secrets: DaySecrets, shredding: Shredding) -> None:
        self._register = register
        self._secrets = secrets
        self._shredding = shredding

    def learn_stored(self, connection: sqlite3.Connection) -> None:
        """Bring the register to where the store is."""
        learn_acts(self._register, connection)

    def take(
        self, connection: sqlite3.Connection, sp: str, position: int, day: datetime.date, raw: bytes
    ) -> None:
        """Take an act from a block of `sp` made on `day`."""
        in_effect, fault, act = False, None, None
        try:
            act = decode_act(raw)
            in_effect = self._register.apply(sp, act, position, day)
        except (ActInvalidError, ActRefusedError) as error:
            fault = str(error)
            log.warning("act passed over", position=position, sp=sp, fault=fault)
        connection.execute(
            "INSERT INTO act VALUES (?, ?, ?, ?, ?, ?)",
            (position, sp, day.isoformat(), raw.decode("utf-8", "backslashreplace"), in_effect, fault),
        )
        if in_effect and act is not None:
            log.info("act in effect", position=position, sp=sp, act=act.act)
            match act:
                case Delegate() | Revoke() | ReplaceIdentity():
                    self._secrets.retire_institution(connection, act.institution)
                case Shred():
                    self._shredding.take(connection, act.institution, act.day)
                case RemoveMember():
                    clear_alarm(connection, f"diverged/{act.sp}")
                    self._retire_all(connection, act.sp, position)

    def shred_again(self, connection: sqlite3.Connection, *leis: str) -> None:
        """Carry out what institutions have ordered before this node could read what it is about."""
        for lei in leis:
            for day in self._register.shredded.get(lei, ()):
                self._shredding.take(connection, lei, day)

    def announced(self, connection: sqlite3.Connection, sp: str, entry: DayKeysEntry) -> None:
        """Take the keys that an SP announces for an institution's coming days."""
        try:
            for number, key in enumerate(entry.keys):
                day = entry.first_day + datetime.timedelta(days=number)
                self._register.announce(sp, entry.delegation, day, key)
                connection.execute(
                    "INSERT OR REPLACE INTO announced VALUES (?, ?, ?, ?)",
                    (sp, entry.delegation, day.isoformat(), key),
                )
        except (ActRefusedError, OverflowError) as error:
            log.warning("announced keys passed over", sp=sp, fault=str(error))

    def _retire_all(self, connection: sqlite3.Connection, sp: str, position: int) -> None:
        """What a member that left at a position could read is sealed with no more."""
        for institution in self._register.at(position).institutions:
            if any(d.sp == sp for d in institution.delegations):
                self._secrets.retire_institution(connection, institution.lei)
