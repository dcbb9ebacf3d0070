"""How JetStream says no, or nothing: kinds of LedgerUnavailableError that node.jetstream tells apart."""

from typing import Any

from node.ledger import LedgerUnavailableError


class ApiError(LedgerUnavailableError):
    """JetStream said no. code: its err_code."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("description", "no description")))
        self.code = int(error.get("err_code", 0))


class SilentError(LedgerUnavailableError):
    """Somebody was asked and has not answered in time. It may have done what was asked, or never will."""


def described(error: BaseException) -> str:
    """An error's kind and text, for logs and messages."""
    return f"{type(error).__name__} {error}".strip()
