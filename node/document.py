"""A document that the two sides of a relationship have agreed on, which nobody else may read.

    new_document(network, broker, investor, about, text) -> Document
    seal_document(document, readers) -> DocumentEntry
    open_document(entry, network, keys) -> Document | None
    Opening.of(document)        what shows a third party what an act has agreed on

Acts are in clear, so they name a document by its id alone: SHA-256 over the network, both sides, what it is
about, its text and its key, 32 random bytes. Without the key nobody can try texts until one fits, and nobody
can show two readers different texts under one id. The text is encrypted with the key (AES-256-GCM), padded to
a size class, and the key travels in one box per reader (node.envelope), sealed to the lasting key of a
delegation: a document outlives the days of what was traded by it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from pydantic import Field, TypeAdapter, ValidationError

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.identifiers import Lei
from node import cbor
from node.entry import DOCUMENT_BOX_BYTES_MAX, DocumentEntry
from node.envelope import (
    SUITE,
    TAG_BYTES,
    ZERO_NONCE,
    Readers,
    SealBrokenError,
    SealingError,
    boxes_for,
    check_suite,
    opened_box,
    padded,
    size_class,
    unpadded,
)

KEY_BYTES = 32
TEXT_BYTES_MAX = DOCUMENT_BOX_BYTES_MAX - TAG_BYTES - 256  # beside it stand both sides and padding
OPENING_BYTES_MAX = 2 * TEXT_BYTES_MAX

_ID_LABEL = "yakujo document 1"
_KEY_LABEL = b"yakujo document key 1\x00"
_TEXT_LABEL = b"yakujo document text 1\x00"


class About(StrEnum):
    """What a document is about."""

    RULES = "rules"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Document:
    """network: its id. broker, investor: LEIs. key: 32 bytes; whoever has it and the entry can read it."""

    network: bytes
    broker: str
    investor: str
    about: About
    text: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """What acts and entries name it by, 32 bytes."""
        named: list[cbor.Item] = [_ID_LABEL, self.network, self.broker, self.investor, self.about.value]
        return hashlib.sha256(cbor.encode([*named, self.text, self.key])).digest()


class Opening(Canonical):
    """A document with its key: what an institution hands to an SP of its own, and shows to a court.

    text: base64. key: hexadecimal.
    """

    broker: Lei
    investor: Lei
    about: About
    text: Annotated[str, Field(max_length=OPENING_BYTES_MAX)]
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @classmethod
    def of(cls, document: Document) -> "Opening":
        """All of a document but its network."""
        text = base64.b64encode(document.text).decode()
        sides = {"broker": document.broker, "investor": document.investor}
        return cls.model_validate({**sides, "about": document.about, "text": text, "key": document.key.hex()})

    def document(self, network: bytes) -> Document:
        """The document, in a network. Raises ValueError where it is none."""
        try:
            text = base64.b64decode(self.text, validate=True)
        except binascii.Error as error:
            raise ValueError("its text is not in base64") from error
        return _checked(
            Document(network, self.broker, self.investor, self.about, text, bytes.fromhex(self.key))
        )

    def to_bytes(self) -> bytes:
        """Its byte form, a line of JSON. Secret."""
        return canonical_bytes(self) + b"\n"

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Opening":
        """What `to_bytes` wrote. Raises ValueError."""
        try:
            return from_canonical_bytes(_OPENING, raw.removesuffix(b"\n"))
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


_OPENING = TypeAdapter(Opening)


def new_document(network: bytes, broker: str, investor: str, about: About, text: bytes) -> Document:
    """A document with a fresh key. Raises ValueError where it is too large."""
    key = secrets.token_bytes(KEY_BYTES)
    return _checked(Document(network, broker, investor, about, text, key))


def seal_document(document: Document, readers: Sequence[MLKEM768X25519PublicKey]) -> DocumentEntry:
    """The entry by which each of `readers`, and nobody else, can read a document."""
    boxes = boxes_for(document.key, readers, partial(_box_info, document.network, document.id))
    said: list[cbor.Item] = [document.broker, document.investor, document.about.value, document.text]
    plaintext = cbor.encode(said)
    filled = padded(plaintext, size_class(len(plaintext) + 1))
    header = _text_header(document.network, document.id)
    # The nonce is that of a key which encrypts this one text; put again for another reader, it is the same.
    box = AESGCM(document.key).encrypt(ZERO_NONCE, filled, header)
    return DocumentEntry(SUITE, document.id, boxes, box)


def open_document(entry: DocumentEntry, network: bytes, keys: Readers) -> Document | None:
    """The document in `entry` if one of `keys` opens a box of it, else None: it is for others.

    Raises SealBrokenError where it is not what its id commits to, SealUnsupportedError.
    """
    check_suite(entry.suite)
    for slot, box in enumerate(entry.boxes):
        opened = opened_box(box, keys, _box_info(network, entry.document_id, slot))
        if opened is not None:
            return _committed(entry, network, opened[1])
    return None


def _committed(entry: DocumentEntry, network: bytes, key: bytes) -> Document:
    try:
        header = _text_header(network, entry.document_id)
        said = cbor.decode(unpadded(AESGCM(key).decrypt(ZERO_NONCE, entry.box, header)))
        document = _document(network, said, key)
    except (InvalidTag, ValueError, SealingError) as error:
        raise SealBrokenError("a document was altered: its maker is broken or malicious") from error
    if not hmac.compare_digest(document.id, entry.document_id):
        raise SealBrokenError("a document is not the one that its id commits to: distrust its maker")
    return document


def _document(network: bytes, said: object, key: bytes) -> Document:
    match said:
        case [str(broker), str(investor), str(about), bytes(text)]:
            return Document(network, broker, investor, About(about), text, key)
    raise ValueError("not a broker, an investor, what it is about and a text")


def _checked(document: Document) -> Document:
    if not 1 <= len(document.text) <= TEXT_BYTES_MAX:
        raise ValueError(f"a document has 1 to {TEXT_BYTES_MAX} bytes, this one {len(document.text)}")
    return document


def _box_info(network: bytes, document_id: bytes, slot: int) -> bytes:
    """What a box is bound to; every part has a fixed length."""
    return _KEY_LABEL + network + bytes([SUITE, slot]) + document_id


def _text_header(network: bytes, document_id: bytes) -> bytes:
    return _TEXT_LABEL + network + bytes([SUITE]) + document_id
