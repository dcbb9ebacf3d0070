"""What institutions say, each signed by its identity key, with a number that rises by one with each.

So none can be said again by somebody else; any member may carry it. What binds two is said by both, each in
a statement of its own with the same content, and holds once the second has said it.
"""

import datetime
import hashlib
from typing import Annotated, Literal

from pydantic import Field

from canonical.base import WHOLE_NUMBER_MAX, Canonical
from canonical.encoding import canonical_bytes
from canonical.identifiers import Lei
from node.act_votes import Digest
from node.network import Delegation, SpName


class Statement(Canonical):
    """What an institution says of itself. number: 1, 2 … per institution. signature: base64."""

    institution: Lei
    number: Annotated[int, Field(ge=1, le=WHOLE_NUMBER_MAX)]
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


class TakeBack(Statement):
    """The institution takes back what it has said, while the other side has not. proposal: its id."""

    act: Literal["take_back"] = "take_back"
    proposal: Digest


class Joint(Statement):
    """Base of what both sides of a relationship must say."""

    broker: Lei
    investor: Lei

    @property
    def id(self) -> str:
        """What both sides' statements with the same content share, 64 hexadecimal digits."""
        content = self.model_copy(update={"institution": self.broker, "number": 1, "signature": ""})
        return hashlib.sha256(b"yakujo joint 1\n" + canonical_bytes(content)).hexdigest()


class Agreement(Joint):
    """Base of what both sides say of a document.

    document: the id of what it is about, which the two sides alone can read (node.document).
    """

    document: Digest


class AgreeRules(Agreement):
    """These rules hold between the two for trades from a trade date on. version: the one after the last."""

    act: Literal["agree_rules"] = "agree_rules"
    version: Annotated[int, Field(ge=2, le=WHOLE_NUMBER_MAX)]
    from_trade_date: datetime.date
