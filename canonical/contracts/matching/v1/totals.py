"""The sums over all funds: what each fund may be off within tolerance, all of them together may not."""

from collections.abc import Iterator
from decimal import Decimal

from canonical.amounts import plain, total
from canonical.contracts.matching.v1.records import Values
from canonical.contracts.matching.v1.shares import Shares
from canonical.contracts.matching.v1.tolerance import TOTAL, difference
from canonical.result import Difference
from canonical.rules import Rules
from canonical.rules.tolerance import Code


def total_differences(
    broker: Shares, investor: Shares, rules: Rules, calculated: Values
) -> Iterator[Difference]:
    """Where the sums part, of the fields that the rules name. Both sides have calculated all funds.

    calculated: the sums of the shared calculation, which hold where the rules say so.
    """
    for field, tolerance in rules.compare.total.tolerances.items():
        if tolerance.code is not Code.NUFM:
            ours, theirs = _sum(broker, field), _sum(investor, field)
            found = difference(TOTAL + field, tolerance, ours, theirs, calculated)
            if found is not None:
                yield found


def are_calculated(shares: Shares) -> bool:
    """Whether there is money for every fund."""
    return bool(shares) and all(share.calculated for each in shares.values() for share in each)


def _sum(shares: Shares, field: str) -> str | None:
    """A side's sum; None where a fund does not give the field, or in another currency than others."""
    given = [share.values.get(field) for each in shares.values() for share in each]
    figures = [value.partition(" ") for value in given if value is not None]
    currencies = dict.fromkeys(currency for _, _, currency in figures)
    if len(figures) < len(given) or len(currencies) != 1:
        return None
    (currency,) = currencies
    whole = plain(total(Decimal(number) for number, _, _ in figures))
    return f"{whole} {currency}" if currency else whole
