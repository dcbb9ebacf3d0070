"""The status that a side hears for one of its messages, from how the trade and the funds stand."""

from enum import StrEnum

from canonical.message import Role
from canonical.result import ChangeState, FundState, Result, TradeStatus
from canonical.result import Status as ComponentStatus


class AnswerStatus(StrEnum):
    """What the sender learns, first to last."""

    RECEIVED = "received"
    REFUSED = "refused"
    PENDING = "pending"  # paired and so far equal; parts are missing
    MISMATCHED = "mismatched"  # the block differs
    FUNDS_MISMATCHED = "funds_mismatched"  # the block agrees, funds differ
    MATCHED = "matched"
    WITHIN_TOLERANCE = "within_tolerance"  # matched, though not every figure is equal
    UNMATCHED = "unmatched"  # no counterpart (any more)
    ALLEGED = "alleged"  # the other side has said something to which this one has said nothing
    CANCELLED = "cancelled"
    CANCEL_REQUESTED = "cancel_requested"  # after match agreed: it waits for the other side's consent
    CANCEL_ASKED = "cancel_asked"  # the other side waits for this side's consent
    AMEND_REQUESTED = "amend_requested"
    AMEND_ASKED = "amend_asked"
    CANCEL_REFUSED = "cancel_refused"  # the other side does not consent: the trade stays as it was agreed
    AMEND_REFUSED = "amend_refused"
    CALCULATED = "calculated"  # asked for: what the agreed rules make of the trade


_TRADE_ANSWER = {
    TradeStatus.UNMATCHED: AnswerStatus.UNMATCHED,
    TradeStatus.PENDING: AnswerStatus.PENDING,
    TradeStatus.DISQUALIFIED: AnswerStatus.MISMATCHED,
    TradeStatus.MATCH_AGREED: AnswerStatus.MATCHED,
    TradeStatus.CANCELLED: AnswerStatus.CANCELLED,
    TradeStatus.CANCEL_AGREED: AnswerStatus.CANCELLED,
}


def status_of(result: Result, role: Role, funds: list[FundState], *, whole: bool) -> AnswerStatus:
    """A message about the block has the trade's status; one about single funds has theirs."""
    if result.requests:
        return AnswerStatus.CALCULATED
    if result.change is not None and (status := _of_change(result.change, role)) is not None:
        return status
    if result.status is TradeStatus.CANCELLED and role is not result.cancelled_by:
        return AnswerStatus.UNMATCHED
    if result.status in (TradeStatus.CANCELLED, TradeStatus.CANCEL_AGREED, TradeStatus.UNMATCHED):
        return _TRADE_ANSWER[result.status]
    if whole and result.block.status is ComponentStatus.MISMATCHED:
        return AnswerStatus.MISMATCHED
    statuses = {fund.status for fund in funds}
    if ComponentStatus.MISMATCHED in statuses:
        return AnswerStatus.FUNDS_MISMATCHED
    if whole and result.block.status is ComponentStatus.WITHIN_TOLERANCE:
        statuses.add(ComponentStatus.WITHIN_TOLERANCE)
    if whole and result.status is not TradeStatus.MATCH_AGREED:
        return _TRADE_ANSWER.get(result.status, AnswerStatus.FUNDS_MISMATCHED)
    if not whole and not (statuses and all(status.is_matched for status in statuses)):
        return AnswerStatus.PENDING
    is_equal = ComponentStatus.WITHIN_TOLERANCE not in statuses
    return AnswerStatus.MATCHED if is_equal else AnswerStatus.WITHIN_TOLERANCE


_CHANGE_ANSWER = {
    (True, True): (AnswerStatus.CANCEL_REQUESTED, AnswerStatus.CANCEL_REFUSED),
    (True, False): (AnswerStatus.CANCEL_ASKED, None),
    (False, True): (AnswerStatus.AMEND_REQUESTED, AnswerStatus.AMEND_REFUSED),
    (False, False): (AnswerStatus.AMEND_ASKED, None),
}
"""By whether all is to be cancelled, and whether the side asks itself: while it waits, and once refused."""


def _of_change(change: ChangeState, role: Role) -> AnswerStatus | None:
    """What a side hears of a change after match agreed; None where the trade's own status says it."""
    waiting, refused = _CHANGE_ANSWER[change.cancels, role is change.by]
    return refused if change.refused else waiting
