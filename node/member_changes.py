"""What votes and statements make of the members and of who acts for whom: part of the register."""

from collections.abc import Callable, Iterable

from node.act_statements import Delegate, ReplaceIdentity, Revoke
from node.act_votes import AdmitMember, RemoveMember, ReplaceMemberKey
from node.announced_keys import check_key
from node.keys import encryption_public_key
from node.network import Delegation, Institution, Member, Network, changed
from node.proposals import ActRefusedError

MembershipVote = AdmitMember | RemoveMember | ReplaceMemberKey


class PastKeys:
    """All keys that members have ever signed with: none of them comes back."""

    def __init__(self, network: Network) -> None:
        self._keys: dict[str, tuple[str, ...]] = {}
        self.note(network.members)

    def note(self, members: Iterable[Member]) -> None:
        """Take notice of the members as they are now."""
        for member in members:
            past = self._keys.setdefault(member.sp, ())
            if member.signing_key not in past:
                self._keys[member.sp] = (*past, member.signing_key)

    def of(self, sp: str) -> tuple[str, ...]:
        """Those of an SP, first to last."""
        return self._keys.get(sp, ())

    def has(self, key: str) -> bool:
        """Whether anybody has signed with a key."""
        return any(key in keys for keys in self._keys.values())


def check_members(act: MembershipVote, network: Network, past: PastKeys) -> None:
    """Raise ActRefusedError where the vote could never take effect."""
    sp = act.member.sp if isinstance(act, AdmitMember) else act.sp
    is_member = sp in network.signing_keys
    if isinstance(act, AdmitMember) == is_member:
        raise ActRefusedError(f"{sp} is {'already' if is_member else 'no'} member")
    if isinstance(act, RemoveMember):
        if len(network.members) == 1:
            raise ActRefusedError("the last member cannot be removed")
        return
    key = act.member.signing_key if isinstance(act, AdmitMember) else act.signing_key
    check_key(key)
    if past.has(key):
        raise ActRefusedError("this signing key has been used before")


def with_vote(network: Network, act: MembershipVote) -> Network:
    """The network after a vote: whoever leaves acts for nobody any more."""
    members = {m.sp: m for m in network.members}
    if isinstance(act, AdmitMember):
        members[act.member.sp] = act.member
    elif isinstance(act, RemoveMember):
        del members[act.sp]
    else:
        members[act.sp] = members[act.sp].model_copy(update={"signing_key": act.signing_key})
    kept = tuple(_without_strangers(i, members) for i in network.institutions)
    return changed(network, members=tuple(members[sp] for sp in sorted(members)), institutions=kept)


def as_stated(
    network: Network,
    institution: Institution,
    act: Delegate | Revoke | ReplaceIdentity,
    is_member: Callable[[str], bool],
) -> Network:
    """The network after an institution's statement. Raises ActRefusedError."""
    said = _as_stated(institution, act, is_member)
    others = [one for one in network.institutions if one.lei != institution.lei]
    return changed(network, institutions=tuple(sorted([*others, said], key=lambda one: one.lei)))


def _as_stated(
    institution: Institution,
    act: Delegate | Revoke | ReplaceIdentity,
    is_member: Callable[[str], bool],
) -> Institution:
    if isinstance(act, ReplaceIdentity):
        check_key(act.identity_key)
        return institution.model_copy(update={"identity_key": act.identity_key})
    sp = act.delegation.sp if isinstance(act, Delegate) else act.sp
    kept = [d for d in institution.delegations if d.sp != sp]
    if isinstance(act, Delegate):
        kept.append(_checked(act.delegation, is_member))
    elif len(kept) == len(institution.delegations):
        raise ActRefusedError(f"{sp} does not act for this institution")
    return institution.model_copy(update={"delegations": tuple(sorted(kept, key=lambda d: d.sp))})


def _checked(delegation: Delegation, is_member: Callable[[str], bool]) -> Delegation:
    if not is_member(delegation.sp):
        raise ActRefusedError(f"{delegation.sp} is no member")
    check_key(delegation.signing_key)
    check_key(delegation.encryption_key, encryption_public_key)
    return delegation


def _without_strangers(institution: Institution, members: dict[str, Member]) -> Institution:
    delegations = tuple(d for d in institution.delegations if d.sp in members)
    return institution.model_copy(update={"delegations": delegations})
