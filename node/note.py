"""Signed notes, C2SP signed-note: a text and lines of signatures under it, for people and programs.

    encode_note(note) -> bytes                  decode_note(raw) -> Note
    cosign(text, name, key, time)               cosigned_at(text, signature, key) -> time
    sign_text(text, name, key)                  check_signed(text, signature, key)

A key has a name, and in a line of a signature an id of four bytes that finds it again and proves nothing. Two
types of signatures: Ed25519 over the text, and Ed25519 over the time and the text (C2SP tlog-cosignature,
cosignature/v1). One note has one byte form here: what is not in it is refused.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 64  # signed-note asks for 16 at least
NAME_CHARACTERS_MAX = 255
TIME_MAX = 2**63 - 1

_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_ED25519_BYTES = 64
_COSIGNATURE_BYTES = _TIME_BYTES + _ED25519_BYTES
_LINE = "\u2014 "  # an em dash and a space begin a line of a signature


class NoteInvalidError(ValueError):
    """The bytes are no note in its one form, or a line is no signature by that key; the text says why."""


class SignatureKind(IntEnum):
    """What a key signs. The numbers are those of signed-note."""

    TEXT = 0x01  # the text
    COSIGNATURE = 0x04  # the time and the text


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A line under a note. key_id: 4 bytes. signature: 64 bytes, with 8 of the time before if cosigned."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def time(self) -> int | None:
        """When it was cosigned, seconds since 1970; None where it is no cosignature."""
        if len(self.signature) != _COSIGNATURE_BYTES:
            return None
        return int.from_bytes(self.signature[:_TIME_BYTES])


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signatures, checked by nobody yet."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name. As text it is what signed-note calls a vkey: name+id+key."""

    name: str
    kind: SignatureKind
    public: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """The id of this key under this name, 4 bytes."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public.public_bytes_raw()
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as text, for `verifier_key`."""
        key = base64.b64encode(bytes([self.kind]) + self.public.public_bytes_raw()).decode()
        return f"{self.name}+{self.id.hex()}+{key}"


def verifier_key(text: str) -> VerifierKey:
    """The key that `VerifierKey.text` wrote, else NoteInvalidError."""
    name, _, rest = text.partition("+")
    id_, _, encoded = rest.partition("+")
    check_name(name)
    raw = from_base64(encoded)
    if len(raw) != 1 + 32 or raw[0] not in set(SignatureKind):
        raise NoteInvalidError("not a key of a known type: name, id and key, joined by +")
    key = VerifierKey(name, SignatureKind(raw[0]), Ed25519PublicKey.from_public_bytes(raw[1:]))
    if id_ != key.id.hex():
        raise NoteInvalidError(f"the id of this key is {key.id.hex()} and not {id_}: a character was altered")
    return key


def check_name(name: str) -> None:
    """Raise NoteInvalidError where `name` cannot be the name of a key."""
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        raise NoteInvalidError(f"the name of a key has 1 to {NAME_CHARACTERS_MAX} characters")
    if "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise NoteInvalidError("the name of a key has no space, control character or +")


def encode_note(note: Note) -> bytes:
    """The byte form of `note`, within the limits, else NoteInvalidError."""
    _check_text(note.text)
    if not 1 <= len(note.signatures) <= SIGNATURES_MAX:
        raise NoteInvalidError(f"a note has 1 to {SIGNATURES_MAX} signatures")
    raw = (note.text + "\n" + "".join(map(_line, note.signatures))).encode()
    if len(raw) > NOTE_BYTES_MAX:
        raise NoteInvalidError(f"a note has at most {NOTE_BYTES_MAX} bytes")
    return raw


def decode_note(raw: bytes) -> Note:
    """The note in `raw`; NoteInvalidError where it is not in its one byte form or breaks a limit."""
    if len(raw) > NOTE_BYTES_MAX:
        raise NoteInvalidError(f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        text, blank, lines = raw.decode().rpartition("\n\n")
    except UnicodeDecodeError as error:
        raise NoteInvalidError("not UTF-8") from error
    if not blank or not lines.endswith("\n"):
        raise NoteInvalidError("not a text, an empty line and lines of signatures")
    note = Note(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))
    if encode_note(note) != raw:
        raise NoteInvalidError("not in its one byte form")
    return note


def sign_text(text: str, name: str, key: Ed25519PrivateKey) -> NoteSignature:
    """The signature over `text` by the key of this name."""
    named = VerifierKey(name, SignatureKind.TEXT, key.public_key())
    return NoteSignature(name, named.id, key.sign(text.encode()))


def check_signed(text: str, signature: NoteSignature, key: VerifierKey) -> None:
    """Raise NoteInvalidError unless `key`, of the kind TEXT, made this signature over `text`."""
    _check_key(signature, key, SignatureKind.TEXT, _ED25519_BYTES)
    _check_bytes(key, signature.signature, text.encode())


def cosign(text: str, name: str, key: Ed25519PrivateKey, time: int) -> NoteSignature:
    """The cosignature over `text` at `time`, in seconds since 1970, by the key of this name."""
    named = VerifierKey(name, SignatureKind.COSIGNATURE, key.public_key())
    signature = key.sign(_cosigned(text, time))
    return NoteSignature(name, named.id, time.to_bytes(_TIME_BYTES) + signature)


def cosigned_at(text: str, signature: NoteSignature, key: VerifierKey) -> int:
    """When `key`, of the kind COSIGNATURE, cosigned `text`, else NoteInvalidError."""
    _check_key(signature, key, SignatureKind.COSIGNATURE, _COSIGNATURE_BYTES)
    time = int.from_bytes(signature.signature[:_TIME_BYTES])
    if time > TIME_MAX:
        raise NoteInvalidError(f"the time of the cosignature by {key.name} is out of range")
    _check_bytes(key, signature.signature[_TIME_BYTES:], _cosigned(text, time))
    return time


def from_base64(text: str) -> bytes:
    """The bytes in `text`: RFC 4648, section 4, in the one form that has no loose bits."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalidError("not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalidError("not base64 in its one form")
    return raw


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteInvalidError("the text of a note ends in a newline")
    if any(letter < " " and letter != "\n" for letter in text):
        raise NoteInvalidError("a note has no control characters but newlines")


def _line(signature: NoteSignature) -> str:
    check_name(signature.name)
    if len(signature.key_id) != _KEY_ID_BYTES or not signature.signature:
        raise NoteInvalidError("a signature is the id of a key, 4 bytes, and what follows")
    encoded = base64.b64encode(signature.key_id + signature.signature).decode()
    return f"{_LINE}{signature.name} {encoded}\n"


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_LINE).partition(" ")
    if not line.startswith(_LINE) or not space:
        raise NoteInvalidError("a line under a note is not an em dash, a name and a signature")
    raw = from_base64(encoded)
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _cosigned(text: str, time: int) -> bytes:
    """What is signed by a cosignature."""
    assert 0 <= time <= TIME_MAX
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _check_key(signature: NoteSignature, key: VerifierKey, kind: SignatureKind, length: int) -> None:
    if key.kind is not kind:
        raise NoteInvalidError(f"the key of {key.name} is for signatures of another type")
    if (signature.name, signature.key_id) != (key.name, key.id):
        raise NoteInvalidError(f"the signature of {signature.name} is not by the key of {key.name}")
    if len(signature.signature) != length:
        raise NoteInvalidError(f"the signature of {key.name} does not have {length} bytes")


def _check_bytes(key: VerifierKey, signature: bytes, signed: bytes) -> None:
    try:
        key.public.verify(signature, signed)
    except InvalidSignature as error:
        raise NoteInvalidError(f"not signed by {key.name}, or altered since") from error
