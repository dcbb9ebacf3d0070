"""The funds of a statement, a record of their own: written once, and read where funds are compared alone."""

from functools import lru_cache
from typing import NamedTuple

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Statement, Values
from canonical.identifiers import AccountScheme, FundAccount

_ABSENT = "\x00"
ACCOUNTS_MAX = 10_000  # accounts that are remembered, as they are many times in one trade and the next


class Figures(NamedTuple):
    """A fund's figures as one text: that two sides state the same is seen without taking it apart.

    names: of canonical/rules.py, the quantity's first. text: a line for each of them.
    """

    names: tuple[str, ...]
    text: str

    @property
    def quantity(self) -> str:
        """The one figure that is always there."""
        return self.text.partition("\n")[0]

    @property
    def values(self) -> Values:
        """The figures by name."""
        return dict(zip(self.names, self.text.split("\n"), strict=True))


class Line(NamedTuple):
    """One fund's part in a statement. account: as account_key has it."""

    account: str
    figures: Figures
    reference: str | None = None


class Lines(Canonical):
    """The lines of one statement. names: of the figures that they give.

    rows: for each its account, its reference and its figures, one in a line of text. What is not given has a
    sign that no reference or figure has.
    """

    names: tuple[str, ...]
    rows: tuple[str, ...]


class Stated(NamedTuple):
    """A statement with its lines."""

    statement: Statement
    lines: tuple[Line, ...]


def figures_in(values: Values) -> Figures:
    """Figures by name, the quantity first, as one text."""
    return Figures(tuple(values), "\n".join(values.values()))


def kept_lines(lines: tuple[Line, ...]) -> Lines:
    """Lines as they are kept."""
    every = list(dict.fromkeys([line.figures.names for line in lines]))
    if len(every) == 1:
        texts = [line.figures.text for line in lines]
    else:
        every = [tuple(dict.fromkeys(name for names in every for name in names))]
        texts = [_text(line.figures, every[0]) for line in lines]
    told = zip(lines, texts, strict=True)
    rows = [f"{line.account}\n{line.reference or _ABSENT}\n{text}" for line, text in told]
    return Lines(names=every[0], rows=tuple(rows))


def _text(figures: Figures, names: tuple[str, ...]) -> str:
    """Figures with a place for each of these names."""
    values = figures.values
    return "\n".join(values.get(name, _ABSENT) for name in names)


def lines_of(kept: Lines) -> tuple[Line, ...]:
    """Lines as kept_lines keeps them."""
    names, rows = kept.names, [row.split("\n", 2) for row in kept.rows]
    return tuple(
        [
            Line(
                account,
                Figures(names, text) if _ABSENT not in text else _given(names, text),
                reference if reference != _ABSENT else None,
            )
            for account, reference, text in rows
        ]
    )


def _given(names: tuple[str, ...], text: str) -> Figures:
    """The figures of a text that are not absent."""
    every = zip(names, text.split("\n"), strict=True)
    return figures_in({name: given for name, given in every if given != _ABSENT})


@lru_cache(ACCOUNTS_MAX)
def account_of(key: str) -> FundAccount:
    """The account that account_key gave the key of."""
    scheme, _, code = key.partition(":")
    return FundAccount(scheme=AccountScheme(scheme), code=code)


def account_key(account: FundAccount) -> str:
    """An account as a part of keys."""
    return f"{account.scheme}:{account.code}"
