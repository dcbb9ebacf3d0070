"""Generations of the ledger's stream, and what the members sign to begin a new one.

    read_generation(path) -> Generation             generation_in(network_file, network) -> Generation | None
    signed_by(generation, sp, key) -> Generation    signers(generation, network) -> names of those who signed

The engine's stream is a means of transport: where most servers have lost it, the members put a new one in its
place and fill it from their archives (node.rebuild, node.refilling). The ledger itself does not change by it:
same blocks, same sequences, same tree. So nothing about a generation stands on the ledger, where an entry
could only repeat what every node must know before it reads its first one; it stands in a file that every node
has beside its network file, signed by more than half of those who were members at its last block. Without
that file a node is in generation 1.
"""

import base64
import binascii
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated

import tomli_w
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.network import Network, SpName
from node.private_file import write_private
from node.proof import ProofInvalidError
from node.proof_check import listed
from node.proof_keys import known_keys
from node.settings import SettingsError

GENERATION_FILE = "generation.toml"  # beside the network file
FILE_BYTES_MAX = 16 * 1024 * 1024
FIRST = 1

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class GenerationError(SettingsError):
    """A generation cannot be proposed, signed or entered like this; the message says why and what to do."""


class _Part(BaseModel):
    """Base of what stands in the file: closed, unchangeable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(_Part):
    """What is signed: the stream of this generation begins with these blocks.

    network: its id. sequence: of the last block. size: entries. root: of the tree over them. blocks: SHA-256
    over the SHA-256 of each block, 32 bytes each, in order, also of those that were passed over. Hexadecimal.
    """

    network: Hash
    generation: Annotated[int, Field(gt=FIRST, lt=2**31)]
    sequence: Annotated[int, Field(ge=1, lt=2**63)]
    size: Count
    root: Hash
    blocks: Hash

    @property
    def text(self) -> str:
        """The canonical text; nothing else that a member signs begins like it."""
        lines = (f"{name} {getattr(self, name)}\n" for name in type(self).model_fields)
        return "yakujo statement of a generation 1\n" + "".join(lines)

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal: the name of this statement."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Signature(_Part):
    """A member's word for the statement: Ed25519 by the key that signs its blocks, base64."""

    sp: SpName
    signature: str


class Consistency(_Part):
    """The path which shows that the tree begins with that of `size` entries (node.tree.consistent)."""

    size: Count
    hashes: tuple[Hash, ...]


class Generation(_Part):
    """A statement, and all that it takes to judge it.

    acts: whole blocks, base64, in order: those by whose votes the members are others than the founders.
    consistency: for archives that are shorter.
    """

    statement: Statement
    acts: tuple[str, ...] = ()
    consistency: tuple[Consistency, ...] = ()
    signatures: tuple[Signature, ...] = ()


def generation_file(network_file: Path) -> Path:
    """Where a node keeps what generation it is in."""
    return network_file.with_name(GENERATION_FILE)


def generation_in(network_file: Path, network: Network) -> Generation | None:
    """The generation that a node is in, None for the first. Raises GenerationError for a wrong file."""
    path = generation_file(network_file)
    if not path.exists():
        return None
    generation = read_generation(path)
    check_majority(generation, network, path)
    return generation


def read_generation(path: Path) -> Generation:
    """The generation in `path`, its form checked and nothing else. Raises GenerationError."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise GenerationError(f"{path} has more than {FILE_BYTES_MAX} bytes: it is no such statement")
        return Generation.model_validate(tomllib.loads(raw.decode()))
    except OSError as error:
        raise GenerationError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GenerationError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise GenerationError(f"{path} is no statement of a generation: {place}: {first['msg']}") from error


def write_generation(path: Path, generation: Generation) -> None:
    """Write it whole or not at all; on disk when this returns. Raises OSError."""
    tree = generation.model_dump(mode="json", exclude_defaults=True)
    write_private(path, tomli_w.dumps(tree).encode())


def signed_by(generation: Generation, sp: str, key: Ed25519PrivateKey) -> Generation:
    """With the signature of `sp`, in place of an earlier one."""
    made = base64.b64encode(key.sign(generation.statement.text.encode())).decode()
    kept = {one.sp: one for one in generation.signatures} | {sp: Signature(sp=sp, signature=made)}
    return generation.model_copy(update={"signatures": tuple(kept[name] for name in sorted(kept))})


def members_at(generation: Generation, network: Network) -> dict[str, Ed25519PublicKey]:
    """Who is a member at the statement's last block, by what the file holds, with their keys.

    Raises GenerationError where it holds blocks that members of their time have not made.
    """
    try:
        acts = [base64.b64decode(act, validate=True) for act in generation.acts]
        known = known_keys(network, acts).current
    except (binascii.Error, ValueError, ProofInvalidError) as error:
        raise GenerationError(
            f"the acts beside the statement were altered, or are of another network: {error}"
        ) from error
    return {sp: Ed25519PublicKey.from_public_bytes(*keys) for sp, keys in sorted(known.items())}


def signers(generation: Generation, network: Network, source: Path) -> tuple[str, ...]:
    """The members that have signed it. source: the file, for the message.

    Raises GenerationError where it is of another network or any signature is wrong.
    """
    if generation.statement.network != network.id.hex():
        raise GenerationError(
            f"{source} is of another network, with the id {generation.statement.network}; "
            f"this node's has {network.id.hex()}"
        )
    members = members_at(generation, network)
    for one in generation.signatures:
        if one.sp not in members:
            raise GenerationError(f"{source} is signed by {one.sp}, which is no member at its last block")
        if not _is_signature(one, generation.statement, members[one.sp]):
            raise GenerationError(
                f"{source}: the signature of {one.sp} is not of this statement: it was altered since. Get it "
                "again from who proposed it, and sign anew"
            )
    return tuple(sorted({one.sp for one in generation.signatures}))


def needed(members: int) -> int:
    """How many of so many members must sign: more than half."""
    return members // 2 + 1


def check_majority(generation: Generation, network: Network, source: Path) -> tuple[str, ...]:
    """The members that have signed it. Raises GenerationError where those are too few, or see `signers`."""
    have = signers(generation, network, source)
    members = sorted(members_at(generation, network))
    if len(have) < needed(len(members)):
        raise GenerationError(
            f"{source} is signed by {listed(have)}, and {needed(len(members))} of {listed(members)} must "
            "sign: pass it to those who have not, for `yakujo rebuild FOLDER --sign FILE`"
        )
    return have


def _is_signature(one: Signature, statement: Statement, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(base64.b64decode(one.signature, validate=True), statement.text.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
