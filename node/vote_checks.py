"""Votes that could never take effect, or not without harm."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from node.act_master import AdmitInstitution, Correct, ListSecurities, SetCalendar, SetDeadlines
from node.act_statements import AgreeRules, Joint
from node.act_votes import (
    ActivateContract,
    AdmitMember,
    RemoveMember,
    ReplaceMemberKey,
    SetQuorum,
    StopContract,
    Vote,
)
from node.act_words import short_contract
from node.contract_history import ContractHistory
from node.master_data import with_master_data
from node.member_changes import PastKeys, check_members
from node.network import Network
from node.proposals import ActRefusedError
from node.quorums import Quorum

if TYPE_CHECKING:
    from node.register import Register


def check_vote(act: Vote | Joint, register: "Register", past: PastKeys) -> None:
    """Raise ActRefusedError where a vote can never take effect as things are. past: keys of members."""
    match act:
        case ActivateContract():
            needed = register.needed_for(act)
            check_activation(act, register.contracts, register.installed, register.now, needed)
        case StopContract():
            check_stop(register.contracts)
        case SetQuorum():
            check_quorum(act, register.quorums)
        case AdmitMember() | RemoveMember() | ReplaceMemberKey():
            check_members(act, register.now, past)
        case AdmitInstitution() | ListSecurities() | SetCalendar() | SetDeadlines():
            with_master_data(register.now, act)
        case _:
            raise AssertionError(f"members do not vote on {type(act).__name__}")


def is_possible(act: Vote | Joint, register: "Register", past: PastKeys) -> bool:
    """Whether what is pending may still be decided."""
    if isinstance(act, Joint):
        return not isinstance(act, AgreeRules) or register.agreed.is_next(act)
    try:
        check_vote(act, register, past)
    except ActRefusedError:
        return False
    return True


def check_correction(act: Correct, register: "Register", position: int) -> None:
    """Raise ActRefusedError where a correction said at a position is of nothing, or by nobody it binds."""
    sides = (act.broker, act.investor)
    if act.institution not in sides or not register.is_relationship(*sides):
        raise ActRefusedError("only the two sides of a relationship correct what they have said")
    if act.position >= position:
        raise ActRefusedError("only what stands on the ledger already can be corrected")


def check_activation(
    act: ActivateContract,
    contracts: ContractHistory,
    installed: Mapping[str, tuple[str, ...]],
    network: Network,
    needed: int,
) -> None:
    """Raise ActRefusedError where too few members have the contract, or it cannot begin as asked.

    needed: how many members must have announced it: as many as must vote for it.
    """
    stopped = contracts.stopped_since
    if stopped is not None and (act.since is not None or act.notice):
        text = f"contracts are stopped since position {stopped}: what is activated judges from there on"
        raise ActRefusedError(f"{text}, so name no position and no notice")
    members = [member.sp for member in network.members]
    without = [sp for sp in members if act.contract not in installed.get(sp, ())]
    if len(members) - len(without) < needed:
        have = len(members) - len(without)
        raise ActRefusedError(
            f"{needed} members must have installed {short_contract(act.contract)}, and {have} have announced"
            f" it: not yet {', '.join(without)}"
        )


def check_stop(contracts: ContractHistory) -> None:
    """Raise ActRefusedError where contracts are stopped already."""
    if (stopped := contracts.stopped_since) is not None:
        raise ActRefusedError(f"contracts are stopped since position {stopped} already")


def check_quorum(act: SetQuorum, quorums: Mapping[str, Quorum]) -> None:
    """Raise ActRefusedError where nobody could reach it, or nothing would change."""
    quorum = Quorum(act.over, act.part, act.of)
    if act.about not in quorums:
        raise ActRefusedError(f"members do not vote on {act.about}, but on {', '.join(sorted(quorums))}")
    if quorum.fault or quorums[act.about] == quorum:
        raise ActRefusedError(quorum.fault or f"{act.about} needs {quorum} of the members already")
