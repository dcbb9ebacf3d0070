"""A checkpoint: what one node says of the ledger at one size, in the form of C2SP tlog-checkpoint.

    sign_checkpoint(checkpoint, sp, key, time) -> bytes     a note with the cosignature of one node
    parse_checkpoint(raw) -> (Checkpoint, signatures)       checks the form alone
    member_cosigned_at(checkpoint, signature, key)          checks one signature
    merge_checkpoints(notes) -> bytes                       one note with the cosignatures of several

The text of the note is the origin, the size, the root and a line with the digest of the contracts' state. Who
cosigns it (C2SP tlog-cosignature) says: the ledger that I have kept, from its first entry, has this root at
this size, and what I made of it this state. The same text from several nodes is one checkpoint.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.note import (
    Note,
    NoteInvalidError,
    NoteSignature,
    SignatureKind,
    VerifierKey,
    cosign,
    cosigned_at,
    decode_note,
    encode_note,
    from_base64,
)
from node.tree import HASH_BYTES

SIZE_MAX = 2**63 - 1
_UNSAFE = re.compile(r"[^A-Za-z0-9._~-]+")  # all but the unreserved characters of RFC 3986, section 2.3
_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\nstate ([^\n]+)\n")


class CheckpointInvalidError(ValueError):
    """The bytes are no checkpoint, or not one of whom they name; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(f"checkpoint refused: {text}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger at one size. origin: of which network. root: of the tree. state: a digest. 32 bytes each."""

    origin: str
    size: int
    root: bytes
    state: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        root, state = (base64.b64encode(hash_).decode() for hash_ in (self.root, self.state))
        return f"{self.origin}\n{self.size}\n{root}\nstate {state}\n"


def network_origin(name: str, network: bytes) -> str:
    """The origin of a network's checkpoints: its name, for people, and enough of its id to tell it apart."""
    return f"yakujo/{_UNSAFE.sub('-', name)}/{network.hex()[:16]}"


def member_key(origin: str, sp: str, public: Ed25519PublicKey) -> VerifierKey:
    """The key by which a member cosigns; its `text` is what public tools take as a witness's vkey."""
    return VerifierKey(f"{origin}/{sp}", SignatureKind.COSIGNATURE, public)


def sign_checkpoint(checkpoint: Checkpoint, sp: str, key: Ed25519PrivateKey, time: int) -> bytes:
    """The note by which `sp` says so at `time`, in seconds since 1970."""
    _check(checkpoint)
    name = member_key(checkpoint.origin, sp, key.public_key()).name
    return encode_note(Note(checkpoint.text, (cosign(checkpoint.text, name, key, time),)))


def parse_checkpoint(raw: bytes) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    """The checkpoint in `raw` and its cosignatures, checked by nobody yet, else CheckpointInvalidError.

    All lines must be cosignatures in ascending order, one for each key: one set of them has one byte form.
    """
    try:
        note = decode_note(raw)
        checkpoint = _from_text(note.text)
    except NoteInvalidError as error:
        raise CheckpointInvalidError(str(error)) from error
    if strange := next((each.name for each in note.signatures if each.time is None), None):
        raise CheckpointInvalidError(f"the line of {strange} is no cosignature")
    if list(note.signatures) != sorted(_latest(note.signatures), key=_key):
        raise CheckpointInvalidError("the cosignatures are not in order, or one stands twice")
    return checkpoint, note.signatures


def member_cosigned_at(
    checkpoint: Checkpoint, signature: NoteSignature, sp: str, public: Ed25519PublicKey
) -> int:
    """When `sp` cosigned it with this key, in seconds since 1970, else CheckpointInvalidError."""
    try:
        return cosigned_at(checkpoint.text, signature, member_key(checkpoint.origin, sp, public))
    except NoteInvalidError as error:
        raise CheckpointInvalidError(str(error)) from error


def cosigner(checkpoint: Checkpoint, signature: NoteSignature) -> str:
    """The SP that a line names, else CheckpointInvalidError."""
    origin, slash, sp = signature.name.rpartition("/")
    if (origin, slash) != (checkpoint.origin, "/"):
        raise CheckpointInvalidError(f"{signature.name} is not the name of a member of {checkpoint.origin}")
    return sp


def merge_checkpoints(notes: Iterable[bytes]) -> bytes:
    """One note with all cosignatures of `notes`, which say the same; of one key, its latest."""
    parsed = [parse_checkpoint(raw) for raw in notes]
    checkpoints = {checkpoint for checkpoint, _ in parsed}
    if len(checkpoints) != 1:
        raise CheckpointInvalidError(f"{len(checkpoints)} different ones cannot be merged")
    found = sorted(_latest(each for _, signatures in parsed for each in signatures), key=_key)
    return encode_note(Note(checkpoints.pop().text, tuple(found)))


def _from_text(text: str) -> Checkpoint:
    form = _TEXT.fullmatch(text)
    if form is None:
        raise CheckpointInvalidError("not an origin, a size, a root and a line with the state")
    origin, size, root, state = form.groups()
    checkpoint = Checkpoint(origin, int(size), from_base64(root), from_base64(state))
    _check(checkpoint)
    return checkpoint


def _check(checkpoint: Checkpoint) -> None:
    if not checkpoint.origin or any(letter.isspace() or letter == "+" for letter in checkpoint.origin):
        raise CheckpointInvalidError("an origin has no space and no +")
    if not 0 <= checkpoint.size <= SIZE_MAX:
        raise CheckpointInvalidError("the size is out of range")
    if not len(checkpoint.root) == len(checkpoint.state) == HASH_BYTES:
        raise CheckpointInvalidError(f"root and state have {HASH_BYTES} bytes")


def _latest(signatures: Iterable[NoteSignature]) -> list[NoteSignature]:
    """Of each key its latest cosignature: time stands first in it."""
    ordered = sorted(signatures, key=lambda each: each.signature)
    return list({_key(each): each for each in ordered}.values())


def _key(signature: NoteSignature) -> tuple[str, bytes]:
    return signature.name, signature.key_id
