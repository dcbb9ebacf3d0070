"""The funds of a statement, a record of their own: written once, and read where funds are compared alone."""

from functools import lru_cache
from itertools import chain
from typing import Annotated, NamedTuple

from pydantic import Field

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Statement, Values
from canonical.identifiers import AccountScheme, FundAccount
from canonical.trade import FUNDS_MAX

_ABSENT = "\x00"
COLUMN_CHARACTERS_MAX = 1_000 * FUNDS_MAX  # twenty fees of one fund are some 800
ACCOUNTS_MAX = 10_000  # accounts that are remembered, as they are many times in one trade and the next


class Line(NamedTuple):
    """One fund's part in a statement. account: as account_key has it."""

    account: str
    values: Values
    reference: str | None = None


class Lines(Canonical):
    """The lines of one statement as columns, which are read many times as fast as an object for each.

    figures: the names of the columns after account and reference. columns: a line for each of the lines. What
    is not given has a sign that no code, reference or figure has.
    """

    figures: tuple[str, ...]
    columns: tuple[Annotated[str, Field(max_length=COLUMN_CHARACTERS_MAX)], ...]


class Stated(NamedTuple):
    """A statement with its lines."""

    statement: Statement
    lines: tuple[Line, ...]


def columns_of(lines: tuple[Line, ...]) -> Lines:
    """Lines as they are kept."""
    figures = tuple(dict.fromkeys(chain.from_iterable(line.values for line in lines)))
    columns = [
        "\n".join(line.account for line in lines),
        "\n".join(line.reference or _ABSENT for line in lines),
        *("\n".join([line.values.get(name, _ABSENT) for line in lines]) for name in figures),
    ]
    return Lines(figures=figures, columns=tuple(columns))


def lines_of(kept: Lines) -> tuple[Line, ...]:
    """Lines as columns_of keeps them."""
    accounts, references, *columns = (column.split("\n") for column in kept.columns)
    rows = zip(*columns, strict=True) if columns else ((),) * len(accounts)
    values: list[Values] = [dict(zip(kept.figures, row, strict=True)) for row in rows]
    if any(_ABSENT in column for column in kept.columns[2:]):
        values = [{name: text for name, text in found.items() if text != _ABSENT} for found in values]
    each = zip(accounts, values, references, strict=True)
    return tuple(Line(account, given, named if named != _ABSENT else None) for account, given, named in each)


@lru_cache(ACCOUNTS_MAX)
def account_of(key: str) -> FundAccount:
    """The account that account_key gave the key of."""
    scheme, _, code = key.partition(":")
    return FundAccount(scheme=AccountScheme(scheme), code=code)


def account_key(account: FundAccount) -> str:
    """An account as a part of keys."""
    return f"{account.scheme}:{account.code}"
