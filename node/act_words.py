"""Acts in words, for people."""

from canonical.base import Canonical
from node.act_master import (
    AdmitInstitution,
    Correct,
    ListSecurities,
    Relate,
    SetCalendar,
    SetDeadlines,
    StateCodes,
    StateFunds,
)
from node.act_statements import AgreeRules, Delegate, ReplaceIdentity, Revoke, Shred, Statement, TakeBack
from node.act_votes import (
    ActivateContract,
    AdmitMember,
    Installed,
    RemoveMember,
    ReplaceMemberKey,
    SetQuorum,
    StopContract,
    Withdraw,
)
from node.block import key_id
from node.keys import PublicKeyInvalidError, signing_public_key
from node.network import NetworkDeadlines
from node.quorums import Quorum

SHORT_DIGITS = 12


def in_words(act: Canonical) -> str:
    """What `act` says."""
    if isinstance(act, Statement):
        return _statement(act)
    match act:
        case AdmitMember(member=member):
            return f"admit {member.sp} with the key {fingerprint(member.signing_key)}"
        case RemoveMember(sp=sp):
            return f"remove {sp}"
        case ReplaceMemberKey(sp=sp, signing_key=key):
            return f"{sp} signs with the key {fingerprint(key)}"
        case AdmitInstitution(institution=institution):
            sides = [side for one in act.relationships for side in (one.broker, one.investor)]
            others = ", ".join(lei for lei in sides if lei != institution.lei)
            return f"admit {institution.lei}, {institution.name}, with {others or 'nobody yet'}"
        case ListSecurities(securities=securities):
            return f"list {', '.join(one.isin for one in securities)}"
        case SetCalendar(calendar=calendar):
            return f"calendar {calendar.name} from {calendar.first} to {calendar.last}"
        case SetDeadlines(deadlines=deadlines):
            return deadlines_in_words(deadlines)
    return _governing(act)


def deadlines_in_words(deadlines: NetworkDeadlines) -> str:
    """When what is open is told, for trades from which date on."""
    times = ", ".join(
        time.isoformat("minutes" if not time.second else "auto") for time in deadlines.remind_at
    )
    at_once = ", and alleged at once" if deadlines.allege_at_once else ""
    told = f"what is open is told at {times}" if times else "nobody is reminded"
    return f"{told}{at_once}, for trades from {deadlines.from_trade_date} on"


def _governing(act: Canonical) -> str:
    match act:
        case ActivateContract():
            return f"activate contract {short_contract(act.contract)} {_beginning(act)}"
        case StopContract(reason=reason):
            return f"stop contracts{f': {reason}' if reason else ''}"
        case SetQuorum():
            return f"{act.about} needs {Quorum(act.over, act.part, act.of)} of the members"
        case Withdraw(proposal=digest):
            return f"withdraw from {digest[:SHORT_DIGITS]}"
        case Installed(contracts=contracts):
            return f"has installed {', '.join(map(short_contract, contracts)) or 'no contract'}"
    raise AssertionError(f"{type(act).__name__} has no words")


def _statement(act: Statement) -> str:
    lei = act.institution
    match act:
        case Delegate(delegation=delegation):
            until = f" until {delegation.until}" if delegation.until else ""
            return f"{lei} lets {delegation.sp} act for it{until}"
        case Revoke(sp=sp):
            return f"{lei} lets {sp} act for it no more"
        case ReplaceIdentity(identity_key=key):
            return f"{lei} signs with the identity {fingerprint(key)}"
        case Shred(day=day):
            return f"{lei} has its day {day} destroyed"
        case StateCodes(name=name):
            return f"{lei} is called {name}"
        case StateFunds():
            stated = ", ".join(one.account.code for one in act.funds)
            closed = ", ".join(one.code for one in act.closed)
            return f"{lei} has funds {stated or '-'}{f', no more {closed}' if closed else ''}"
        case TakeBack(proposal=digest):
            return f"{lei} withdraws from {digest[:SHORT_DIGITS]}"
    return _joint(act)


def _joint(act: Statement) -> str:
    match act:
        case AgreeRules():
            between = f"{act.broker} and {act.investor}"
            return f"rules of {between}, version {act.version}, for trades from {act.from_trade_date} on"
        case Relate():
            return f"{act.broker} and {act.investor} confirm trades with one another"
        case Correct():
            between = f"{act.broker} and {act.investor}"
            return f"{between} correct position {act.position}: document {act.document[:SHORT_DIGITS]}"
    raise AssertionError(f"{type(act).__name__} has no words")


def short_contract(contract: str) -> str:
    """A contract's id as people can take it in: its name and the first digits of its digest."""
    name, colon, digest = contract.partition(":")
    return f"{name}{colon}{digest[:SHORT_DIGITS]}"


def _beginning(act: ActivateContract) -> str:
    if act.since is not None:
        return f"from position {act.since} on"
    return f"{act.notice} positions after the vote" if act.notice else "at once"


def fingerprint(key: str) -> str:
    """What people call a signing key, or an identity key: as blocks name it, 32 hexadecimal digits."""
    try:
        return key_id(signing_public_key(key)).hex()
    except PublicKeyInvalidError:
        return "that is none"
