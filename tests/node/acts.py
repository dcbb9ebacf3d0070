"""Acts of the scene's members and institutions, made and signed, and registers that have taken some."""

import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import identity_of, keys_of
from founding import network as of_scene

from node.act import Act, AdmitMember, Delegate, Revoke, Statement, Vote
from node.identity import Identity, sign_statement
from node.keys import signing_text
from node.network import Delegation, Member, Network
from node.register import Register
from node.setup import card_of

DAY = datetime.date(2026, 11, 20)
NEXT_DAY = DAY + datetime.timedelta(days=1)


def key(number: int) -> str:
    """A signing key that nobody has yet."""
    return signing_text(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key())


def card(sp: str, institution: str) -> Delegation:
    """What `sp` asks of an institution."""
    return card_of(sp, keys_of(sp, (institution,)), None).delegations[institution]


def signed(statement: Statement, by: Identity | None = None, network: Network | None = None) -> Any:
    """A statement with its institution's signature, or another's. network: of the scene, if not given."""
    identity = by or identity_of(statement.institution)
    signature = sign_statement(identity.signing, statement.signed((network or of_scene()).id.hex()))
    return statement.model_copy(update={"signature": signature})


def delegate(institution: str, sp: str, number: int, **changes: Any) -> Delegate:
    asked = card(sp, institution).model_copy(update=changes)
    made: Delegate = signed(Delegate(institution=institution, number=number, delegation=asked))
    return made


def revoke(institution: str, sp: str, number: int) -> Revoke:
    made: Revoke = signed(Revoke(institution=institution, number=number, sp=sp))
    return made


def admit(sp: str, number: int) -> AdmitMember:
    return AdmitMember(member=Member(sp=sp, signing_key=key(number)))


def enact(register: Register, *acts: Act) -> None:
    """Apply acts, each at the next ten of positions; a vote by as many members as it needs."""
    for act in acts:
        at = 10 * len(register._history)
        if isinstance(act, Vote):
            voters = [m.sp for m in register.now.members][: register.needed_for(act)]
            assert [register.apply(sp, act, at, DAY) for sp in voters][-1]
        else:
            assert register.apply("sp3", act, at, DAY)
