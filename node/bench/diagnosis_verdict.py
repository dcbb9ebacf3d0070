"""What a diagnosis made of a pair: whether it found what was planted, and whether it believed an error."""

from dataclasses import dataclass

from canonical.diagnosis import Aspect, Cause, Diagnosis, Kind, View
from node.bench.diagnosis_figures import AS_AGREED, Convention, stated
from node.bench.diagnosis_pairs import Pair


@dataclass(frozen=True, slots=True)
class Judged:
    """What a diagnosis made of a pair with a planted convention.

    found: its first cause is the field in which a convention was planted, and it names the planted one or one
    that is arithmetically equal. named_first: the first that it names is the planted one.
    """

    found: bool
    named_first: bool


def judged(pair: Pair, diagnosis: Diagnosis | None) -> Judged:
    """Whether a diagnosis finds what was planted.

    Arithmetically equal is what gives each side's figures of that field once more, in the block and in all
    funds, when they are computed apart from the search from the conventions that the diagnosis names first.
    Of prices the average that was rounded is not among the figures: there the planted one must be named.
    """
    first = diagnosis.causes[0] if diagnosis is not None else None
    if first is None or first.field != pair.field:
        return Judged(found=False, named_first=False)
    if not pair.convention.choices:
        right = first.kind is (Kind.STATED if pair.field == "side" else Kind.EXCHANGED)
        return Judged(found=right, named_first=right)
    if first.kind is not Kind.EXPLAINED:
        return Judged(found=False, named_first=False)
    views = (first.broker, first.investor) if pair.broker_departed else (first.investor, first.broker)
    departed, by_rules = (_departures(view) for view in views)
    equal = _gives(pair, departed[0], departed=True) and _gives(pair, by_rules[0], departed=False)
    planted = dict(pair.convention.choices)
    return Judged(found=equal or planted in departed, named_first=equal and departed[0] == planted)


def _departures(view: View) -> list[dict[Aspect, str]]:
    return [
        {choice.aspect: choice.value for choice in convention.choices if not choice.agreed}
        for convention in view.conventions
    ]


def _gives(pair: Pair, choices: dict[Aspect, str], *, departed: bool) -> bool:
    """Whether a convention gives what a side says."""
    block, funds = stated(pair.deal, Convention(pair.field, choices) if choices else AS_AGREED)
    broker, field = departed == pair.broker_departed, pair.field
    said = [fund.broker if broker else fund.investor for fund in pair.sides.funds]
    of_block = pair.sides.broker if broker else pair.sides.investor
    return all(
        values is not None and values.get(field) == own.get(field)
        for values, own in zip((of_block, *said), (block, *funds), strict=True)
    )


def believed(pair: Pair, diagnosis: Diagnosis | None) -> Cause | None:
    """The cause that takes an error for a convention; None where nothing is told to explain it."""
    account = f"F{pair.place + 1}"
    cause = diagnosis.cause_of(pair.field, account) if diagnosis is not None else None
    return cause if cause is None or cause.kind is not Kind.UNEXPLAINED else None
