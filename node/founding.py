"""The signatures in a network file: each delegation by its institution, the whole by every founder."""

import base64
import binascii
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from canonical.encoding import canonical_bytes
from node.identity import sign_statement, verify_statement

if TYPE_CHECKING:
    from node.network import Delegation, Network


def sign_network(network: "Network", key: Ed25519PrivateKey) -> str:
    """A founder's signature of `network`, base64."""
    return base64.b64encode(key.sign(_founding_bytes(network))).decode()


def sign_delegation(
    network_name: str, lei: str, delegation: "Delegation", identity: Ed25519PrivateKey
) -> str:
    """An institution's signature of a delegation in a network that is to be founded, base64."""
    return sign_statement(identity, _delegation_bytes(network_name, lei, delegation))


def signature_faults(network: "Network") -> Iterator[str]:
    """What is not signed as it must be, as "place: what is wrong and what to do"."""
    yield from unsigned_delegations(network)
    signed = {one.sp: one.signature for one in network.signatures}
    for member in network.members:
        if member.sp not in signed:
            yield f"signatures: {member.sp} has not signed this network: see `yakujo sign`"
        elif not is_founding_signature(network, member.sp, signed[member.sp]):
            yield f"signatures: that of {member.sp} is for another network: compare the networks' ids"
    if strange := sorted(set(signed) - {member.sp for member in network.members}):
        yield f"signatures: {strange[0]} is not a member"


def is_founding_signature(network: "Network", sp: str, signature: str) -> bool:
    """Whether `sp` is a founder and has signed this network."""
    key = network.signing_keys.get(sp)
    try:
        if key is not None:
            key.verify(base64.b64decode(signature, validate=True), _founding_bytes(network))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return key is not None


def unsigned_delegations(network: "Network") -> Iterator[str]:
    """Which delegations their institutions have not signed."""
    for number, institution in enumerate(network.institutions):
        for delegation in institution.delegations:
            said = _delegation_bytes(network.name, institution.lei, delegation)
            if not verify_statement(institution.identity_key, said, delegation.signature):
                place = f"institutions.{number}.delegations"
                said_by = f"that to {delegation.sp} is not signed by {institution.name}"
                yield f"{place}: {said_by}: see `yakujo delegate`"


def _founding_bytes(network: "Network") -> bytes:
    return b"yakujo founding 1\n" + network.id


def _delegation_bytes(network_name: str, lei: str, delegation: "Delegation") -> bytes:
    """The network has no id yet, but a name."""
    unsigned = canonical_bytes(delegation.model_copy(update={"signature": ""}))
    return f"delegation at the founding of {network_name} by {lei}\n".encode() + unsigned
