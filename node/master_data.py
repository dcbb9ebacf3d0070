"""What acts make of master data: the network with one thing changed, checked as a network file is."""

from typing import Any

from node.act_master import AdmitInstitution, ListSecurities, SetCalendar, StateCodes, StateFunds
from node.network import FundEntry, Network, changed
from node.network_faults import network_faults
from node.proposals import ActRefusedError

MasterAct = AdmitInstitution | ListSecurities | SetCalendar | StateCodes | StateFunds


def with_master_data(network: Network, act: MasterAct) -> Network:
    """The network after an act. Raises ActRefusedError where it would not be one any more."""
    match act:
        case AdmitInstitution():
            after = _with_institution(network, act)
        case ListSecurities():
            known = {one.isin: one for one in network.securities}
            listed = {**known, **{one.isin: one for one in act.securities}}
            after = changed(network, securities=tuple(listed.values()))
        case SetCalendar():
            if act.calendar in network.calendars:
                raise ActRefusedError(f"calendar {act.calendar.name} says so already")
            named = {one.name: one for one in network.calendars} | {act.calendar.name: act.calendar}
            after = changed(network, calendars=tuple(named.values()))
        case StateCodes():
            called = {"name": act.name, "bic": act.bic, "codes": act.codes}
            own = network.by_lei[act.institution].model_copy(update=called)
            others = [one for one in network.institutions if one.lei != act.institution]
            after = changed(network, institutions=tuple(sorted([*others, own], key=lambda one: one.lei)))
        case StateFunds():
            after = _with_funds(network, act)
    if fault := next(network_faults(after), None):
        raise ActRefusedError(fault)
    return after


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
