"""Keys protected by a PKCS#11 token: a security module, a smart card, or SoftHSM.

    make_token_key(place)     TokenWrapping(place): a node.key_wrapping.Wrapping

An AES-256 key that never leaves the token wraps (CKM_AES_GCM) one random key, which stands so wrapped in
every file of a directory and encrypts its content. So the token is asked once when a node starts and not for
each file, and an institution's tree of days may be larger than what a token takes at once.
python-pkcs11 (the extra `pkcs11`) is imported by what is used here, not by importing this module.
"""

import contextlib
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.key_errors import (
    TokenError,
    TokenKeyError,
    TokenLibraryError,
    TokenMissingError,
    TokenPinError,
    WrappingError,
)
from node.key_wrapping import KEY_BYTES, TOKEN_CIPHER, KeyedWrapping, described

if TYPE_CHECKING:
    import pkcs11

_NONCE_BYTES, _TAG_BITS = 12, 128
_LABEL = b"yakujo wrapping key 1"  # associated data: what else the token's key encrypts opens nothing here
_ONE_AT_A_TIME = threading.Lock()  # to log in is a state of the whole process: a second session could not


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where the wrapping key is. module: the token's library. token, key: their labels. pin: the user's."""

    module: Path
    token: str
    key: str
    pin: str = field(repr=False)


class TokenWrapping(KeyedWrapping):
    """Under a key of a token. Its calls raise TokenError where the token does not serve."""

    cipher = TOKEN_CIPHER
    origin_field = "wrapped_key"

    def __init__(self, place: TokenPlace) -> None:
        super().__init__()
        self._place = place

    def closed(self, owner: str, content: bytes) -> dict[str, str]:
        """The content encrypted, with the labels of the token and the key that open it."""
        return {"token": self._place.token, "key": self._place.key, **super().closed(owner, content)}

    def opened(self, owner: str, fields: Mapping[str, Any]) -> bytes:
        """The content; WrappingError also where another token or key has wrapped it."""
        named = (fields.get("token"), fields.get("key"))
        if fields.get("cipher") == self.cipher and named != (self._place.token, self._place.key):
            raise WrappingError(f"the keys of {owner} are {described(fields)}")
        return super().opened(owner, fields)

    def _new_origin(self) -> bytes:
        key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
        wrapped = nonce + _crypt(self._place, "encrypt", nonce, key)
        if self._key_of(wrapped) != key:  # some modules replace the nonce by one of their own
            raise TokenError(
                f"the token {self._place.token!r} does not open what it wrapped: use another one"
            )
        return wrapped

    def _key_of(self, origin: bytes) -> bytes:
        return _crypt(self._place, "decrypt", origin[:_NONCE_BYTES], origin[_NONCE_BYTES:])


def make_token_key(place: TokenPlace) -> None:
    """Make the wrapping key in the token: AES-256, to stay there, never to be shown or taken out.

    Raises TokenKeyError where there is one of this label, or the token refuses.
    """
    with _session(place, writing=True) as session:
        import pkcs11  # noqa: PLC0415 - optional, and proven to be there by _session

        if _keys_named(session, place.key):
            raise TokenKeyError(
                f"the token {place.token!r} has a key {place.key!r} already: choose another name"
            )
        try:
            session.generate_key(
                pkcs11.KeyType.AES,
                8 * KEY_BYTES,
                label=place.key,
                store=True,
                capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
                template={
                    pkcs11.Attribute.PRIVATE: True,
                    pkcs11.Attribute.SENSITIVE: True,
                    pkcs11.Attribute.EXTRACTABLE: False,
                },
            )
        except pkcs11.PKCS11Error as error:
            why = f"the token {place.token!r} makes no AES-256 key: {_named(error)}"
            raise TokenKeyError(f"{why}; make one with its own tools, named {place.key!r}") from error


def _crypt(place: TokenPlace, act: str, nonce: bytes, text: bytes) -> bytes:
    """AES-GCM in the token. act: "encrypt" or "decrypt"."""
    with _session(place) as session:
        import pkcs11  # noqa: PLC0415 - optional, and proven to be there by _session

        key = _wrapping_key(session, place)
        how = pkcs11.GCMParams(nonce, _LABEL, _TAG_BITS)
        try:
            done: bytes = getattr(key, act)(text, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=how)
        except pkcs11.MechanismInvalid as error:
            raise TokenError(f"the token {place.token!r} does not offer AES-GCM: use another one") from error
        except pkcs11.PKCS11Error as error:
            why = f"the key {place.key!r} of the token {place.token!r} does not {act} ({_named(error)})"
            raise TokenKeyError(f"{why}: it is not the key that wrapped, or the file was altered") from error
        return done


def _wrapping_key(session: "pkcs11.Session", place: TokenPlace) -> Any:
    where = f"in the token {place.token!r}"
    keys = _keys_named(session, place.key)
    if not keys:
        raise TokenKeyError(f"there is no AES key {place.key!r} {where}: make it, or correct the name")
    if len(keys) > 1:
        raise TokenKeyError(f"there are several keys {place.key!r} {where}: rename all but one")
    return keys[0]


def _keys_named(session: "pkcs11.Session", label: str) -> list[Any]:
    """The AES keys of this label. Session.get_key would leave a search open that ends after its session."""
    import pkcs11  # noqa: PLC0415 - optional, and proven to be there by _session

    kind = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
    }
    return list(session.get_objects({**kind, pkcs11.Attribute.LABEL: label}))


@contextlib.contextmanager
def _session(place: TokenPlace, *, writing: bool = False) -> Iterator["pkcs11.Session"]:
    """The token, logged in. Only one at a time in this process; others wait."""
    try:
        import pkcs11  # noqa: PLC0415 - optional: the extra `pkcs11`
    except ImportError as error:
        raise TokenLibraryError("keys in a token need python-pkcs11: install yakujo[pkcs11]") from error
    with _ONE_AT_A_TIME:
        token = _token(place)
        try:
            session = token.open(rw=writing, user_pin=place.pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
            why = f"wrong PIN for the token {place.token!r}: correct the file before you try again"
            raise TokenPinError(f"{why}, for it locks itself after a few wrong ones") from error
        except (pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.UserPinNotInitialized) as error:
            why = f"the token {place.token!r} lets nobody log in ({_named(error)})"
            raise TokenPinError(f"{why}: set its user PIN with its own tools") from error
        except pkcs11.PKCS11Error as error:
            raise TokenError(f"the token {place.token!r} cannot be opened: {_named(error)}") from error
        with session:
            try:
                yield session
            except pkcs11.PKCS11Error as error:
                raise TokenError(f"the token {place.token!r} does not serve: {_named(error)}") from error


def _token(place: TokenPlace) -> "pkcs11.Token":
    import pkcs11  # noqa: PLC0415 - optional, and proven to be there by _session

    if not place.module.is_file():
        raise TokenLibraryError(
            f"there is no {place.module}: install the token's library, or correct the path"
        )
    try:
        return pkcs11.lib(str(place.module)).get_token(token_label=place.token)
    except pkcs11.NoSuchToken as error:
        why = f"{place.module} sees no token {place.token!r}"
        raise TokenMissingError(f"{why}: plug it in or set it up, or correct the name") from error
    except pkcs11.MultipleTokensReturned as error:
        raise TokenMissingError(f"{place.module} sees several tokens {place.token!r}: rename one") from error
    except pkcs11.PKCS11Error as error:
        raise TokenLibraryError(f"{place.module} does not start: {_named(error)}") from error


def _named(error: Exception) -> str:
    """The kind of error, for most come without a text."""
    return f"{type(error).__name__} {error}".strip()
