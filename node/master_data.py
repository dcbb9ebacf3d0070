"""What acts make of master data: the network with one thing changed, checked as a network file is."""

import datetime
from typing import Any

from node.act_master import (
    AdmitInstitution,
    ListSecurities,
    Relate,
    SetCalendar,
    SetDeadlines,
    StateCodes,
    StateFunds,
)
from node.act_votes import Vote
from node.member_changes import MembershipVote, with_vote
from node.network import FundEntry, Network, Relationship, changed
from node.network_faults import network_faults
from node.proposals import ActRefusedError

CommonAct = AdmitInstitution | ListSecurities | SetCalendar | SetDeadlines
OwnAct = Relate | StateCodes | StateFunds
MasterAct = CommonAct | OwnAct


def with_master_data(network: Network, act: MasterAct) -> Network:
    """The network after an act. Raises ActRefusedError where it would not be one any more."""
    after = _with_common(network, act) if isinstance(act, CommonAct) else _with_own(network, act)
    if fault := next(network_faults(after), None):
        raise ActRefusedError(fault)
    return after


def as_voted(network: Network, act: CommonAct | MembershipVote) -> Network:
    """The network after a vote of members. Raises ActRefusedError."""
    return with_master_data(network, act) if isinstance(act, CommonAct) else with_vote(network, act)


def check_day(act: Vote, day: datetime.date) -> None:
    """Raise ActRefusedError where a vote on a day would change by what earlier trades were judged already."""
    if isinstance(act, SetDeadlines) and act.deadlines.from_trade_date <= day:
        since = act.deadlines.from_trade_date
        text = f"they are for trades from {since} on, and it is {day} already"
        raise ActRefusedError(f"{text}: name a later day")


def _with_common(network: Network, act: CommonAct) -> Network:
    match act:
        case AdmitInstitution():
            return _with_institution(network, act)
        case ListSecurities():
            known = {one.isin: one for one in network.securities}
            listed = {**known, **{one.isin: one for one in act.securities}}
            return changed(network, securities=tuple(listed.values()))
        case SetCalendar():
            if act.calendar in network.calendars:
                raise ActRefusedError(f"calendar {act.calendar.name} says so already")
            named = {one.name: one for one in network.calendars} | {act.calendar.name: act.calendar}
            return changed(network, calendars=tuple(named.values()))
        case SetDeadlines():
            if act.deadlines in network.deadlines[-1:]:
                raise ActRefusedError("the deadlines are these already")
            return changed(network, deadlines=(*network.deadlines, act.deadlines))


def _with_own(network: Network, act: OwnAct) -> Network:
    match act:
        case Relate():
            return _with_relationship(network, act)
        case StateFunds():
            return _with_funds(network, act)
        case StateCodes():
            called = {"name": act.name, "bic": act.bic, "codes": act.codes}
            own = network.by_lei[act.institution].model_copy(update=called)
            others = [one for one in network.institutions if one.lei != act.institution]
            return changed(network, institutions=tuple(sorted([*others, own], key=lambda one: one.lei)))


def _with_institution(network: Network, act: AdmitInstitution) -> Network:
    new = act.institution
    if new.lei in network.by_lei:
        raise ActRefusedError(f"{new.lei} is in this network already")
    if new.delegations:
        raise ActRefusedError("who acts for an institution it says itself, once it is in the network")
    for one in act.relationships:
        if new.lei not in (one.broker, one.investor):
            raise ActRefusedError(f"{one.broker} and {one.investor}: not a relationship of {new.lei}")
    institutions = tuple(sorted([*network.institutions, new], key=lambda one: one.lei))
    return changed(
        network, institutions=institutions, relationships=(*network.relationships, *act.relationships)
    )


def _with_relationship(network: Network, act: Relate) -> Network:
    if act.institution not in (act.broker, act.investor):
        raise ActRefusedError("only the two sides begin a relationship")
    if (act.broker, act.investor) in network.rules:
        raise ActRefusedError("the two confirm trades with one another already")
    new = Relationship(broker=act.broker, investor=act.investor)
    return changed(network, relationships=(*network.relationships, new))


def _with_funds(network: Network, act: StateFunds) -> Network:
    if any(one.investor != act.institution for one in act.funds):
        raise ActRefusedError("an institution states its own funds alone")
    own = {one.account: one for one in network.funds if one.investor == act.institution}
    if unknown := [account for account in act.closed if account not in own]:
        raise ActRefusedError(f"{unknown[0].code} is none of its funds, and cannot be closed")
    stated: dict[Any, FundEntry] = {**own, **{one.account: one for one in act.funds}}
    kept = [one for account, one in stated.items() if account not in act.closed]
    others = [one for one in network.funds if one.investor != act.institution]
    return changed(network, funds=(*others, *kept))
