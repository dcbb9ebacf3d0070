"""A market's trades, drawn from one seed, and what each side says of them, as 35=AS and 35=J say it.

As on a real day few relationships have most of the trades, few securities most of the blocks, and quantities
are round: the first relationship has very many blocks of the first security that are alike in all but their
references. Most trades have an order's number in common; the others are found by their economics alone.
"""

import datetime
import hashlib
import json
import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from stdnum import isin
from stdnum.iso7064 import mod_97_10

from canonical.message import Kind, Role
from canonical.submission import SUBMISSION, Submission

BROKERS, INVESTORS, SECURITIES = 8, 5, 300
TRADES_MAX = 10_000_000  # of one market
REFERENCE_SHARE = 0.8  # of the trades; the others have an odd quantity, which nobody takes for another's
ROUND_LOTS = (100,) * 6 + (1_000,) * 3 + (200, 500, 5_000)  # for each fund
# Trade dates, the last one most often, with their settlement two business days later.
DATES = (
    (datetime.date(2026, 11, 20), datetime.date(2026, 11, 25)),  # the 23rd is a holiday
    (datetime.date(2026, 11, 19), datetime.date(2026, 11, 24)),
    (datetime.date(2026, 11, 18), datetime.date(2026, 11, 20)),
)
DATE_WEIGHTS = (80, 15, 5)

Document = dict[str, Any]


def _lei(stem: str) -> str:
    return stem + mod_97_10.calc_check_digits(stem)


def _by_rank(count: int) -> list[float]:
    """Cumulated weights: the n-th of `count` has an n-th part of the first one's share."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def _isin(code: str) -> str:
    whole = f"JP3{code}0000"
    return whole + isin.calc_check_digit(whole)


RELATIONSHIPS = [
    (_lei(f"353800BENCHBROKER{b}"), _lei(f"353800BENCHINVEST{i}"))
    for b in range(BROKERS)
    for i in range(INVESTORS)
]
_RELATIONSHIP_WEIGHTS = _by_rank(len(RELATIONSHIPS))
_SECURITY_WEIGHTS = _by_rank(SECURITIES)
_ACCOUNTS = [{"code": f"FUND{number:03}", "scheme": "proprietary"} for number in range(1_000)]


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade: a block of `funds` funds with as many shares each. price: yen for a share."""

    number: int
    relationship: tuple[str, str]
    security: int
    dates: tuple[datetime.date, datetime.date]
    side: str
    quantity: int
    price: int
    funds: int
    has_reference: bool
    first: Role


class Market:
    """Draws trades. The same number draws the same ones; trades of two markets have no number in common."""

    def __init__(self, number: int) -> None:
        self._chance = random.Random(number)  # noqa: S311 - no secret is drawn
        self._number = number * TRADES_MAX

    def trade(self, funds: int) -> Trade:
        """The next one, of so many funds."""
        self._number += 1
        chance = self._chance
        (relationship,) = chance.choices(RELATIONSHIPS, cum_weights=_RELATIONSHIP_WEIGHTS)
        (security,) = chance.choices(range(SECURITIES), cum_weights=_SECURITY_WEIGHTS)
        has_reference = chance.random() < REFERENCE_SHARE
        return Trade(
            number=self._number,
            relationship=relationship,
            security=security,
            dates=chance.choices(DATES, DATE_WEIGHTS)[0],
            side=chance.choice(("buy", "sell")),
            quantity=chance.choice(ROUND_LOTS) if has_reference else 10 * self._number + 1,
            price=1_000 + 7 * security + chance.randrange(3),
            funds=funds,
            has_reference=has_reference,
            first=chance.choice((Role.BROKER, Role.INVESTOR)),
        )

    def said(self, trade: Trade, role: Role) -> Submission:
        """What one side says of a trade: the block and its split, then its figures for each fund."""
        kinds = _KINDS[role]
        broker, investor = trade.relationship
        reference = f"{role[0].upper()}{trade.number:09}"
        shared: Document = {
            "reference": reference,
            "broker": {"lei": broker},
            "investor": {"lei": investor},
            "terms": _terms(trade),
            "block": {
                "quantity": str(trade.quantity * trade.funds),
                "price": _price(trade),
            },
        }
        if trade.has_reference:
            shared["links"] = [{"kind": "client_order", "value": f"ORDER{trade.number:09}"}]
        first = {"allocations": _allocations(trade)} if role is Role.INVESTOR else {}
        messages = [
            {**shared, "kind": kinds[0], **first},
            {**shared, "kind": kinds[1], "funds": _figures(trade)},
        ]
        document = {
            "sender": broker if role is Role.BROKER else investor,
            "source": hashlib.sha256(reference.encode()).hexdigest(),
            "messages": messages,
        }
        return SUBMISSION.validate_json(json.dumps(document))


_KINDS = {
    Role.BROKER: (Kind.EXECUTION_NOTICE, Kind.CONFIRMATION),
    Role.INVESTOR: (Kind.ALLOCATION_INSTRUCTION, Kind.INVESTOR_CALCULATION),
}


def _terms(trade: Trade) -> Document:
    code = str(1_300 + trade.security)
    traded, settled = trade.dates
    return {
        "instrument": {"isin": _isin(code), "japan_code": code},
        "trade_date": traded.isoformat(),
        "settlement_date": settled.isoformat(),
        "side": trade.side,
        "venue": "XTKS",
    }


def _price(trade: Trade) -> Document:
    return {"value": str(trade.price), "currency": "JPY"}


def _allocations(trade: Trade) -> list[Document]:
    return [{"account": account, "quantity": str(trade.quantity)} for account in _ACCOUNTS[: trade.funds]]


def _figures(trade: Trade) -> list[Document]:
    """Each fund's money: commission 10 bp, consumption tax 10 % of it, both truncated to whole yen."""
    gross = trade.quantity * trade.price
    commission = gross // 1_000
    tax = commission // 10
    sign = 1 if trade.side == "buy" else -1
    figures = {
        "quantity": str(trade.quantity),
        "price": _price(trade),
        "commission": _yen(commission),
        "consumption_tax": _yen(tax),
        "net": _yen(gross + sign * (commission + tax)),
    }
    return [{"account": account, **figures} for account in _ACCOUNTS[: trade.funds]]


def _yen(amount: int) -> Document:
    return {"amount": str(amount), "currency": "JPY"}
