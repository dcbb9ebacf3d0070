"""What a difference is in words: both figures, and why they are unlike."""

from canonical.amounts import FeeKind
from canonical.diagnosis.cause import Cause, Diagnosis, Kind
from canonical.diagnosis.english import in_english
from canonical.diagnosis.japanese import in_japanese
from canonical.difference_japanese import difference_in_japanese, names_of
from canonical.result import Difference


def difference_text(differences: tuple[Difference, ...], *, japanese: bool = False) -> str:
    """The differences in words: "commission: broker 56910, investor 56900", each with why, if known."""
    return "; ".join(_in_words(difference, japanese=japanese) for difference in differences)


def explained(
    differences: tuple[Difference, ...], diagnosis: Diagnosis | None, account: str | None
) -> tuple[Difference, ...]:
    """The differences with why they are there. account: of a fund; None for the block."""
    return tuple(_explained(each, diagnosis, account) for each in differences)


def _explained(difference: Difference, diagnosis: Diagnosis | None, account: str | None) -> Difference:
    causes = diagnosis.causes_of(difference.field, account) if diagnosis is not None else ()
    sides = names_of(difference)
    if difference.within or not causes:
        return difference.model_copy(update={"explanation_ja": difference_in_japanese(difference, account)})
    own = [_narrowed(cause, difference, account) for cause in causes]
    words = {
        "explanation": " / ".join(
            in_english(c, sides.english, beside_figures=True) for c in own if c.kind not in _SAID
        ),
        "explanation_ja": "。".join(in_japanese(cause, sides.japanese) for cause in own),
    }
    return difference.model_copy(update=words)


_SAID = (Kind.STATED, Kind.NOT_COMPUTED)  # both values say it all


def _narrowed(cause: Cause, difference: Difference, account: str | None) -> Cause:
    """A cause as it is told of one fund, with the figures of that one; an exchange has more than one."""
    if cause.kind is Kind.EXCHANGED:
        return cause
    figures = [
        figure if cause.fee is None else _fee_in(figure, cause.fee)
        for figure in (difference.broker, difference.investor)
    ]
    update = {
        "block": account is None,
        "accounts": () if account is None else (account,),
        "more_accounts": 0,
        "broker": cause.broker.model_copy(update={"figure": figures[0]}),
        "investor": cause.investor.model_copy(update={"figure": figures[1]}),
    }
    return cause.model_copy(update=update)


def _fee_in(fees: str, kind: FeeKind) -> str:
    """The amount of one kind in "exchange 120, stamp 200"."""
    amounts = dict(part.split(" ", 1) for part in fees.split(", ") if part)
    return amounts.get(kind.value, "0")


def _in_words(difference: Difference, *, japanese: bool) -> str:
    """The field and both values as they stand, for machines too, and what people say of them."""
    name = difference.field.replace("total_", "sum of ")
    broker, investor = names_of(difference).english
    text = f"{name}: {broker} {difference.broker or 'none'}, {investor} {difference.investor or 'none'}"
    if japanese:
        return f"{text} ({difference.explanation_ja})"
    if difference.within:
        return f"{text}, within tolerance: {difference.holds} holds"
    return f"{text} ({difference.explanation})" if difference.explanation else text
