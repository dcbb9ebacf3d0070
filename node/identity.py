"""An institution's identity key (Ed25519): held by the institution itself, not by its SPs.

    create_identity(folder, lei, protection) -> Identity     load_identity(folder, protection) -> Identity
    sign_statement(key, statement) -> str                    verify_statement(public, statement, signature)

`identity.key` is a private key file like those of a node (node.key_form). `identity.toml` is public: the LEI
and the key as text, for the network file. A statement is bytes whose meaning the caller defines; a label goes
before it, so that no signature given here is one of a block, of a checkpoint or of anything else.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.key_errors import KeyFileBrokenError, KeyFileError
from node.key_files import INSTITUTION
from node.key_form import alone_in, read_fields, refuse_existing, write_new
from node.key_wrapping import Protection, wrapping_of
from node.keys import SEED_BYTES, PublicKeyInvalidError, signing_public_key, signing_text
from node.private_file import write_private

KEY_FILE = "identity.key"
CARD_FILE = "identity.toml"
_OWNER = "identity "
_STATEMENT_LABEL = b"yakujo institution statement 1\n"


@dataclass(frozen=True, slots=True)
class Identity:
    """An institution and its private identity key. lei: its LEI."""

    lei: str
    signing: Ed25519PrivateKey = field(repr=False)

    @property
    def public_text(self) -> str:
        """The public key as `identity_key` of the network file has it."""
        return signing_text(self.signing.public_key())


def create_identity(folder: Path, lei: str, protection: Protection) -> Identity:
    """Make the identity key of the institution `lei`, and its card, in `folder` (made, 0700, if absent).

    Raises KeyFileExistsError where there is one: an identity is never overwritten.
    """
    if INSTITUTION.fullmatch(lei) is None:
        raise KeyFileError(f"{lei!r} is not an LEI: an identity is that of one institution")
    refuse_existing(folder / KEY_FILE)
    wrapping = wrapping_of(protection)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(folder):
        write_new(folder / KEY_FILE, _OWNER + lei, secrets.token_bytes(SEED_BYTES), wrapping)
    identity = load_identity(folder, wrapping)
    card = {"lei": lei, "identity_key": identity.public_text}
    write_private(folder / CARD_FILE, tomli_w.dumps(card).encode())
    return identity


def load_identity(folder: Path, protection: Protection) -> Identity:
    """The identity in `folder`, else a KeyFileError."""
    path = folder / KEY_FILE
    fields = read_fields(path)
    owner = str(fields.get("owner"))
    lei = owner.removeprefix(_OWNER)
    if lei == owner or INSTITUTION.fullmatch(lei) is None:
        raise KeyFileBrokenError(f"{path} is not an institution's identity: restore it")
    seed = wrapping_of(protection).opened(owner, fields)
    if len(seed) != SEED_BYTES:
        raise KeyFileBrokenError(f"{path} is damaged: restore it from a backup")
    return Identity(lei, Ed25519PrivateKey.from_private_bytes(seed))


def sign_statement(key: Ed25519PrivateKey, statement: bytes) -> str:
    """The signature of an institution under `statement`, base64."""
    return base64.b64encode(key.sign(_STATEMENT_LABEL + statement)).decode()


def verify_statement(public: str, statement: bytes, signature: str) -> bool:
    """Whether the holder of the key `public`, as `signing_text` writes it, has signed exactly `statement`.

    Any text may be given. False for one that is no key, and for a signature not in its only text form.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        signing_public_key(public).verify(raw, _STATEMENT_LABEL + statement)
    except (binascii.Error, ValueError, PublicKeyInvalidError, InvalidSignature):
        return False
    return base64.b64encode(raw).decode() == signature
