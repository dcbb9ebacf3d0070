"""Acts and announced keys of the ledger, kept and brought into the register, and what follows from them."""

import datetime
import sqlite3

import structlog

from node.act import (
    ActInvalidError,
    AgreeRules,
    Delegate,
    RemoveMember,
    ReplaceIdentity,
    Revoke,
    Shred,
    decode_act,
)
from node.act_records import learn_acts
from node.alarms import clear_alarm, raise_alarm
from node.contract_versions import Contract
from node.deferral import Deferral
from node.entry import DayKeysEntry
from node.register import ActRefusedError, Register
from node.rules_history import rules_alarm
from node.secrets import DaySecrets
from node.shredding import Shredding

log = structlog.get_logger(__name__)


class Governance:
    """Takes acts. Used by the writer's thread alone."""

    def __init__(
        self, register: Register, secrets: DaySecrets, shredding: Shredding, deferral: Deferral
    ) -> None:
        self._register = register
        self._secrets = secrets
        self._shredding = shredding
        self._deferral = deferral

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
                    self._shred(connection, position, act.institution, act.day)
                case AgreeRules():
                    self._miss(connection, act)
                case RemoveMember():
                    clear_alarm(connection, f"diverged/{act.sp}")
                    self._retire_all(connection, act.sp, position)

    def shred_again(self, connection: sqlite3.Connection, *leis: str) -> None:
        """Carry out what institutions have ordered before this node could read what it is about."""
        for lei in leis:
            for day in self._register.shredded.get(lei, ()):
                self._shred(connection, self._register.shredded_at(lei, day), lei, day)

    def shred_now(
        self, connection: sqlite3.Connection, lei: str, day: datetime.date, contract: Contract
    ) -> None:
        """Carry out what has waited for its contract."""
        self._shredding.take(connection, lei, day, contract)

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

    def _shred(self, connection: sqlite3.Connection, position: int, lei: str, day: datetime.date) -> None:
        contract = self._deferral.contract(position)
        if contract is None:
            self._deferral.defer_shred(connection, position, lei, day)
        else:
            self._shredding.take(connection, lei, day, contract)

    def _miss(self, connection: sqlite3.Connection, act: AgreeRules) -> None:
        """Tell people where this node has judged a relationship, and cannot from here on."""
        sides = (act.broker, act.investor)
        if self._secrets.is_complete(*sides) and not self._register.agreed.is_known(act):
            raise_alarm(
                connection,
                rules_alarm(*sides),
                f"{act.broker} and {act.investor} have agreed on rules, version {act.version}, that this node"
                " cannot read: nothing of theirs is decided here. Have another SP of theirs grant it what"
                " they have agreed on: yakujo keys grant",
            )

    def _retire_all(self, connection: sqlite3.Connection, sp: str, position: int) -> None:
        """What a member that left at a position could read is sealed with no more."""
        for institution in self._register.at(position).institutions:
            if any(d.sp == sp for d in institution.delegations):
                self._secrets.retire_institution(connection, institution.lei)
