"""The funds of a statement, a record of their own: written once, and read where funds are compared alone."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Statement, Values
from canonical.identifiers import AccountScheme, FundAccount

ACCOUNTS_MAX = 10_000  # accounts that are remembered, as they are many times in one trade and the next


class Line(NamedTuple):
    """One fund's part in a statement. account: as account_key has it."""

    account: str
    values: Values
    reference: str | None = None


class Lines(Canonical):
    """The lines of one statement as a table, which is read several times as fast as an object for each.

    figures: the names of the columns after account and reference. A figure that is not given is None.
    """

    figures: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class Stated(NamedTuple):
    """A statement with its lines."""

    statement: Statement
    lines: tuple[Line, ...]


def table_of(lines: Iterable[Line]) -> Lines:
    """Lines as they are kept."""
    given = tuple(lines)
    figures = tuple(dict.fromkeys(name for line in given for name in line.values))
    rows = tuple((line.account, line.reference, *map(line.values.get, figures)) for line in given)
    return Lines(figures=figures, rows=rows)


def lines_of(table: Lines) -> tuple[Line, ...]:
    """Lines as table_of keeps them."""
    return tuple(_line(table.figures, *row) for row in table.rows)


def _line(figures: tuple[str, ...], account: str | None, reference: str | None, *given: str | None) -> Line:
    assert account is not None, "table_of begins each row with an account"
    values = {name: text for name, text in zip(figures, given, strict=True) if text is not None}
    return Line(account, values, reference)


@lru_cache(ACCOUNTS_MAX)
def account_of(key: str) -> FundAccount:
    """The account that account_key gave the key of."""
    scheme, _, code = key.partition(":")
    return FundAccount(scheme=AccountScheme(scheme), code=code)


def account_key(account: FundAccount) -> str:
    """An account as a part of keys."""
    return f"{account.scheme}:{account.code}"
