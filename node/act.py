"""Acts: what changes who is in the network and who speaks for whom, in clear, each an entry of the ledger.

    encode_act(act) -> bytes            decode_act(raw) -> Act            in_words(act) -> str

Votes are acts of SPs: one counts once more than half of the members have put the same content into blocks of
their own (node.register); the signature of the block is the signature of the vote. Statements are acts of an
institution, signed by its identity key over the network's id and a number that rises by one with each, so
that none can be said again by somebody else; any member may carry them.
"""

import datetime
import hashlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.identifiers import Lei
from node.block import key_id
from node.keys import PublicKeyInvalidError, signing_public_key
from node.network import Delegation, Member, SpName

ACT_BYTES_MAX = 16 * 1024


class ActInvalidError(ValueError):
    """The bytes are no act that this version knows; the text says why."""


class AdmitMember(Canonical):
    """A vote: this SP becomes a member."""

    act: Literal["admit_member"] = "admit_member"
    member: Member


class RemoveMember(Canonical):
    """A vote: this SP is no member any more; its blocks count no longer, its delegations end."""

    act: Literal["remove_member"] = "remove_member"
    sp: SpName


class ReplaceMemberKey(Canonical):
    """A vote: the SP signs its blocks with another key from now on."""

    act: Literal["replace_member_key"] = "replace_member_key"
    sp: SpName
    signing_key: str


class Statement(Canonical):
    """What an institution says of itself. number: 1, 2 … per institution. signature: base64."""

    institution: Lei
    number: Annotated[int, Field(ge=1)]
    signature: str = ""

    def signed(self, network: str) -> bytes:
        """What its identity key signs. network: the id of the network, hexadecimal."""
        unsigned = self.model_copy(update={"signature": ""})
        return f"{network}\n".encode() + canonical_bytes(unsigned)


class Delegate(Statement):
    """The institution lets an SP act for it, or gives it other keys."""

    act: Literal["delegate"] = "delegate"
    delegation: Delegation


class Revoke(Statement):
    """The SP does not act for the institution any more."""

    act: Literal["revoke"] = "revoke"
    sp: SpName


class ReplaceIdentity(Statement):
    """The institution signs with another identity key from now on; signed with the old one."""

    act: Literal["replace_identity"] = "replace_identity"
    identity_key: str


class Shred(Statement):
    """All of the institution's nodes destroy what opens its messages of this business day."""

    act: Literal["shred"] = "shred"
    day: datetime.date


Vote = AdmitMember | RemoveMember | ReplaceMemberKey
InstitutionAct = Delegate | Revoke | ReplaceIdentity | Shred
Act = Annotated[Vote | InstitutionAct, Field(discriminator="act")]
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


def act_digest(act: Act) -> str:
    """What votes with the same content share, 64 hexadecimal digits."""
    return hashlib.sha256(b"yakujo act 1\n" + canonical_bytes(act)).hexdigest()


def in_words(act: Act) -> str:
    """What `act` says, for people."""
    match act:
        case AdmitMember(member=member):
            return f"admit {member.sp} with the key {fingerprint(member.signing_key)}"
        case RemoveMember(sp=sp):
            return f"remove {sp}"
        case ReplaceMemberKey(sp=sp, signing_key=key):
            return f"{sp} signs with the key {fingerprint(key)}"
        case Delegate(institution=lei, delegation=delegation):
            until = f" until {delegation.until}" if delegation.until else ""
            return f"{lei} lets {delegation.sp} act for it{until}"
        case Revoke(institution=lei, sp=sp):
            return f"{lei} lets {sp} act for it no more"
        case ReplaceIdentity(institution=lei, identity_key=key):
            return f"{lei} signs with the identity {fingerprint(key)}"
        case Shred(institution=lei, day=day):
            return f"{lei} has its day {day} destroyed"


def fingerprint(key: str) -> str:
    """What people call a signing key, or an identity key: as blocks name it, 32 hexadecimal digits."""
    try:
        return key_id(signing_public_key(key)).hex()
    except PublicKeyInvalidError:
        return "that is none"
