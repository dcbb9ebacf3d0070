"""Acts: what changes who is in the network and what holds in it, in clear, each an entry of the ledger.

    encode_act(act) -> bytes            decode_act(raw) -> Act            node.act_words.in_words(act) -> str

Votes are acts of SPs (node.act_votes), statements are acts of institutions (node.act_statements); what an SP
says for itself alone, as which contracts it has, is an act too. What they bring about: node.register.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from canonical.encoding import canonical_bytes, from_canonical_bytes
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
from node.act_statements import (
    Agreement,
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

__all__ = [
    "ACT_BYTES_MAX",
    "Act",
    "ActInvalidError",
    "ActivateContract",
    "AdmitInstitution",
    "AdmitMember",
    "AgreeRules",
    "Agreement",
    "Correct",
    "Delegate",
    "Installed",
    "InstitutionAct",
    "Joint",
    "ListSecurities",
    "MembersAct",
    "MembershipAct",
    "Relate",
    "RemoveMember",
    "ReplaceIdentity",
    "ReplaceMemberKey",
    "Revoke",
    "SetCalendar",
    "SetDeadlines",
    "SetQuorum",
    "Shred",
    "StateCodes",
    "StateFunds",
    "Statement",
    "StopContract",
    "TakeBack",
    "Vote",
    "Withdraw",
    "act_digest",
    "decode_act",
    "encode_act",
    "proposal_id",
]

ACT_BYTES_MAX = 16 * 1024


class ActInvalidError(ValueError):
    """The bytes are no act that this version knows; the text says why."""


MembershipAct = AdmitMember | RemoveMember | ReplaceMemberKey
MembersAct = (
    MembershipAct
    | ActivateContract
    | StopContract
    | SetQuorum
    | AdmitInstitution
    | ListSecurities
    | SetCalendar
    | SetDeadlines
)
InstitutionAct = (
    Delegate
    | Revoke
    | ReplaceIdentity
    | Shred
    | AgreeRules
    | TakeBack
    | Relate
    | StateCodes
    | StateFunds
    | Correct
)
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
