"""The keys of a node and the secrets that they open, as an operator may see them: names and days, never keys.

keys_of(view, keys, next) -> KeyList
"""

import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.act_records import stored_register
from node.act_words import fingerprint
from node.inspection import Shown, View
from node.keys import NodeKeys, signing_text
from node.register import Register
from node.setup import card_of
from node.store import each


class SigningKeyShown(Shown):
    """A key that this node can sign blocks with. in_use: whether it is the one that the members know."""

    key: str
    is_next: bool
    in_use: bool


class InstitutionKeysShown(Shown):
    """The keys for an institution. keys: their fingerprint. delegated: whether it lets this SP act for it.

    announced_until: the last day for which a key of its own is announced.
    """

    lei: str
    name: str
    keys: str
    delegated: bool
    announced_until: datetime.date | None


class ChainShown(Shown):
    """The secrets of a relationship. day: of the last one. retired: nothing more is sealed with that.

    complete: whether this node can read the relationship from its beginning. granted: known from grants
    alone; with the next secret it will show whether that was all.
    """

    broker: str
    investor: str
    day: datetime.date
    retired: bool
    complete: bool
    granted: bool


class KeyList(Shown):
    """All of it. secrets: how many day secrets this node holds."""

    sp: str
    signing: tuple[SigningKeyShown, ...]
    institutions: tuple[InstitutionKeysShown, ...]
    chains: tuple[ChainShown, ...]
    secrets: int


def keys_of(view: View, keys: NodeKeys, following: Ed25519PrivateKey | None) -> KeyList:
    """What this node has. following: the signing key that is to replace the one in use."""
    register = stored_register(view.connection, view.network)
    (secrets,) = view.connection.execute("SELECT COUNT(*) FROM day_key").fetchone()
    rows = each(
        view.connection,
        "SELECT broker, investor, day, retired, complete, granted FROM chain ORDER BY broker, investor",
    )
    return KeyList(
        sp=view.settings.sp,
        signing=tuple(_signing(view.settings.sp, register, keys, following)),
        institutions=tuple(_institutions(view, register, keys)),
        chains=tuple(
            ChainShown(
                broker=broker,
                investor=investor,
                day=datetime.date.fromisoformat(day),
                retired=bool(retired),
                complete=bool(complete),
                granted=bool(granted),
            )
            for broker, investor, day, retired, complete, granted in rows
        ),
        secrets=secrets,
    )


def _signing(
    sp: str, register: Register, keys: NodeKeys, following: Ed25519PrivateKey | None
) -> list[SigningKeyShown]:
    known = next((fingerprint(m.signing_key) for m in register.now.members if m.sp == sp), None)
    texts = [(signing_text(keys.signing.public_key()), False)]
    if following is not None:
        texts.append((signing_text(following.public_key()), True))
    return [
        SigningKeyShown(key=fingerprint(text), is_next=is_next, in_use=fingerprint(text) == known)
        for text, is_next in texts
    ]


def _institutions(view: View, register: Register, keys: NodeKeys) -> list[InstitutionKeysShown]:
    sp = view.settings.sp
    card = card_of(sp, keys, None)
    served = register.served_by(sp)
    return [
        InstitutionKeysShown(
            lei=lei,
            name=view.name_of(lei),
            keys=card.fingerprint_of(lei),
            delegated=lei in served,
            announced_until=max(register.announced(lei, sp), default=None),
        )
        for lei in sorted(keys.institutions)
    ]
