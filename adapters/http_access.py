"""Who a request comes from: a bearer token (RFC 6750), of which only the SHA-256 is known here.

A token is 32 random bytes, so its plain digest gives nothing away that could be guessed.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "yakujo_"
_TOKEN_CHARACTERS_MAX = 256


@dataclass(frozen=True, slots=True)
class Account:
    """A client, and the SHA-256 of each token that it may show, as hexadecimal digits.

    There are several while one replaces another.
    """

    client: str
    digests: tuple[str, ...]


def new_token() -> str:
    """A token that nobody has."""
    return PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What the configuration keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Access:
    """Tells clients by their tokens. Raises ValueError where two clients have the same."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._known = [(digest, account.client) for account in accounts for digest in account.digests]
        if len({digest for digest, _ in self._known}) != len(self._known):
            raise ValueError("two clients have the same token: make each its own with `yakujo keys api`")

    def client_of(self, authorization: str) -> str | None:
        """The client that the header Authorization names; None for nobody.

        All that is known is compared, each in constant time.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _TOKEN_CHARACTERS_MAX:
            return None
        shown = token_digest(token.strip())
        found = [client for digest, client in self._known if hmac.compare_digest(digest, shown)]
        return found[0] if found else None
