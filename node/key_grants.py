"""Day secrets for whoever comes later: an auditor, a trust bank, another SP of an institution.

    reader_of_card(path), reader_of_sp(view, lei, sp)      whom it is for
    grants(view, ring, lei, reader, first, last)           the entries that give it
    document_grants(view, ring, lei, reader)               and what the institution has agreed on with others
    announcement(view, ring, lei, first, last)             this SP's keys of past days, for what it is granted
    retirements(view, lei)                                 after them nothing is sealed with what is in force

What is granted to the key of a day can be destroyed with the day; what is granted to a long-lived key lasts
as long as that.
"""

import datetime
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from pydantic import ValidationError

from canonical.base import Canonical
from node.act_records import stored_register
from node.day_keys import DayKeyError
from node.document import seal_document
from node.documents import stored_documents
from node.entry import DAYS_MAX, DayKeysEntry, DocumentEntry, GrantEntry, RetireEntry
from node.inspection import View
from node.keyring import KeyRing
from node.keys import PublicKeyInvalidError, encryption_public_key
from node.network import delegation_id
from node.sealing import grant_secret
from node.secrets import DaySecrets
from node.setup import SetupError
from node.store import each

LastingReader = MLKEM768X25519PublicKey
ReaderOfDay = Callable[[datetime.date], MLKEM768X25519PublicKey]


class ReaderCard(Canonical):
    """What a later reader tells the member that grants to it (node.reader_keys)."""

    name: str
    encryption_key: str


class LaterReader(NamedTuple):
    """The keys that are granted to: what is of a day, and what is of none."""

    of_day: ReaderOfDay
    lasting: LastingReader


def reader_of_card(path: Path) -> LaterReader:
    """The key of a later reader, the same for each day. Raises SetupError."""
    try:
        card = ReaderCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        key = encryption_public_key(card.encryption_key)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError, PublicKeyInvalidError) as error:
        raise SetupError(f"{path} is not a reader's card, as `yakujo keys reader` writes it") from error
    return LaterReader(lambda _: key, key)


def reader_of_sp(view: View, lei: str, sp: str) -> LaterReader:
    """The keys of another SP that acts for the institution, day by day. Raises SetupError."""
    register = stored_register(view.connection, view.network)
    if lei not in register.served_by(sp):
        raise SetupError(f"{sp} does not act for {lei}: the institution must delegate to it first")

    def of_day(day: datetime.date) -> MLKEM768X25519PublicKey:
        key = register.reader(lei, sp, day)
        assert key is not None, "it acts for it"
        return key

    own = next(one for one in register.now.by_lei[lei].delegations if one.sp == sp)
    return LaterReader(of_day, encryption_public_key(own.encryption_key))


def grants(
    view: View,
    ring: KeyRing,
    lei: str,
    reader: ReaderOfDay,
    first: datetime.date | None,
    last: datetime.date | None,
) -> list[GrantEntry]:
    """A grant of each secret of the institution that this node has, of the days from `first` to `last`.

    Raises SetupError where this node does not act for it; SecretsUnreadableError.
    """
    register = stored_register(view.connection, view.network)
    _check_served(view, lei)
    secrets = DaySecrets(view.settings.sp, register, ring)
    secrets.learn_stored(view.connection)
    return [
        grant_secret(secret, reader(secret.day))
        for secret in secrets.of_institution(lei)
        if (first is None or first <= secret.day) and (last is None or secret.day <= last)
    ]


def document_grants(view: View, ring: KeyRing, lei: str, reader: LastingReader) -> list[DocumentEntry]:
    """What the institution and others have agreed on, or propose, as far as this node has it, for a reader.

    All of it: without the rules of a relationship from its first on, no contract can be replayed. Raises
    SetupError where this node does not act for it; SecretsUnreadableError.
    """
    _check_served(view, lei)
    return [
        seal_document(document, [reader])
        for document in stored_documents(view.connection, view.network.id, ring)
        if lei in (document.broker, document.investor)
    ]


def retirements(view: View, lei: str) -> list[RetireEntry]:
    """What retires the secrets in force of the institution's relationships. Raises SetupError."""
    _check_served(view, lei)
    rows = each(view.connection, "SELECT last FROM chain WHERE retired = 0 AND ? IN (broker, investor)", lei)
    return [RetireEntry(key_id) for (key_id,) in rows]


def announcement(
    view: View, ring: KeyRing, lei: str, first: datetime.date, last: datetime.date
) -> list[DayKeysEntry]:
    """This SP's keys for the institution, of each day from `first` to `last`. Raises SetupError."""
    _check_served(view, lei)
    if last < first:
        raise SetupError(f"{last} is before {first}")
    days = ring.keys.institutions[lei].days
    register = stored_register(view.connection, view.network)
    own = next(d for d in register.now.by_lei[lei].delegations if d.sp == view.settings.sp)
    called = delegation_id(lei, own)
    try:
        return [
            DayKeysEntry(called, start, tuple(days.key(day).public_bytes for day in _days(start, end)))
            for start, end in _spans(first, last)
        ]
    except DayKeyError as error:
        raise SetupError(str(error)) from error


def _spans(first: datetime.date, last: datetime.date) -> Iterator[tuple[datetime.date, datetime.date]]:
    while first <= last:
        end = min(last, first + datetime.timedelta(days=DAYS_MAX - 1))
        yield first, end
        first = end + datetime.timedelta(days=1)


def _days(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    for number in range((last - first).days + 1):
        yield first + datetime.timedelta(days=number)


def _check_served(view: View, lei: str) -> None:
    register = stored_register(view.connection, view.network)
    if lei not in register.served_by(view.settings.sp):
        raise SetupError(f"{view.settings.sp} does not act for {lei}: an SP that does must do this")
