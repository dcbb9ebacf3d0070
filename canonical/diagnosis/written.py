"""Figures and names as both languages write them."""

from decimal import Decimal

from canonical.amounts import plain
from canonical.calculation.arithmetic import EXACT
from canonical.diagnosis.cause import FIGURES, Cause, Choice, View

ACCOUNTS_WRITTEN_MAX = 3
OF_THE_TRADE = (
    "side",
    "instrument",
    "venue",
    "order_format",
    "currency",
    "trade_date",
    "settlement_date",
    "price",
)
"""Where the block has them, they are the whole trade's, and no fund is named."""


Names = tuple[str, str]
"""What the two are called whose figures differ: the broker's side first."""


def grouped(text: str) -> str:
    """A figure with its thousands set apart; what is none stays as it is."""
    digits, _, currency = text.partition(" ")
    if not digits.lstrip("-").replace(".", "", 1).isdigit():
        return text
    whole, point, fraction = digits.partition(".")
    return f"{int(whole):,}{point}{fraction}{' ' if currency else ''}{currency}"


def shown(cause: Cause) -> tuple[str, str]:
    """Both figures, numbers with their thousands set apart."""
    texts = cause.broker.figure, cause.investor.figure
    return (grouped(texts[0]), grouped(texts[1])) if cause.field in FIGURES else texts


def named(cause: Cause) -> tuple[tuple[str, ...], int]:
    """The funds that a text names, and how many more there are; none where the trade itself is meant."""
    if cause.block and cause.field in OF_THE_TRADE:
        return (), 0
    accounts = cause.accounts[:ACCOUNTS_WRITTEN_MAX]
    return accounts, len(cause.accounts) - len(accounts) + cause.more_accounts


def parting(cause: Cause, view: View) -> tuple[Choice, ...]:
    """The choices of a side's first convention, but for those that the other side makes too."""
    other = cause.investor if view is cause.broker else cause.broker
    alike = other.conventions[0].choices if other.conventions else ()
    return tuple(choice for choice in view.conventions[0].choices if choice not in alike)


def hundredths(choice: Choice, per: int) -> str:
    """A rate as so many parts: of 10,000 for basis points, of 100 for percent."""
    return plain(EXACT.multiply(Decimal(choice.value), Decimal(per)))
