"""Acts: what changes who is in the network and what holds in it, in clear, each an entry of the ledger.

    encode_act(act) -> bytes            decode_act(raw) -> Act            in_words(act) -> str

Votes are acts of SPs (node.act_votes), statements are acts of institutions (node.act_statements); what an SP
says for itself alone, as which contracts it has, is an act too. What they bring about: node.register.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, from_canonical_bytes
from node.act_statements import (
    AgreeRules,
    Delegate,
    Joint,
    ReplaceIdentity,
    Revoke,
    Shred,
    Statement,
    TakeBack,
)
from node.act_votes import (
    ActivateContract,
    AdmitMember,
    Installed,
    RemoveMember,
    ReplaceMemberKey,
    SetQuorum,
    StopContract,
    Vote,
    Withdraw,
    act_digest,
)
from node.block import key_id
from node.keys import PublicKeyInvalidError, signing_public_key
from node.quorums import Quorum

__all__ = [
    "ACT_BYTES_MAX",
    "Act",
    "ActInvalidError",
    "ActivateContract",
    "AdmitMember",
    "AgreeRules",
    "Delegate",
    "Installed",
    "InstitutionAct",
    "Joint",
    "MembersAct",
    "RemoveMember",
    "ReplaceIdentity",
    "ReplaceMemberKey",
    "Revoke",
    "SetQuorum",
    "Shred",
    "Statement",
    "StopContract",
    "TakeBack",
    "Vote",
    "Withdraw",
    "act_digest",
    "decode_act",
    "encode_act",
    "fingerprint",
    "in_words",
    "proposal_id",
]

ACT_BYTES_MAX = 16 * 1024
SHORT_DIGITS = 12


class ActInvalidError(ValueError):
    """The bytes are no act that this version knows; the text says why."""


MembersAct = AdmitMember | RemoveMember | ReplaceMemberKey | ActivateContract | StopContract | SetQuorum
InstitutionAct = Delegate | Revoke | ReplaceIdentity | Shred | AgreeRules | TakeBack
Act = Annotated[MembersAct | InstitutionAct | Withdraw | Installed, Field(discriminator="act")]
ACT: TypeAdapter[Act] = TypeAdapter(Act)


def encode_act(act: Act) -> bytes:
    """The byte form of `act`."""
    raw = canonical_bytes(act)
    if len(raw) > ACT_BYTES_MAX:
        raise ActInvalidError(f"an act has at most {ACT_BYTES_MAX} bytes")
    return raw


def decode_act(raw: bytes) -> Act:
    """The act in `raw`; ActInvalidError where it is none."""
    if len(raw) > ACT_BYTES_MAX:
        raise ActInvalidError(f"an act has at most {ACT_BYTES_MAX} bytes")
    try:
        return from_canonical_bytes(ACT, raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ActInvalidError(f"not an act of this version: {place}: {first['msg']}") from error
    except ValueError as error:
        raise ActInvalidError(str(error)) from error


def proposal_id(act: Act) -> str | None:
    """What everybody who says the same as `act` shares; None where one word is enough."""
    match act:
        case Vote():
            return act_digest(act)
        case Joint():
            return act.id
    return None


def in_words(act: Canonical) -> str:
    """What `act` says, for people."""
    match act:
        case AdmitMember(member=member):
            return f"admit {member.sp} with the key {fingerprint(member.signing_key)}"
        case RemoveMember(sp=sp):
            return f"remove {sp}"
        case ReplaceMemberKey(sp=sp, signing_key=key):
            return f"{sp} signs with the key {fingerprint(key)}"
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
        case _:
            return _statement_in_words(act)


def _statement_in_words(act: Canonical) -> str:
    assert isinstance(act, Statement), "no other act is left"
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
        case AgreeRules():
            between = f"{act.broker} and {act.investor}"
            return f"rules of {between}, version {act.version}, for trades from {act.from_trade_date} on"
        case TakeBack(proposal=digest):
            return f"{lei} withdraws from {digest[:SHORT_DIGITS]}"
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
