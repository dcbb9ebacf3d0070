"""The network file, its genesis: what all SPs of one network have agreed on before its first entry.

It holds public things alone and is equal at every SP; the SHA-256 of its canonical bytes, without the
founders' signatures, is the network's id, which every block carries. A node that has another file is in
another network. What changes later stands on the ledger (node.act, node.register).
"""

import datetime
import hashlib
import tomllib
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, ValidationError

from canonical.base import Canonical
from canonical.calendar import Calendar
from canonical.encoding import canonical_bytes
from canonical.identifiers import VISIBLE, Bic, Code, FundAccount, Isin, Lei, LocalCode
from canonical.message import Role
from canonical.rules import Rules
from canonical.rules.timetable import Deadlines
from node.founding import signature_faults
from node.keys import signing_public_key
from node.network_faults import network_faults
from node.rules_document import faults_of

ContractName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/[1-9][0-9]*$")]
SpName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Name = Annotated[str, Field(max_length=140), VISIBLE]
"""How people call an institution or a security, as long as in ISO 20022 (Max140Text)."""


FIRST_CONTRACT = "matching/1"


class NetworkError(Exception):
    """The network file cannot be used; the message says what to change."""


class Member(Canonical):
    """An SP. signing_key: of its blocks. bic: of its messages' headers, where it has one."""

    sp: SpName
    signing_key: str
    bic: Bic | None = None


class Delegation(Canonical):
    """An institution lets an SP act for it: day secrets are sealed to `encryption_key`.

    signing_key: of its attestations. until: the last business day it is for. signature: by the institution's
    identity key (node.founding); in an act of the ledger, which is signed as a whole, empty.
    """

    sp: SpName
    encryption_key: str
    signing_key: str
    until: datetime.date | None = None
    signature: str = ""

    def is_for(self, day: datetime.date) -> bool:
        """Whether it holds on a business day."""
        return self.until is None or day <= self.until


def delegation_id(lei: str, delegation: Delegation) -> bytes:
    """What a delegation is called where its institution is not to be named, 16 bytes."""
    said = f"yakujo delegation 1\n{lei}\n{delegation.sp}\n{delegation.encryption_key}"
    return hashlib.sha256(said.encode()).digest()[:16]


class Institution(Canonical):
    """A broker or an investor, with the identifiers that messages may use for it.

    identity_key: Ed25519, by which it says who acts for it (node.identity); none of the SPs holds it.
    """

    lei: Lei
    name: Name
    role: Role
    identity_key: str
    bic: Bic | None = None
    codes: tuple[LocalCode, ...] = ()
    delegations: tuple[Delegation, ...] = ()


class Relationship(Canonical):
    """A broker and an investor that confirm trades with one another."""

    broker: Lei
    investor: Lei
    rules: Rules = Rules()


class Security(Canonical):
    """An instrument that the members trade, by both of its codes."""

    isin: Isin
    japan_code: Code | None = None
    name: Name = ""


class FundEntry(Canonical):
    """A fund of an investor. aliases: how brokers call it. The first account is the one the ledger uses."""

    investor: Lei
    account: FundAccount
    aliases: tuple[FundAccount, ...] = ()


class NetworkDeadlines(Deadlines):
    """At what times each side hears what is not matched yet, for trade dates from one on.

    For all relationships whose rules name no times of their own.
    """

    from_trade_date: datetime.date = datetime.date.min


class FoundingSignature(Canonical):
    """A founder's word that this is the network: base64, Ed25519, by its signing key (node.founding)."""

    sp: SpName
    signature: str


def _none(deadlines: tuple[NetworkDeadlines, ...]) -> bool:
    return not deadlines


class Network(Canonical):
    """All of it. replicas: of the ledger. time_zone: whose days are trade dates. calendars: of settlement.

    deadlines: of several that a trade date falls under, the last one holds. contract: the name of the one
    that judges entries until the members choose another (node.act_votes); if not given, FIRST_CONTRACT.
    """

    name: Code
    replicas: Literal[1, 3, 5]
    time_zone: str = "Asia/Tokyo"
    contract: ContractName | None = None
    members: Annotated[tuple[Member, ...], Field(min_length=1)]
    institutions: tuple[Institution, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    securities: tuple[Security, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    deadlines: Annotated[tuple[NetworkDeadlines, ...], Field(exclude_if=_none)] = ()  # ids of old stay
    funds: tuple[FundEntry, ...] = ()
    signatures: tuple[FoundingSignature, ...] = ()

    @cached_property
    def id(self) -> bytes:
        """The network's id, 32 bytes."""
        unsigned = self.model_copy(update={"signatures": ()})
        return hashlib.sha256(b"yakujo network 1\n" + canonical_bytes(unsigned)).digest()

    @property
    def first_contract(self) -> str:
        """The name of the contract that judges entries until the members choose another."""
        return self.contract or FIRST_CONTRACT

    @cached_property
    def signing_keys(self) -> dict[str, Ed25519PublicKey]:
        """The members' keys by SP name."""
        return {member.sp: signing_public_key(member.signing_key) for member in self.members}

    @cached_property
    def by_lei(self) -> dict[str, Institution]:
        """Institutions by LEI."""
        return {institution.lei: institution for institution in self.institutions}

    @cached_property
    def rules(self) -> dict[tuple[str, str], Rules]:
        """The rules of each relationship by broker and investor."""
        return {(r.broker, r.investor): r.rules for r in self.relationships}

    @cached_property
    def _served(self) -> dict[str, frozenset[str]]:
        sps = [member.sp for member in self.members]
        return {
            sp: frozenset(i.lei for i in self.institutions if any(d.sp == sp for d in i.delegations))
            for sp in sps
        }

    def served_by(self, sp: str) -> frozenset[str]:
        """The LEIs of the institutions that have delegated to `sp`; none where it is no member."""
        return self._served.get(sp, frozenset())


def changed(network: Network, **changes: Any) -> Network:
    """A network with other values: what is derived of it is cached in it, so a new one is made."""
    fields = {name: getattr(network, name) for name in Network.model_fields}
    return Network(**{**fields, **changes})


def load_network(path: Path) -> Network:
    """The network in `path`, signed by all founders. Raises NetworkError where it cannot be used."""
    network = read_network(path)
    if fault := next(signature_faults(network), None):
        raise NetworkError(f"{path}: {fault}")
    return network


def read_network(path: Path) -> Network:
    """The network in `path`, whether all founders have signed it or not. Raises NetworkError."""
    try:
        network = Network.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except OSError as error:
        raise NetworkError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise NetworkError(f"{path}: {first_fault(error, Network)}") from error
    if fault := next(network_faults(network), None):
        raise NetworkError(f"{path}: {fault}")
    return network


def first_fault(error: ValidationError, model: type[Canonical]) -> str:
    """What is wrong first in a file, at its place as `network_faults` names places."""
    place = ".".join(str(part) for part in error.errors()[0]["loc"])
    _, text = next(faults_of(error, model))
    return f"{place}: {text}"
