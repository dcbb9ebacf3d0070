"""What answers say in words, for the text fields that every format has."""

from canonical.amounts import plain
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import Difference, Result
from canonical.trade import FundFigures

TEXT_CHARACTERS_MAX = 1000
_WORD_CHARACTERS_MAX = 64  # the longest reference; figures are shorter


def difference_text(differences: tuple[Difference, ...]) -> str:
    """The differences in words: "commission: broker 56910, investor 56900"."""
    return "; ".join(map(_in_words, differences))


def _in_words(difference: Difference) -> str:
    name = difference.field.replace("total_", "sum of ")
    text = f"{name}: broker {difference.broker or 'none'}, investor {difference.investor or 'none'}"
    return f"{text}, within tolerance: {difference.holds} holds" if difference.within else text


def problem_text(problems: tuple[Problem, ...]) -> str:
    """The problems in words, shortened to what text fields of formats hold."""
    parts = [f"{p.field}: {p.text}" + (f" (was: {p.value})" if p.value else "") for p in problems]
    return shortened_text("; ".join(parts))


def figures_text(fund: FundFigures) -> str:
    """What the agreed rules make of a fund: "by the rules: gross 28455000, … net 28486300"."""
    amounts = {"commission": fund.commission, "consumption tax": fund.consumption_tax}
    amounts |= {fee.kind.value: fee.charge for fee in fund.fees}
    gross = {} if fund.gross is None else {"gross": fund.gross}
    named = (f"{name} {plain(amount.amount)}" for name, amount in (gross | amounts).items())
    return f"by the rules: {', '.join(named)}, net {plain(fund.net.amount)}"


def change_text(result: Result, role: Role) -> str:
    """A change after match agreed in words, with the references that it goes by."""
    change = result.change
    assert change is not None, "only a change is told so"
    what = "cancel" if change.cancels else "amend"
    names = ", ".join(dict.fromkeys(s.reference for s in result.block.sources if s.author is change.by))
    if change.refused:
        return f"what the {change.by} asked for by {names} is refused: the trade stays as it is agreed"
    if role is change.by:
        return f"to {what} it waits for the other side's consent"
    return f"the {change.by} asks to {what} it by {names}: consent or refuse"


def shortened_text(text: str, characters_max: int = TEXT_CHARACTERS_MAX, mark: str = "…") -> str:
    """`text` in at most so many characters, with `mark` where it was cut.

    It is cut between words: half a figure would be another figure, half a reference another reference.
    """
    if len(text) <= characters_max:
        return text
    room = characters_max - len(mark) - 1
    kept = text[:room]
    if not text[room].isspace():
        gap = kept.rfind(" ", max(0, room - _WORD_CHARACTERS_MAX))
        kept = kept[:gap] if gap >= 0 else kept.rstrip("0123456789.,")
    return f"{kept.rstrip(' ,;:')} {mark}"
