"""The founders' signatures of a network file, on their way from founder to founder.

    own_signature(network, sp, key)     write_signature(path, signature)     with_file(network, path)

A file holds a signature, whose it is and of which network: public things alone.
"""

import tomllib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from canonical.base import Canonical
from node.founding import sign_network
from node.keys import signing_text
from node.network import Network, SpName
from node.setup import SetupError, with_signature, write_toml


class SignatureFile(Canonical):
    """A founder's signature. network: the id of what it is of, hexadecimal. signature: base64."""

    network: str
    sp: SpName
    signature: str


def own_signature(network: Network, sp: str, key: Ed25519PrivateKey) -> SignatureFile:
    """The signature of the founder `sp`. Raises SetupError where it is none, or has another key."""
    founder = next((member for member in network.members if member.sp == sp), None)
    if founder is None:
        raise SetupError(f"{sp} is not a founder of this network: compare its card with `yakujo assemble`")
    if founder.signing_key != signing_text(key.public_key()):
        raise SetupError(
            f"the network file has another key of {sp} than its keys folder: use its newest card"
        )
    return SignatureFile(network=network.id.hex(), sp=sp, signature=sign_network(network, key))


def write_signature(path: Path, signature: SignatureFile) -> None:
    """Write a signature, for the other founders."""
    write_toml(path, signature)


def with_file(network: Network, path: Path) -> Network:
    """The network with the signature in a file. Raises SetupError where it is not one of this network."""
    try:
        signature = SignatureFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise SetupError(f"{path} is not a founder's signature, as `yakujo sign` writes it") from error
    if signature.network != network.id.hex():
        text = f"{path}: {signature.sp} has signed {signature.network}, this network is {network.id.hex()}"
        raise SetupError(f"{text}: compare plan and cards with {signature.sp}")
    return with_signature(network, signature.sp, signature.signature)


def unsigned(network: Network) -> list[str]:
    """The founders whose signatures are missing."""
    signed = {one.sp for one in network.signatures}
    return [member.sp for member in network.members if member.sp not in signed]
