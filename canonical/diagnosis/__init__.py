"""Why the figures of two sides differ: which customary convention reproduces each side's, to the last unit.

    diagnosis = diagnose(Sides(broker, investor, funds, rules, remainder))      None where nothing differs

    sides            what the two sides say, as it comes in
    cause            what a diagnosis says, as data
    differing        where they differ
    stating          what is said and not computed: terms, dates, funds, quantities, prices
    chain            what is computed: gross, commission, consumption tax, fees, net
    search           how conventions are tried, and which are believed

What a cause is in words is no part of it: english and japanese beside it make them when somebody is told.
The work is bounded: so many funds are looked at (sides.py) and so many conventions tried for a field of a
side (search.py). The same input gives the same diagnosis everywhere; exchanged sides give the mirrored one.
"""

from canonical.diagnosis.cause import CAUSES_MAX, Aspect, Cause, Choice, Convention, Diagnosis, Kind, View
from canonical.diagnosis.chain import Chain
from canonical.diagnosis.differing import differing
from canonical.diagnosis.sides import FUNDS_LOOKED_AT_MAX, FundSides, Sides, stated
from canonical.diagnosis.stating import Stating

__all__ = [
    "Aspect",
    "Cause",
    "Choice",
    "Convention",
    "Diagnosis",
    "FundSides",
    "Kind",
    "Sides",
    "View",
    "diagnose",
]


def diagnose(sides: Sides) -> Diagnosis | None:
    """Why the two sides differ, in the order of the chain of computation; None where no figure does.

    What one side does not give is not compared. Figures within tolerance are diagnosed as others are.
    """
    funds = sides.funds[:FUNDS_LOOKED_AT_MAX]
    everything = len(funds) == len(sides.funds)
    figures = (
        stated(sides.broker, tuple(fund.broker for fund in funds), all_funds=everything),
        stated(sides.investor, tuple(fund.investor for fund in funds), all_funds=everything),
    )
    unlike = differing(sides, funds)
    causes = [
        *Stating(sides, funds, figures, unlike).causes(),
        *Chain(sides, funds, figures, unlike).causes(),
    ]
    if not causes:
        return None
    return Diagnosis(
        causes=tuple(causes[:CAUSES_MAX]),
        more_causes=max(0, len(causes) - CAUSES_MAX),
        funds=len(sides.funds),
        funds_looked_at=len(funds),
    )
