"""How the secret in a key file is protected: in clear, under a passphrase, or by a token's key.

    wrapping_of(protection) -> Wrapping     wrapping.closed(owner, content) -> fields
                                            wrapping.opened(owner, fields) -> content

A wrapping gives the fields of a file that are its own: `cipher`, which says how the file is wrapped, what
leads to the key, and `secret`: the content in AES-256-GCM, bound to its owner's name, so that a file that is
renamed to another owner does not open. The key is made of the passphrase by scrypt (RFC 7914) and the file's
salt, or lies in the file, wrapped by a token (node.pkcs11_wrapping). (PKCS#8, as the cryptography package
writes it, protects a key by 2,048 rounds of PBKDF2, and has no form for X-Wing or a tree of days.)
"""

import base64
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from node.key_errors import KeyFileBrokenError, KeyFileError, PassphraseError, WrappingError

FORMAT = "yakujo private key 2"
KEY_BYTES = 32

_NONE, _SCRYPT, TOKEN_CIPHER = "none", "scrypt aes-256-gcm", "pkcs11 aes-256-gcm"
_SALT_BYTES, _NONCE_BYTES = 16, 12
_SCRYPT_COST, _SCRYPT_BLOCK = 2**17, 8  # 128 MiB for about half a second, once per directory


class Wrapping(ABC):
    """Turns the secret of a key file into fields of the file and back. Its repr shows nothing."""

    cipher: ClassVar[str]

    @abstractmethod
    def closed(self, owner: str, content: bytes) -> dict[str, str]:
        """The fields of the file that holds `content` of `owner`."""

    def opened(self, owner: str, fields: Mapping[str, Any]) -> bytes:
        """The content in a file of `owner`.

        Raises WrappingError where it is wrapped in another way than this, KeyFileBrokenError, TokenError.
        """
        if fields.get("cipher") != self.cipher:
            raise WrappingError(f"the keys of {owner} are {described(fields)}")
        try:
            return self._content(owner, fields)
        except (KeyError, TypeError, ValueError) as error:
            raise KeyFileBrokenError(_damaged(owner)) from error

    @abstractmethod
    def _content(self, owner: str, fields: Mapping[str, Any]) -> bytes: ...


class ClearWrapping(Wrapping):
    """No protection but the file's mode."""

    cipher = _NONE

    def closed(self, owner: str, content: bytes) -> dict[str, str]:  # noqa: ARG002 - nothing binds it here
        """The content as it is."""
        return {"cipher": self.cipher, "secret": to_text(content)}

    def _content(self, owner: str, fields: Mapping[str, Any]) -> bytes:  # noqa: ARG002 - as above
        return from_text(fields["secret"])


class KeyedWrapping(Wrapping):
    """AES-256-GCM under a key that the file leads to, by what stands in its field `origin_field`.

    Getting at the key is slow, so all files of a directory share one origin, and it is done once.
    """

    origin_field: ClassVar[str]

    def __init__(self) -> None:
        self._origin: bytes | None = None
        self._keys: dict[bytes, bytes] = {}

    def closed(self, owner: str, content: bytes) -> dict[str, str]:
        """The content encrypted, under the key of the file that was opened last, else under a new one."""
        if self._origin is None:
            self._origin = self._new_origin()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = AESGCM(self._key(self._origin)).encrypt(nonce, content, _bound_to(owner))
        named = {"cipher": self.cipher, self.origin_field: to_text(self._origin)}
        return named | {"nonce": to_text(nonce), "secret": to_text(box)}

    def _content(self, owner: str, fields: Mapping[str, Any]) -> bytes:
        origin = from_text(fields[self.origin_field])
        box, nonce = from_text(fields["secret"]), from_text(fields["nonce"])
        try:
            content = AESGCM(self._key(origin)).decrypt(nonce, box, _bound_to(owner))
        except InvalidTag as error:
            raise self._refusal(owner) from error
        self._origin = origin
        return content

    def _key(self, origin: bytes) -> bytes:
        if origin not in self._keys:
            self._keys[origin] = self._key_of(origin)
        return self._keys[origin]

    def _refusal(self, owner: str) -> KeyFileError:
        """What it means that the key does not open the file."""
        return KeyFileBrokenError(_damaged(owner))

    @abstractmethod
    def _new_origin(self) -> bytes: ...

    @abstractmethod
    def _key_of(self, origin: bytes) -> bytes:
        """The key, 32 bytes, that belongs to `origin`."""


class PassphraseWrapping(KeyedWrapping):
    """Under a passphrase. Raises PassphraseError where it is empty."""

    cipher = _SCRYPT
    origin_field = "salt"

    def __init__(self, passphrase: bytes) -> None:
        if not passphrase:
            raise PassphraseError("the passphrase is empty: give one, or none at all for keys in clear")
        super().__init__()
        self._passphrase = passphrase

    def _new_origin(self) -> bytes:
        return secrets.token_bytes(_SALT_BYTES)

    def _key_of(self, origin: bytes) -> bytes:
        kdf = Scrypt(salt=origin, length=KEY_BYTES, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1)
        return kdf.derive(self._passphrase)

    def _refusal(self, owner: str) -> KeyFileError:
        return PassphraseError(f"wrong passphrase for the keys of {owner}, or an altered file")


Protection: TypeAlias = Wrapping | bytes | None


def wrapping_of(protection: Protection) -> Wrapping:
    """What protects keys: a passphrase, another wrapping such as a token's, or None for keys in clear.

    Keep what this returns where several calls follow one another: it makes the slow step once.
    """
    if isinstance(protection, Wrapping):
        return protection
    return ClearWrapping() if protection is None else PassphraseWrapping(protection)


def described(fields: Mapping[str, Any]) -> str:
    """How a file is wrapped, and what its reader must therefore give."""
    cipher = fields.get("cipher")
    if cipher == TOKEN_CIPHER:
        token, key = fields.get("token"), fields.get("key")
        return (
            f"wrapped by the key {key!r} of the token {token!r}: name both, and the token's library and PIN"
        )
    return {
        _NONE: "in clear: give no passphrase and no token, or wrap them first",
        _SCRYPT: "encrypted: give the passphrase",
    }.get(str(cipher), "wrapped in a way that this version does not know, or the file is damaged: restore it")


def to_text(raw: bytes) -> str:
    """Bytes as a field of the file, base64."""
    return base64.b64encode(raw).decode()


def from_text(text: str) -> bytes:
    """What `to_text` wrote. Raises TypeError or ValueError."""
    return base64.b64decode(text, validate=True)


def _bound_to(owner: str) -> bytes:
    return f"{FORMAT}|{owner}".encode()


def _damaged(owner: str) -> str:
    return f"the key file of {owner} is damaged: restore it from a backup"
