"""Comparison field by field: what differs, and the status that follows from it."""

from collections.abc import Iterator

from canonical.contracts.matching.v1.records import Values
from canonical.contracts.matching.v1.tolerance import difference
from canonical.result import Difference, Status, parting
from canonical.rules import Tolerance


def field_differences(
    tolerances: dict[str, Tolerance], broker: Values, investor: Values, by_rules: Values
) -> Iterator[Difference]:
    """The fields in which the sides part. What one side does not give is not compared."""
    for field, tolerance in tolerances.items():
        ours, theirs = broker.get(field), investor.get(field)
        if field == "instrument":
            ours, theirs = _instruments(broker, investor)
        if ours != theirs or ours is None:  # else they are equal: whatever the tolerance, that matches
            found = difference(field, tolerance, ours, theirs, by_rules)
            if found is not None:
                yield found


def status_of(found: tuple[Difference, ...], alike: Status) -> Status:
    """The status that differences lead to; `alike` where there are none."""
    if not found:
        return alike
    if parting(found):
        return Status.MISMATCHED
    return Status.WITHIN_TOLERANCE if alike is Status.MATCHED else alike


def _instruments(broker: Values, investor: Values) -> tuple[str, str]:
    """How each side names the security: in the way that parts them, else that they share, else its own.

    Two names of different kinds are not known to be of one security: they differ.
    """
    pairs = [(broker.get(name), investor.get(name)) for name in ("isin", "japan_code")]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    own = tuple(values.get("isin") or values["japan_code"] for values in (broker, investor))
    return next(((one, other) for one, other in both if one != other), both[0] if both else (own[0], own[1]))
