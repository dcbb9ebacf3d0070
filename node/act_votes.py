"""What members vote on: a content counts once as many have said it as its kind needs (node.quorums).

A vote stands in a block of the member that gives it: the signature of the block is that of the vote.
"""

import hashlib
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from canonical.base import WHOLE_NUMBER_MAX, Canonical
from canonical.encoding import canonical_bytes
from canonical.identifiers import VISIBLE
from node.network import Member, SpName

PART_MAX = 1_000
INSTALLED_MAX = 64

ContractId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/[1-9][0-9]*:[0-9a-f]{64}$")]
"""Name and digest, as node.contract_identity makes it."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Position = Annotated[int, Field(ge=0, le=WHOLE_NUMBER_MAX)]


class Vote(Canonical):
    """Base of what members vote on. Votes with equal content add up."""

    @property
    def kind(self) -> str:
        """By which it is told how many must say it."""
        return str(type(self).model_fields["act"].default)


class AdmitMember(Vote):
    """This SP becomes a member."""

    act: Literal["admit_member"] = "admit_member"
    member: Member


class RemoveMember(Vote):
    """This SP is no member any more; its blocks count no longer, its delegations end."""

    act: Literal["remove_member"] = "remove_member"
    sp: SpName


class ReplaceMemberKey(Vote):
    """The SP signs its blocks with another key from now on."""

    act: Literal["replace_member_key"] = "replace_member_key"
    sp: SpName
    signing_key: str


class ActivateContract(Vote):
    """This contract judges all entries from a position on.

    since: the first one; notice: so many after the vote that completes it. Neither: right after that vote.
    While contracts are stopped there is neither: it then judges from where they were stopped.
    """

    act: Literal["activate_contract"] = "activate_contract"
    contract: ContractId
    since: Position | None = None
    notice: Position | None = None

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.since is not None and self.notice is not None:
            raise ValueError("a contract begins at a position or after a notice, not both")
        return self


class StopContract(Vote):
    """Nothing sealed is decided from the next position on, until a contract is activated.

    reason: for the operators; it is public. What was decided stays.
    """

    act: Literal["stop_contract"] = "stop_contract"
    reason: Annotated[str, Field(max_length=200), VISIBLE] = ""


class SetQuorum(Vote):
    """So many members must vote for what is of a kind.

    about: the kind. over: more than the part of the members, else the part at least.
    """

    act: Literal["set_quorum"] = "set_quorum"
    about: str
    over: bool
    part: Annotated[int, Field(ge=0, le=PART_MAX)]
    of: Annotated[int, Field(ge=1, le=PART_MAX)]


class Withdraw(Canonical):
    """A member takes back what it has said, while that is not decided. proposal: its id."""

    act: Literal["withdraw"] = "withdraw"
    proposal: Digest


class Installed(Canonical):
    """The contracts that a member's node has, all of them: what it said before holds no more."""

    act: Literal["installed"] = "installed"
    contracts: Annotated[tuple[ContractId, ...], Field(max_length=INSTALLED_MAX)]


def act_digest(act: Canonical) -> str:
    """What votes with the same content share, 64 hexadecimal digits."""
    return hashlib.sha256(b"yakujo act 1\n" + canonical_bytes(act)).hexdigest()
