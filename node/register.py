"""Who is in the network, who acts for whom and what holds: the network file and the acts since.

Every node comes to the same register from the same ledger. What it says holds from the entry after the act.
An act that does not count is kept with its reason, and changes nothing.
"""

import datetime
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from operator import itemgetter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from canonical.rules import Rules
from canonical.rules.versions import RulesVersions
from node.act import (
    Act,
    ActivateContract,
    AgreeRules,
    Correct,
    Delegate,
    Installed,
    InstitutionAct,
    Joint,
    MembersAct,
    Relate,
    SetQuorum,
    Shred,
    StateCodes,
    StateFunds,
    StopContract,
    TakeBack,
    Vote,
    Withdraw,
    act_digest,
)
from node.announced_keys import AnnouncedKeys
from node.beginnings import Beginnings
from node.contract_history import ContractHistory
from node.identity import verify_statement
from node.master_data import as_voted, check_day, with_master_data
from node.member_changes import PastKeys, as_stated
from node.network import Delegation, Institution, Network
from node.proposals import ActRefusedError, Proposals
from node.quorums import DEFAULT, Quorum
from node.register_digest import register_digest
from node.rules_history import RulesHistory
from node.vote_checks import check_correction, check_vote, is_possible

__all__ = ["ActRefusedError", "Register"]

BOTH_SIDES = 2


class Register:
    """The network as it is now. Changed by the writer's thread alone; what it hands out is immutable.

    genesis: the network file. now: the same with members and institutions as of the last act. proposals: all
    that several must say. contracts: which contract judges which position. installed: the contracts that
    members say they have. quorums: how many must say what. corrections: of positions,
    each with where it was agreed on. numbers: of institutions' last statements. shredded: the
    days that institutions had destroyed. beginnings: since when who reads what.
    """

    def __init__(self, genesis: Network) -> None:
        self.genesis = genesis
        self.id = genesis.id
        self.now = genesis
        self.proposals = Proposals()
        self.contracts = ContractHistory(genesis.first_contract)
        self.installed: dict[str, tuple[str, ...]] = {}
        self.quorums: Mapping[str, Quorum] = DEFAULT
        self.agreed = RulesHistory()
        self.corrections: dict[int, list[tuple[int, Correct]]] = {}
        self.shredded: dict[str, tuple[datetime.date, ...]] = {}
        self._shredded_at: dict[tuple[str, datetime.date], int] = {}
        self.numbers: dict[str, int] = {}
        self._past_keys = PastKeys(genesis)
        self._announced = AnnouncedKeys(genesis)
        self.beginnings = Beginnings(genesis, self.delegation)
        self._digest: bytes | None = None
        self._history: list[tuple[int, Network]] = [(-1, genesis)]

    @property
    def signing_keys(self) -> dict[str, Ed25519PublicKey]:
        """The members' keys by SP name."""
        return self.now.signing_keys

    @property
    def pending(self) -> dict[str, tuple[Vote | Joint, tuple[str, ...]]]:
        """What has been said by too few yet, by the digest of its content."""
        return {one.id: (one.act, tuple(sorted(one.said))) for one in self.proposals.open}

    def is_relationship(self, broker: str, investor: str) -> bool:
        """Whether these two confirm trades with one another."""
        return (broker, investor) in self.now.rules

    def rules_on(self, broker: str, investor: str, position: int) -> RulesVersions:
        """The rules that the entry at a position is judged by, for whatever trade date: none is missing."""
        agreed = self.agreed.on(self.now, broker, investor, position)
        deadlines = tuple((one.from_trade_date, one) for one in self.at(position).deadlines)
        return replace(agreed, deadlines=deadlines) if deadlines else agreed

    def rules_for(self, broker: str, investor: str, trade_date: datetime.date, position: int) -> Rules:
        """The rules that a trade of a trade date is judged by at a position."""
        return self.rules_on(broker, investor, position).on(trade_date)

    def past_keys(self, sp: str) -> tuple[str, ...]:
        """All keys that an SP has signed with as a member, first to last."""
        return self._past_keys.of(sp)

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

    def readers(self, broker: str, investor: str, day: datetime.date) -> list[MLKEM768X25519PublicKey]:
        """The keys that a secret of a business day is sealed to: of each delegation that holds on it."""
        return [
            self._announced.reader(lei, delegation, day)
            for lei in (broker, investor)
            for delegation in self.now.by_lei[lei].delegations
            if delegation.is_for(day)
        ]

    def reader(self, lei: str, sp: str, day: datetime.date) -> MLKEM768X25519PublicKey | None:
        """The key that an SP reads an institution's day with; None where it does not act for it."""
        return self._announced.reader(lei, own, day) if (own := self._now(lei, sp)) is not None else None

    def next_number(self, lei: str) -> int:
        """The number that the institution's next statement has."""
        return self.numbers.get(lei, 0) + 1

    @property
    def acts(self) -> int:
        """How many acts have changed who is in the network or who acts for whom."""
        return len(self._history) - 1

    def needed(self, kind: str) -> int:
        """How many members must say what is of a kind."""
        return self.quorums[kind].needed(len(self.now.members))

    def needed_for(self, act: Vote | Joint) -> int:
        """How many must say the same."""
        return self.needed(act.kind) if isinstance(act, Vote) else BOTH_SIDES

    def shredded_at(self, lei: str, day: datetime.date) -> int:
        """Where an institution had a day destroyed."""
        return self._shredded_at[lei, day]

    def announce(self, sp: str, delegation: bytes, day: datetime.date, public: bytes) -> None:
        """An SP's key of one day for what it acts with for an institution. Raises ActRefusedError."""
        self._announced.announce(sp, delegation, day, public)

    def announced(self, lei: str, sp: str) -> frozenset[datetime.date]:
        """The days for which an SP has announced keys for an institution."""
        return self._announced.days(lei, own) if (own := self._now(lei, sp)) is not None else frozenset()

    def apply(self, sp: str, act: Act, position: int, day: datetime.date) -> bool:
        """Take the act at a position, of a block of `sp`; whether it is in effect: others may have to agree.

        day: of the block, in the network's time zone. Raises ActRefusedError where it does not count.
        """
        if not self.is_member(sp):
            raise ActRefusedError(f"{sp} is no member")  # since an act before it in the same block
        self._digest = None
        before = self.now
        match act:
            case Withdraw(proposal=name):
                self.proposals.withdraw(name, sp, position)
                in_effect = True
            case Installed():
                self.installed[sp] = act.contracts
                in_effect = True
            case Vote():
                in_effect = self._vote(sp, act, position, day)
            case _:
                in_effect = self._stated(act, position, day)
        if self.now is not before:
            self._history.append((position, self.now))
        return in_effect

    def digest(self) -> bytes:
        """A digest of all that acts can change, 32 bytes, equal at nodes that have applied the same."""
        self._digest = self._digest or register_digest(self)
        return self._digest

    def _now(self, lei: str, sp: str) -> Delegation | None:
        return next((one for one in self.now.by_lei[lei].delegations if one.sp == sp), None)

    def _vote(self, sp: str, act: MembersAct, position: int, day: datetime.date) -> bool:
        check_vote(act, self, self._past_keys)
        check_day(act, day)
        decided = self.proposals.say(act_digest(act), act, sp, self.needed(act.kind), position)
        if decided is None:
            return False
        decided.since = self._enact(act, position)
        self._review(position)
        return True

    def _review(self, position: int) -> None:
        possible = partial(is_possible, register=self, past=self._past_keys)
        self.proposals.review(possible, self.is_member, position)

    def _enact(self, act: MembersAct, position: int) -> int:
        """Have a decision take effect; from which position on."""
        match act:
            case ActivateContract():
                since = act.since if act.since is not None else position + 1 + (act.notice or 0)
                return self.contracts.activate(act.contract, since, position)
            case StopContract():
                return self.contracts.stop(position)
            case SetQuorum():
                self.quorums = {**self.quorums, act.about: Quorum(act.over, act.part, act.of)}
            case _:
                self._become(as_voted(self.now, act))
                self._past_keys.note(self.now.members)
        return position + 1

    def _stated(self, act: InstitutionAct, position: int, day: datetime.date) -> bool:
        """Take what an institution says; whether it is in effect."""
        institution = self.now.by_lei.get(act.institution)
        if institution is None:
            raise ActRefusedError("the institution is not in this network")
        if act.number != (expected := self.next_number(act.institution)):
            raise ActRefusedError(f"the statement has number {act.number}; the next one is {expected}")
        if not verify_statement(institution.identity_key, act.signed(self.id.hex()), act.signature):
            raise ActRefusedError("not signed by the institution's identity key, or altered since")
        in_effect = self._taken(institution, act, position, day)
        self.numbers[act.institution] = act.number
        return in_effect

    def _taken(
        self, institution: Institution, act: InstitutionAct, position: int, day: datetime.date
    ) -> bool:
        match act:
            case TakeBack(proposal=name):
                self.proposals.withdraw(name, institution.lei, position)
            case AgreeRules():
                self.agreed.check(self.now, act, day)
                return self._jointly(act, position)
            case Shred():
                self._shred(act, position, day)
            case StateCodes() | StateFunds():
                self._become(with_master_data(self.now, act))
            case Relate():
                with_master_data(self.now, act)
                return self._jointly(act, position)
            case Correct():
                check_correction(act, self, position)
                return self._jointly(act, position)
            case _:
                self._become(as_stated(self.now, institution, act, self.is_member))
                if isinstance(act, Delegate):
                    self.beginnings.delegated(institution.lei, act.delegation.sp)
        return True

    def _jointly(self, act: AgreeRules | Correct | Relate, position: int) -> bool:
        """Count one side's word; whether both have said it."""
        decided = self.proposals.say(act.id, act, act.institution, BOTH_SIDES, position)
        if decided is None:
            return False
        decided.since = position + 1
        if isinstance(act, Correct):
            self.corrections.setdefault(act.position, []).append((position, act))
        elif isinstance(act, Relate):
            self.beginnings.related(act.broker, act.investor, position)
            self._become(with_master_data(self.now, act))
        else:
            self.agreed.agree(act, position)
            self._review(position)
        return True

    def _shred(self, act: Shred, position: int, day: datetime.date) -> None:
        if act.day >= day:
            raise ActRefusedError("only a day that is over can be destroyed")
        self.shredded[act.institution] = (*self.shredded.get(act.institution, ()), act.day)
        self._shredded_at.setdefault((act.institution, act.day), position)

    def _become(self, network: Network) -> None:
        self.now = network
        self._announced.follow(network)
