"""What answers say in words, for the text fields that every format has."""

from collections.abc import Iterable

from canonical.amounts import plain
from canonical.calculation.calculation import Calculation
from canonical.calculation.working import Step, Working, steps_of_funds
from canonical.difference_words import difference_text
from canonical.identifiers import FundAccount
from canonical.message import Role
from canonical.problems import Problem
from canonical.result import Allegement, Difference, Result
from canonical.trade import FundFigures

TEXT_CHARACTERS_MAX = 200_000  # a hundred funds in which every figure differs are less than half of it
SEPARATOR = "; "  # between what is said
_WORD_CHARACTERS_MAX = 64  # the longest reference; figures are shorter


def unaffirmed_text(differences: tuple[Difference, ...], *, japanese: bool = False) -> str:
    """What keeps the agreed rules from affirming a fund; empty where nothing does."""
    text = difference_text(differences, japanese=japanese)
    return f"not affirmed by the rules: {text}" if text else ""


def problem_text(problems: tuple[Problem, ...]) -> str:
    """The problems in words."""
    parts = [f"{p.field}: {p.text}" + (f" (was: {p.value})" if p.value else "") for p in problems]
    return shortened_text(SEPARATOR.join(parts))


def figures_text(fund: FundFigures) -> str:
    """What the agreed rules make of a fund: "by the rules: gross 28455000, … net 28486300"."""
    amounts = {"commission": fund.commission, "consumption tax": fund.consumption_tax}
    amounts |= {fee.kind.value: fee.charge for fee in fund.fees}
    gross = {} if fund.gross is None else {"gross": fund.gross}
    named = (f"{name} {plain(amount.amount)}" for name, amount in (gross | amounts).items())
    return f"by the rules: {', '.join(named)}, net {plain(fund.net.amount)}"


def worked_out(calculation: Calculation) -> Iterable[tuple[FundFigures, Working]]:
    """Each fund's figures with the steps to them."""
    funds = calculation.funds
    return zip(funds, steps_of_funds(calculation.working, [fund.account for fund in funds]), strict=True)


def calculated_texts(result: Result) -> dict[FundAccount, list[str]]:
    """What the rules make of each fund, where that is told; with the working for a side that has asked."""
    found: dict[FundAccount, list[str]] = {}
    for fund, steps in worked_out(result.calculation) if result.calculation is not None else ():
        working = [working_text(steps)] if result.requests else []
        found.setdefault(fund.account, []).extend((figures_text(fund), *working))
    return found


def working_text(steps: Iterable[Step]) -> str:
    """How figures come about: "gross 100 = 20 x 5 (down); commission 1 = 100 x 0.01 (down)"."""
    return SEPARATOR.join(map(_step_text, steps))


def _step_text(step: Step) -> str:
    name = (step.kind or step.name).value.replace("_", " ")
    rule = f" ({step.rule.replace('_', ' ')})" if step.rule else ""
    return f"{name} {plain(step.rounded)} = {step.of}{rule}"


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


def result_text(
    result: Result,
    role: Role,
    differences: tuple[Difference, ...],
    funds: Iterable[tuple[str, str]],
    *,
    japanese: bool = False,
) -> str:
    """A result in words, as a side hears it. funds: their codes, with what is to be said of each."""
    parts = [_standing(result)]
    if result.alleged is not None:
        parts.append("the other side has said nothing yet")
    if result.change is not None:
        parts.append(change_text(result, role))
    if result.funds_total:
        parts.append(f"{result.funds_matched} of {result.funds_total} funds matched")
    if waiting := sum(bool(fund.unaffirmed) for fund in result.funds):
        parts.append(
            f"{waiting} not affirmed by the rules, which come to other figures: affirm, or correct them"
        )
    if differences:
        parts.append(f"block: {difference_text(differences, japanese=japanese)}")
    if result.requests and result.calculation is not None:
        of_block = tuple(step for step in result.calculation.working if step.account is None)
        parts.append(f"block: {working_text(of_block)}")
    parts += [f"fund {code}: {text}" for code, text in funds if text]
    if result.problems:
        parts.append(f"not calculated: {problem_text(result.problems)}")
    if result.candidates:
        parts.append(f"fits equally well: {', '.join(result.candidates)}; give a common reference")
    return shortened_text(SEPARATOR.join(parts))


def alleged_text(result: Result, alleged: Allegement) -> str:
    """What waits: "the broker waits for your word on: buy 300 JP3633400001 at 2845.5 JPY; common T1"."""
    other, terms = Role.BROKER if alleged.to is Role.INVESTOR else Role.INVESTOR, result.terms
    name = terms.instrument.isin or terms.instrument.japan_code or ""
    what = f"{terms.side.value} {name}"
    if (block := alleged.block) is not None:
        price = f"{plain(block.price.value)} {block.price.currency}"
        what = f"{terms.side.value} {plain(block.quantity)} {name} at {price}"
    links = (f"{link.kind.value} {link.value}" for link in alleged.links)
    parts = (_standing(result), f"the {other.value} waits for your word on: {what}", *links)
    return shortened_text(SEPARATOR.join(parts))


def _standing(result: Result) -> str:
    text = f"trade {result.trade} {result.status}"
    if (deadline := result.deadline) is not None:
        text += f"; open at the deadline {deadline.at} ({deadline.number} of {deadline.of})"
    return text


def shortened_text(text: str, characters_max: int = TEXT_CHARACTERS_MAX, mark: str = "…") -> str:
    """`text` in at most so many characters. Where it is cut, it says how much is left out, and where that is.

    What is said stands between semicolons and is kept whole, as much of it as there is room for. Where not
    even the first of it fits, it is cut between words: half a figure would be another figure, half a
    reference another reference.
    """
    if len(text) <= characters_max:
        return text
    said = text.split(SEPARATOR)
    room, kept = characters_max - len(_more(len(said), mark)) + len(SEPARATOR), 0
    while kept < len(said) and (room := room - len(said[kept]) - len(SEPARATOR)) >= 0:
        kept += 1
    if kept:
        return SEPARATOR.join(said[:kept]) + _more(len(said) - kept, mark)
    return _cut(text, characters_max, mark)


def _more(left_out: int, mark: str) -> str:
    return f" {mark} {left_out} more: see yakujo trace"


def _cut(text: str, characters_max: int, mark: str) -> str:
    room = characters_max - len(mark) - 1
    kept = text[:room]
    if not text[room].isspace():
        gap = kept.rfind(" ", max(0, room - _WORD_CHARACTERS_MAX))
        kept = kept[:gap] if gap >= 0 else kept.rstrip("0123456789.,")
    return f"{kept.rstrip(' ,;:')} {mark}"


def pieces_of(text: str, characters_max: int) -> list[str]:
    """`text` in pieces of at most so many characters: nothing is lost.

    They end where something is said to the end, if that is in their second half, else between words.
    """
    pieces: list[str] = []
    while len(text) > characters_max:
        said = text.rfind(SEPARATOR, characters_max // 2, characters_max) + 1
        gap = text.rfind(" ", max(0, characters_max - _WORD_CHARACTERS_MAX), characters_max + 1)
        end = said or (gap if gap > 0 else characters_max)
        pieces.append(text[:end])
        text = text[end:].removeprefix(" ")
    return [*pieces, text]
