"""Who is in the network and who acts for whom, as of the last entry: the network file and the acts since.

Every node comes to the same register from the same ledger. What it says holds from the entry after the act.
An act that does not count is kept with its reason, and changes nothing.
"""

import base64
import datetime
import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from operator import itemgetter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from canonical.encoding import canonical_bytes
from canonical.rules import Rules
from node.act import (
    Act,
    AdmitMember,
    Delegate,
    RemoveMember,
    ReplaceIdentity,
    ReplaceMemberKey,
    Revoke,
    Shred,
    Vote,
    act_digest,
)
from node.identity import verify_statement
from node.keys import PublicKeyInvalidError, encryption_public_key, signing_public_key
from node.network import Delegation, Institution, Member, Network, delegation_id


class ActRefusedError(Exception):
    """An act that does not count; the text says why."""


class Register:
    """The network as it is now. Changed by the writer's thread alone; what it hands out is immutable.

    genesis: the network file. now: the same with members and institutions as of the last act. pending: votes
    that have no majority yet, by the digest of their content. shredded: the days that institutions had
    destroyed.
    """

    def __init__(self, genesis: Network) -> None:
        self.genesis = genesis
        self.id = genesis.id
        self.now = genesis
        self.pending: dict[str, tuple[Vote, tuple[str, ...]]] = {}
        self.shredded: dict[str, tuple[datetime.date, ...]] = {}
        self._numbers: dict[str, int] = {}
        self._past_keys: dict[str, tuple[str, ...]] = {m.sp: (m.signing_key,) for m in genesis.members}
        self._day_keys: dict[bytes, dict[datetime.date, str]] = {}
        self._delegations = _by_id(genesis)
        self._digest: bytes | None = None
        self._history: list[tuple[int, Network]] = [(-1, genesis)]

    @property
    def signing_keys(self) -> dict[str, Ed25519PublicKey]:
        """The members' keys by SP name."""
        return self.now.signing_keys

    @cached_property
    def rules(self) -> dict[tuple[str, str], Rules]:
        """The rules of each relationship by broker and investor."""
        return self.genesis.rules

    def past_keys(self, sp: str) -> tuple[str, ...]:
        """All keys that an SP has signed with as a member, first to last."""
        return self._past_keys.get(sp, ())

    def is_member(self, sp: str) -> bool:
        """Whether an SP is a member now."""
        return sp in self.now.signing_keys

    def served_by(self, sp: str) -> frozenset[str]:
        """The LEIs of the institutions that an SP acts for now."""
        return self.now.served_by(sp)

    def at(self, position: int) -> Network:
        """The network as it was for the entry at a position."""
        return self._history[bisect_left(self._history, position, key=itemgetter(0)) - 1][1]

    def delegation(self, lei: str, sp: str, position: int) -> Delegation | None:
        """What an SP acted with for an institution at a position; None where it did not."""
        institution = self.at(position).by_lei.get(lei)
        return next((d for d in institution.delegations if d.sp == sp), None) if institution else None

    def was_founded_with(self, lei: str, sp: str) -> bool:
        """Whether the SP has acted for the institution since the network's first entry."""
        return any(d.sp == sp for d in self.genesis.by_lei[lei].delegations)

    def readers(self, broker: str, investor: str, day: datetime.date) -> list[MLKEM768X25519PublicKey]:
        """The keys that a secret of a business day is sealed to: of each delegation that holds on it."""
        return [
            self._reader(lei, delegation, day)
            for lei in (broker, investor)
            for delegation in self.now.by_lei[lei].delegations
            if delegation.is_for(day)
        ]

    def reader(self, lei: str, sp: str, day: datetime.date) -> MLKEM768X25519PublicKey | None:
        """The key that an SP reads an institution's day with; None where it does not act for it."""
        delegations = self.now.by_lei[lei].delegations
        return next((self._reader(lei, one, day) for one in delegations if one.sp == sp), None)

    def next_number(self, lei: str) -> int:
        """The number that the institution's next statement has."""
        return self._numbers.get(lei, 0) + 1

    @property
    def acts(self) -> int:
        """How many acts have taken effect."""
        return len(self._history) - 1

    @property
    def votes_needed(self) -> int:
        """How many members must say the same: more than half of them."""
        return len(self.now.members) // 2 + 1

    def announce(self, sp: str, delegation: bytes, day: datetime.date, public: bytes) -> None:
        """An SP's key of one day for what it acts with for an institution. Raises ActRefusedError."""
        if self._delegations.get(delegation) != sp:
            raise ActRefusedError(f"{sp} announces keys for an institution that it does not act for")
        text = base64.b64encode(public).decode()
        _check_key(text, encryption_public_key)
        self._day_keys.setdefault(delegation, {})[day] = text

    def announced(self, lei: str, sp: str) -> frozenset[datetime.date]:
        """The days for which an SP has announced keys for an institution."""
        own = next((d for d in self.now.by_lei[lei].delegations if d.sp == sp), None)
        return frozenset(self._day_keys.get(delegation_id(lei, own), ()) if own is not None else ())

    def apply(self, sp: str, act: Act, position: int, day: datetime.date) -> bool:
        """Take the act at a position, of a block of `sp`; whether it is in effect: a vote may wait.

        day: of the block, in the network's time zone. Raises ActRefusedError where it does not count.
        """
        if not self.is_member(sp):
            raise ActRefusedError(f"{sp} is no member")  # since an act before it in the same block
        self._digest = None
        before = self.now
        if isinstance(act, AdmitMember | RemoveMember | ReplaceMemberKey):
            in_effect = self._vote(sp, act)
        else:
            self._stated(act, day)
            in_effect = True
        if self.now is not before:
            self._history.append((position, self.now))
        return in_effect

    def digest(self) -> bytes:
        """A digest of all that acts can change, 32 bytes, equal at nodes that have applied the same."""
        if self._digest is None:
            state: list[Any] = [
                [json.loads(canonical_bytes(m)) for m in self.now.members],
                [json.loads(canonical_bytes(i)) for i in self.now.institutions],
                sorted((digest, votes) for digest, (_, votes) in self.pending.items()),
                sorted(self._numbers.items()),
                sorted((lei, [day.isoformat() for day in days]) for lei, days in self.shredded.items()),
            ]
            text = json.dumps(state, sort_keys=True, separators=(",", ":"))
            self._digest = hashlib.sha256(b"yakujo register 1\n" + text.encode()).digest()
        return self._digest

    def _reader(self, lei: str, delegation: Delegation, day: datetime.date) -> MLKEM768X25519PublicKey:
        announced = self._day_keys.get(delegation_id(lei, delegation), {}).get(day)
        return encryption_public_key(announced or delegation.encryption_key)

    def _vote(self, sp: str, act: Vote) -> bool:
        self._check_vote(act)
        digest = act_digest(act)
        _, voters = self.pending.get(digest, (act, ()))
        counted = tuple(sorted({*voters, sp}))
        has_majority = len(counted) >= self.votes_needed
        if sp in voters and not has_majority:  # there is one all at once where a member has left since
            raise ActRefusedError(f"{sp} has said so already")
        self.pending[digest] = (act, counted)
        if not has_majority:
            return False
        del self.pending[digest]
        self._enact(act)
        self._withdraw_impossible()
        return True

    def _check_vote(self, act: Vote) -> None:
        """Raise ActRefusedError where the vote could never take effect."""
        sp = act.member.sp if isinstance(act, AdmitMember) else act.sp
        if isinstance(act, AdmitMember) == self.is_member(sp):
            raise ActRefusedError(f"{sp} is {'already' if self.is_member(sp) else 'no'} member")
        if isinstance(act, RemoveMember):
            if len(self.now.members) == 1:
                raise ActRefusedError("the last member cannot be removed")
            return
        key = act.member.signing_key if isinstance(act, AdmitMember) else act.signing_key
        _check_key(key)
        if any(key in keys for keys in self._past_keys.values()):
            raise ActRefusedError("this signing key has been used before")

    def _withdraw_impossible(self) -> None:
        """Forget votes that the last act has made pointless, and voters who are no members any more."""
        for digest, (act, voters) in list(self.pending.items()):
            try:
                self._check_vote(act)
            except ActRefusedError:
                del self.pending[digest]
            else:
                self.pending[digest] = (act, tuple(v for v in voters if self.is_member(v)))

    def _enact(self, act: Vote) -> None:
        members = {m.sp: m for m in self.now.members}
        if isinstance(act, AdmitMember):
            members[act.member.sp] = act.member
        elif isinstance(act, RemoveMember):
            del members[act.sp]
        else:
            members[act.sp] = members[act.sp].model_copy(update={"signing_key": act.signing_key})
        for member in members.values():
            past = self._past_keys.setdefault(member.sp, ())
            if member.signing_key not in past:
                self._past_keys[member.sp] = (*past, member.signing_key)
        kept = tuple(self._without_strangers(i, members) for i in self.now.institutions)
        self._become(tuple(members[sp] for sp in sorted(members)), kept)

    def _without_strangers(self, institution: Institution, members: dict[str, Member]) -> Institution:
        delegations = tuple(d for d in institution.delegations if d.sp in members)
        return institution.model_copy(update={"delegations": delegations})

    def _stated(self, act: Delegate | Revoke | ReplaceIdentity | Shred, day: datetime.date) -> None:
        institution = self.now.by_lei.get(act.institution)
        if institution is None:
            raise ActRefusedError("the institution is not in this network")
        expected = self._numbers.get(act.institution, 0) + 1
        if act.number != expected:
            raise ActRefusedError(f"the statement has number {act.number}; the next one is {expected}")
        if not verify_statement(institution.identity_key, act.signed(self.id.hex()), act.signature):
            raise ActRefusedError("not signed by the institution's identity key, or altered since")
        changed = self._as_stated(institution, act, day)
        self._numbers[act.institution] = act.number
        others = [i for i in self.now.institutions if i.lei != act.institution]
        self._become(self.now.members, tuple(sorted([*others, changed], key=lambda i: i.lei)))

    def _as_stated(
        self, institution: Institution, act: Delegate | Revoke | ReplaceIdentity | Shred, day: datetime.date
    ) -> Institution:
        """The institution after its statement. Raises ActRefusedError."""
        if isinstance(act, ReplaceIdentity):
            _check_key(act.identity_key)
            return institution.model_copy(update={"identity_key": act.identity_key})
        if isinstance(act, Shred):
            if act.day >= day:
                raise ActRefusedError("only a day that is over can be destroyed")
            self.shredded[act.institution] = (*self.shredded.get(act.institution, ()), act.day)
            return institution
        sp = act.delegation.sp if isinstance(act, Delegate) else act.sp
        kept = [d for d in institution.delegations if d.sp != sp]
        if isinstance(act, Delegate):
            kept.append(self._checked(act.delegation))
        elif len(kept) == len(institution.delegations):
            raise ActRefusedError(f"{sp} does not act for this institution")
        return institution.model_copy(update={"delegations": tuple(sorted(kept, key=lambda d: d.sp))})

    def _checked(self, delegation: Delegation) -> Delegation:
        if not self.is_member(delegation.sp):
            raise ActRefusedError(f"{delegation.sp} is no member")
        _check_key(delegation.signing_key)
        _check_key(delegation.encryption_key, encryption_public_key)
        return delegation

    def _become(self, members: tuple[Member, ...], institutions: tuple[Institution, ...]) -> None:
        """What is derived of members and institutions is cached in the old value, so a new one is made."""
        fields = {name: getattr(self.genesis, name) for name in Network.model_fields}
        self.now = Network(**{**fields, "members": members, "institutions": institutions})
        self._delegations = _by_id(self.now)
        kept = {at: keys for at, keys in self._day_keys.items() if at in self._delegations}
        self._day_keys = kept  # whoever has other keys now may have lost the old ones


def _by_id(network: Network) -> dict[bytes, str]:
    """The SP of each delegation."""
    return {delegation_id(i.lei, d): d.sp for i in network.institutions for d in i.delegations}


def _check_key(text: str, read: Callable[[str], object] = signing_public_key) -> None:
    try:
        read(text)
    except PublicKeyInvalidError as error:
        raise ActRefusedError(str(error)) from error
