"""Trades in few words: messages, the arithmetic that everyone checks, and a contract applied in memory."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from typing import Any

from stdnum.iso7064 import mod_97_10

from canonical.amounts import FeeKind, plain
from canonical.base import Canonical
from canonical.calendar import Calendar
from canonical.contracts import CONTRACTS, RECORDS
from canonical.contracts.state import Decision, Entry
from canonical.currencies import MINOR_UNITS
from canonical.message import MESSAGE, Kind, Message
from canonical.result import AnyOutcome
from canonical.rules import Rules
from canonical.submission import Submission

CONTRACT = "matching/1"


def lei(base: str) -> str:
    """`base`, 18 letters and digits, with its check digits."""
    return base + mod_97_10.calc_check_digits(base)


BROKER = lei("529900BROKER000001")
INVESTOR = lei("529900INVEST000001")
STRANGER = lei("529900STRANGER0001")

KINDS = {
    "notice": Kind.EXECUTION_NOTICE,
    "block_response": Kind.BLOCK_RESPONSE,
    "instruction": Kind.ALLOCATION_INSTRUCTION,
    "allocation_response": Kind.ALLOCATION_RESPONSE,
    "confirmation": Kind.CONFIRMATION,
    "calculation": Kind.INVESTOR_CALCULATION,
    "affirmation": Kind.AFFIRMATION,
    "cancellation": Kind.CANCELLATION,
    "change_response": Kind.CHANGE_RESPONSE,
    "calculation_request": Kind.CALCULATION_REQUEST,
    "reminder": Kind.REMINDER,
}
_TERMS = {"side": "buy", "trade_date": "2026-11-20", "settlement_date": "2026-11-25"}
_TERM_NAMES = ("side", "trade_date", "settlement_date", "venue", "order_format")
_AS_IT_IS = (
    "replaces",
    "remarks",
    "answers",
    "agreed",
    "affirmed",
    "cancels",
    "about",
    "adopts",
    "deadline",
    "after",
)
_BLOCKLESS = (
    "block_response",
    "allocation_response",
    "affirmation",
    "cancellation",
    "change_response",
    "reminder",
    "calculation_request",
)


def message(words: dict[str, Any]) -> Message:
    """A message from few words: {notice = "N1", quantity = "30000", links = {client_order = "O1"}}.

    What is left out is 30,000 shares bought at 2845.5 yen. Funds are texts such as "F1 20000 net=56972601"; a
    fund's figures that are not given are computed. block = false leaves the block out.
    """
    name = next(name for name in KINDS if name in words)
    document: dict[str, Any] = {key: words[key] for key in _AS_IT_IS if key in words}
    document |= {"kind": KINDS[name], "reference": words[name]}
    document["broker"] = {"lei": words.get("broker", BROKER)}
    document["investor"] = {"lei": words.get("investor", INVESTOR)}
    document["links"] = [{"kind": k, "value": v} for k, v in words.get("links", {}).items()]
    if "net" in words:
        document["net"] = {"amount": words["net"], "currency": words.get("currency", "JPY")}
    if "account" in words:
        document["account"] = _account(words["account"])
    if "refused" in words:
        document["refused_accounts"] = [_account(code) for code in words["refused"]]
    if name == "reminder":
        document["trade_date"] = words.get("trade_date", _TERMS["trade_date"])
    if name not in _BLOCKLESS:
        document |= _trade(name, words)
    return MESSAGE.validate_json(_json(document))


def _json(document: dict[str, Any]) -> str:
    import json  # noqa: PLC0415 - here alone

    return json.dumps(document)


def _trade(name: str, words: dict[str, Any]) -> dict[str, Any]:
    terms = {**_TERMS, **{key: words[key] for key in _TERM_NAMES if key in words}}
    names = {key: words[word] for key, word in (("isin", "isin"), ("japan_code", "code")) if word in words}
    terms["instrument"] = names or {"isin": "JP3633400001"}
    found: dict[str, Any] = {"terms": terms}
    price, currency = words.get("price", "2845.5"), words.get("currency", "JPY")
    if words.get("block", True):
        found["block"] = {
            "quantity": words.get("quantity", "30000"),
            "price": {"value": price, "currency": currency},
        }
        if "gross" in words:
            found["block"]["gross"] = {"amount": words["gross"], "currency": currency}
    parts = [_Part(text, price, currency) for text in words.get("funds", ())]
    if name == "instruction":
        found["allocations"] = [part.allocation() for part in parts]
    elif name != "notice":
        found["funds"] = [part.figures(terms["side"]) for part in parts]
    return found


def _account(code: str) -> dict[str, str]:
    return {"code": code, "scheme": "jasdec"}


class _Part:
    """A fund in words: "F1 20000 commission=56910 stamp=200 price=2846 gross=none currency=USD".

    A fee is named by its kind. Who gives the net amount leaves the gross amount out.
    """

    def __init__(self, text: str, price: str, currency: str) -> None:
        self.code, self.quantity, *rest = text.split()
        self.said = dict(word.split("=") for word in rest)
        self.price, self.currency = self.said.get("price", price), currency

    def allocation(self) -> dict[str, Any]:
        found: dict[str, Any] = {"account": _account(self.code), "quantity": self.quantity}
        if "price" in self.said:
            found["price"] = {"value": self.price, "currency": self.currency}
        return found | self._reference()

    def figures(self, side: str) -> dict[str, Any]:
        gives_gross = self.said.get("gross") != "none" and "net" not in self.said
        whole = self._cut(Decimal(self.quantity) * Decimal(self.price))
        gross = Decimal(self.said.get("gross", whole)) if gives_gross else whole
        commission = Decimal(self.said.get("commission", self._cut(gross / 1000)))
        tax = Decimal(self.said.get("tax", self._cut(commission / 10)))
        fees = {kind.value: Decimal(self.said[kind]) for kind in FeeKind if kind in self.said}
        charges = commission + tax + sum(fees.values())
        net = gross + charges if side == "buy" else gross - charges
        found = {
            "account": _account(self.code),
            "quantity": self.quantity,
            "price": {"value": self.price, "currency": self.currency},
            "commission": self._money(commission),
            "consumption_tax": self._money(tax),
            "fees": [{"kind": kind, "charge": self._money(amount)} for kind, amount in fees.items()],
            "net": self._money(Decimal(self.said.get("net", net))),
        }
        if gives_gross:
            found["gross"] = self._money(gross)
        return found | self._reference()

    def _money(self, amount: Decimal) -> dict[str, str]:
        return {"amount": plain(amount), "currency": self.said.get("currency", self.currency)}

    def _cut(self, value: Decimal) -> Decimal:
        """`value` truncated to the currency's minor units."""
        return value.quantize(Decimal(1).scaleb(-MINOR_UNITS[self.currency]), ROUND_DOWN)

    def _reference(self) -> dict[str, str]:
        return {"reference": self.said["reference"]} if "reference" in self.said else {}


def submission(sender: str, *messages: Message, raw: str = "") -> Submission:
    """What `sender` says at once. raw: stands for the raw bytes; without one, the references do."""
    text = raw or "+".join(f"{m.kind}:{m.reference}" for m in messages)
    return Submission(sender=sender, source=hashlib.sha256(text.encode()).hexdigest(), messages=messages)


TOKYO = timezone(timedelta(hours=9))
MORNING = datetime(2026, 11, 20, 9, tzinfo=TOKYO)
"""Of the trade date of messages that name none."""


@dataclass
class Replica:
    """The contract and its state in memory. stored: keep the state as the JSON that a node stores.

    time: of the ledger, for the next entries. contract: the version.
    """

    stored: bool = False
    contract: str = CONTRACT
    rules: Rules = field(default_factory=Rules)
    position: int = 0
    time: datetime = MORNING
    calendars: tuple[Calendar, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)

    def apply(self, said: Submission) -> tuple[AnyOutcome, ...]:
        """The outcomes of the next entry."""
        decision = self.decide(said)
        for key, record in decision.changes.items():
            if record is None:
                self.state.pop(key, None)
            else:
                self.state[key] = (type(record).__name__, record.model_dump_json()) if self.stored else record
        self.position += 1
        return decision.outcomes

    def decide(self, said: Submission) -> Decision:
        """What the contract would make of the next entry."""
        entry = Entry(self.position, said, self.time, self.calendars)
        return CONTRACTS[self.contract](self.view, entry, self.rules, "c" * 64)

    def view(self, key: str) -> Canonical | None:
        """The record at a key."""
        found = self.state.get(key)
        return RECORDS[found[0]].model_validate_json(found[1]) if isinstance(found, tuple) else found

    def digest(self) -> str:
        """SHA-256 of the whole state."""
        whole = hashlib.sha256()
        for key in sorted(self.state):
            found = self.state[key]
            text = found[1] if isinstance(found, tuple) else found.model_dump_json()
            whole.update(f"{key}\n{text}\n".encode())
        return whole.hexdigest()
