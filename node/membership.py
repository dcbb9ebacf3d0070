"""Who is in a network and who acts for whom, as a node's store has it, with the votes under way.

membership_of(view) -> Membership
"""

import datetime

from node.act_records import history, stored_register
from node.act_words import fingerprint, in_words
from node.inspection import Shown, View
from node.network import Institution, Member
from node.register import Register
from node.replica import head


class MemberShown(Shown):
    """An SP. key: its signing key's fingerprint. acts_for: the LEIs of its institutions."""

    sp: str
    key: str
    bic: str | None
    acts_for: tuple[str, ...]


class DelegationShown(Shown):
    """An SP that acts for an institution. until: the last business day it is for."""

    sp: str
    until: datetime.date | None


class InstitutionShown(Shown):
    """An institution. identity: its identity key's fingerprint. next_number: of its next statement."""

    lei: str
    name: str
    role: str
    identity: str
    next_number: int
    delegations: tuple[DelegationShown, ...]


class VoteShown(Shown):
    """What some members want. act: in words. needed: how many of them must have said so."""

    act: str
    voted: tuple[str, ...]
    needed: int


class ActShown(Shown):
    """An act of the ledger, by the SP whose block carried it. fault: why it does not count."""

    position: int
    sp: str
    day: datetime.date
    act: str
    in_effect: bool
    fault: str | None


class Membership(Shown):
    """All of it, as of the entry before position `size`. network: the network's id."""

    name: str
    network: str
    size: int
    members: tuple[MemberShown, ...]
    institutions: tuple[InstitutionShown, ...]
    pending: tuple[VoteShown, ...]
    history: tuple[ActShown, ...]


def membership_of(view: View) -> Membership:
    """The membership as this node knows it."""
    register = stored_register(view.connection, view.network)
    pending = [
        VoteShown(act=in_words(one.act), voted=tuple(sorted(one.said)), needed=register.needed_for(one.act))
        for one in register.proposals.open
    ]
    return Membership(
        name=view.network.name,
        network=view.network.id.hex(),
        size=head(view.connection).size,
        members=tuple(_member(one, register) for one in register.now.members),
        institutions=tuple(_institution(one, register) for one in register.now.institutions),
        pending=tuple(sorted(pending, key=lambda vote: vote.act)),
        history=tuple(ActShown.model_validate(row._asdict()) for row in history(view.connection)),
    )


def _member(member: Member, register: Register) -> MemberShown:
    return MemberShown(
        sp=member.sp,
        key=fingerprint(member.signing_key),
        bic=member.bic,
        acts_for=tuple(sorted(register.served_by(member.sp))),
    )


def _institution(institution: Institution, register: Register) -> InstitutionShown:
    return InstitutionShown(
        lei=institution.lei,
        name=institution.name,
        role=institution.role.value,
        identity=fingerprint(institution.identity_key),
        next_number=register.next_number(institution.lei),
        delegations=tuple(DelegationShown(sp=d.sp, until=d.until) for d in institution.delegations),
    )
