"""Alleging: the other side hears of what waits for its word, with all that it needs to answer."""

from datetime import datetime
from decimal import Decimal

from canonical.amounts import Charge, Price
from canonical.contracts.matching.v1.records import Half, Values, block_of, link_in, links_of
from canonical.identifiers import LINKS_MAX
from canonical.message import Role
from canonical.result import Allegement
from canonical.rules import Rules
from canonical.rules.timetable import Deadlines
from canonical.trade import BlockFigures


def is_alleged_at_once(half: Half, position: int, rules: Rules, now: datetime | None) -> bool:
    """Whether the other side is to hear of a half that is open since this entry and has no counterpart.

    It is where the rules say so, and where no deadline of its trade date is left to wait for.
    """
    return half.opened == position and (
        rules.deadlines.allege_at_once or _is_last_passed(rules.deadlines, half, now)
    )


def _is_last_passed(deadlines: Deadlines, half: Half, now: datetime | None) -> bool:
    if not deadlines.remind_at or now is None:
        return False
    last = datetime.combine(half.terms.trade_date, deadlines.remind_at[-1])
    return now.replace(tzinfo=None) >= last


def allegement(half: Half) -> Allegement:
    """What the other side hears of a half."""
    block = block_of(half)
    return Allegement(
        to=Role.INVESTOR if half.role is Role.BROKER else Role.BROKER,
        block=_figures(block) if block is not None else None,
        links=tuple(map(link_in, links_of(half)[:LINKS_MAX])),
    )


def _figures(block: Values) -> BlockFigures:
    currency = block["currency"]
    gross, _, other = block.get("gross", "").partition(" ")
    return BlockFigures(
        quantity=Decimal(block["quantity"]),
        price=Price(value=Decimal(block["price"]), currency=currency),
        gross=Charge(amount=Decimal(gross), currency=other or currency) if gross else None,
    )
