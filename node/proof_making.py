"""What a proof still needs when its entry, path and checkpoint are there: the keys to check it with."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from node.block_header import open_header
from node.checkpoint import Checkpoint, cosigner, member_key, parse_checkpoint
from node.note import Note, NoteSignature, encode_note
from node.proof import MemberKey, Proof


def with_keys(proof: Proof, keys: Mapping[str, Iterable[Ed25519PublicKey]]) -> Proof:
    """`proof` with those of `keys` (by SP, all that it ever had) by which its parts are signed.

    Cosignatures by no such key are left out. Raises CheckpointInvalidError and BlockInvalidError where
    checkpoint or header is not what it should be, NoteInvalidError where no cosignature remains.
    """
    checkpoint, lines = parse_checkpoint(proof.checkpoint)
    signers = [(line, _signer(checkpoint, line, keys)) for line in lines]
    kept = tuple(line for line, key in signers if key is not None)
    used = {key for _, key in signers if key is not None}
    if proof.header:
        _, author = open_header(proof.header, keys.get(proof.sp, ()))
        used.add(MemberKey(proof.sp, author.public_bytes_raw()))
    ordered = tuple(sorted(used, key=lambda key: (key.sp, key.public)))
    return replace(proof, checkpoint=encode_note(Note(checkpoint.text, kept)), keys=ordered)


def _signer(
    checkpoint: Checkpoint, line: NoteSignature, keys: Mapping[str, Iterable[Ed25519PublicKey]]
) -> MemberKey | None:
    """The key that a cosignature names, if it is among `keys`."""
    sp = cosigner(checkpoint, line)
    for key in keys.get(sp, ()):
        if member_key(checkpoint.origin, sp, key).id == line.key_id:
            return MemberKey(sp, key.public_bytes_raw())
    return None
