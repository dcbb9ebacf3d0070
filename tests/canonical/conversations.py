"""Hypothesis strategies for what two sides may say of one trade: few values each, so that they often agree.

Among them are the most and the least that a message can hold.
"""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError
from trades import BROKER, INVESTOR, submission

from canonical.amounts import FeeKind, plain
from canonical.message import MESSAGE, Kind, Message, Role
from canonical.submission import Submission

SENDERS = {Role.BROKER: BROKER, Role.INVESTOR: INVESTOR}
MESSAGES_AT_ONCE_MAX = 3
MOST = Decimal(10**18 - 1)

REFERENCES = st.sampled_from(["R1", "R2", "R3", "R4", "R1/1", "R" * 64])
AMOUNTS = st.sampled_from(["0", "1", "56910", plain(MOST)])
NETS = AMOUNTS | st.just(plain(-MOST))
PRICES = st.sampled_from(["0.000001", "2845.5", plain(MOST)])
QUANTITIES = st.sampled_from(
    [["30000"], ["20000", "10000"], ["0.000001"], [plain(MOST)], ["400000000000000000"] * 2]
)
DAYS = st.sampled_from([date.min, date(2026, 11, 20), date.max])
INSTRUMENTS = st.sampled_from([{"isin": "JP3633400001"}, {"isin": "JP3633400001", "japan_code": "7203"}])


def money(amount: str, currency: str = "JPY") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def price(value: str) -> dict[str, str]:
    return {"value": value, "currency": "JPY"}


@st.composite
def fund(draw: st.DrawFn, number: int, quantity: str) -> dict[str, Any]:
    currency = draw(st.sampled_from(["JPY", "JPY", "JPY", "USD"]))
    fees = draw(st.lists(st.sampled_from(list(FeeKind)[:2]), max_size=1) | st.just([FeeKind.LEVY] * 20))
    return {
        "account": {"code": f"F{number}"},
        "quantity": quantity,
        "price": price(draw(PRICES)),
        "commission": money(draw(AMOUNTS), currency),
        "consumption_tax": money(draw(AMOUNTS), currency),
        "fees": [{"kind": kind, "charge": money(draw(AMOUNTS), currency)} for kind in fees],
        "net": money(draw(NETS), currency),
    }


@st.composite
def stated(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """What a message says of block and funds."""
    traded, settled = sorted([draw(DAYS), draw(DAYS)])
    quantities = draw(QUANTITIES)
    found: dict[str, Any] = {
        "terms": {
            "side": draw(st.sampled_from(["buy", "sell"])),
            "instrument": draw(INSTRUMENTS),
            "trade_date": traded.isoformat(),
            "settlement_date": settled.isoformat(),
        },
        "block": {"quantity": plain(sum(map(Decimal, quantities), Decimal(0))), "price": price(draw(PRICES))},
    }
    if kind is Kind.ALLOCATION_INSTRUCTION:
        parts = [{"account": {"code": f"F{n}"}, "quantity": each} for n, each in enumerate(quantities)]
        return found | {"allocations": parts}
    if kind is Kind.EXECUTION_NOTICE:
        return found
    return found | {"funds": [draw(fund(n, each)) for n, each in enumerate(quantities)]}


WORDS: dict[Kind, st.SearchStrategy[dict[str, Any]]] = {
    Kind.BLOCK_RESPONSE: st.fixed_dictionaries({"answers": REFERENCES, "agreed": st.booleans()}),
    Kind.ALLOCATION_RESPONSE: st.fixed_dictionaries({"answers": REFERENCES, "agreed": st.booleans()}),
    Kind.AFFIRMATION: st.fixed_dictionaries({"answers": REFERENCES, "affirmed": st.booleans()}),
    Kind.CHANGE_RESPONSE: st.fixed_dictionaries({"answers": REFERENCES, "agreed": st.booleans()}),
    Kind.CANCELLATION: st.fixed_dictionaries({"cancels": REFERENCES}),
    Kind.REMINDER: st.fixed_dictionaries(
        {"trade_date": DAYS.map(str), "deadline": st.sampled_from(["16:00:00", "17:00:00"])}
    ),
    Kind.CALCULATION_REQUEST: st.fixed_dictionaries({"about": REFERENCES, "adopts": st.booleans()}),
}
STATING = (Kind.EXECUTION_NOTICE, Kind.ALLOCATION_INSTRUCTION, Kind.CONFIRMATION, Kind.INVESTOR_CALCULATION)


AUTHORS = {
    Kind.EXECUTION_NOTICE: Role.BROKER,
    Kind.CONFIRMATION: Role.BROKER,
    Kind.ALLOCATION_RESPONSE: Role.BROKER,
    Kind.ALLOCATION_INSTRUCTION: Role.INVESTOR,
    Kind.INVESTOR_CALCULATION: Role.INVESTOR,
    Kind.BLOCK_RESPONSE: Role.INVESTOR,
    Kind.AFFIRMATION: Role.INVESTOR,
}


@st.composite
def document(draw: st.DrawFn, role: Role) -> dict[str, Any]:
    kinds = [kind for kind in (*STATING, *STATING, *WORDS) if AUTHORS.get(kind, role) is role]
    kind = draw(st.sampled_from(kinds))
    found = {
        "kind": kind,
        "reference": draw(REFERENCES),
        "broker": {"lei": BROKER},
        "investor": {"lei": INVESTOR},
        "links": [{"kind": "common", "value": "T1"}],
    }
    if draw(st.integers(0, 9)) == 0:
        found["replaces"] = draw(REFERENCES)
    return found | draw(stated(kind) if kind in STATING else WORDS[kind])


@st.composite
def said(draw: st.DrawFn) -> Submission | None:
    """One entry; None where the layout refuses all of it."""
    role = draw(st.sampled_from(Role))
    documents = draw(st.lists(document(role), min_size=1, max_size=MESSAGES_AT_ONCE_MAX))
    messages = [message for each in documents if (message := _message(each)) is not None]
    return submission(SENDERS[role], *messages) if messages else None


def _message(document: dict[str, Any]) -> Message | None:
    try:
        return MESSAGE.validate_json(json.dumps(document))
    except ValidationError:
        return None


def conversations() -> st.SearchStrategy[list[Submission]]:
    """Entries, in the order in which they come."""
    return st.lists(said().filter(lambda entry: entry is not None), min_size=2, max_size=8)
