"""What the broker's and asset manager C's own systems say in FIX 4.4, written as they would write it.

Nothing here knows the mappings: the demo's clients speak their own formats. Header and trailer are the
engine's to write.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from adapters.fix import FixFormat
from adapters.fix_dictionary import load
from adapters.fix_sessions import installed_dictionary
from adapters.format import Decoded
from canonical.amounts import plain
from node.demo.figures import Figures, Share
from node.demo.market import BROKER, MARKET, SETTLEMENT_DATE, TRADE_DATE, Firm

FixFields = dict[str, Any]

REPORT, EXECUTION, CAPTURE, CONFIRMATION = "AS", "8", "AE", "AK"
INSTRUCTION, AFFIRMATION = "J", "AU"
EXCHANGE_FEE: Final = "4"
CONSUMPTION_TAX: Final = "9"
_NO_ORDER: Final = "MANUAL"
_AT: Final = f"{TRADE_DATE:%Y%m%d}-06:31:05"  # half past three in Tokyo, always: a seed gives the same bytes


def encoded(message: str, fields: Mapping[str, Any]) -> bytes:
    """The bytes of a message, without what its engine adds."""
    form = fix_format()
    return form.encode([Decoded(message, form.ordered(message, dict(fields)))])


@cache
def fix_format() -> FixFormat:
    """FIX 4.4 as quickfix installs it."""
    return FixFormat(load(installed_dictionary("FIX.4.4")))


def report(reference: str, manager: Firm, figures: Figures, *, accounts: bool = True) -> FixFields:
    """AllocationReport: the block and, with `accounts`, each fund with its money."""
    fields: dict[str, Any] = {
        "755": reference,
        "71": "0",
        "794": "4" if accounts else "5",
        "87": "3",
        "857": "0",
        "60": _AT,
        **_terms(figures, manager),
        "53": str(figures.quantity),
        "6": plain(figures.price),
        "381": str(figures.gross),
        "73": [_order(figures, _broker_order(reference))],
    }
    if accounts:
        fields["78"] = list(_accounts(figures))
    return fields


def execution(reference: str, manager: Firm, figures: Figures) -> FixFields:
    """ExecutionReport: the last fill of an order, with its average price."""
    return {
        "17": reference,
        **_order(figures, _broker_order(reference)),
        "150": "F",
        "39": "2",
        "151": "0",
        "14": str(figures.quantity),
        "38": str(figures.quantity),
        "6": plain(figures.price),
        "60": _AT,
        "381": str(figures.gross),
        **_terms(figures, manager),
    }


def capture(reference: str, manager: Firm, figures: Figures) -> FixFields:
    """TradeCaptureReport: the block, with the investor's side alone."""
    terms = _terms(figures, manager)
    side = {
        "54": terms.pop("54"),
        "453": terms.pop("453"),
        **_order(figures, _broker_order(reference)),
        "381": str(figures.gross),
    }
    quantity, price = str(figures.quantity), plain(figures.price)
    whole = {"571": reference, "570": "N", "487": "0", "32": quantity, "31": price, "6": price, "60": _AT}
    return {**whole, **terms, "552": [side]}


def confirmation(reference: str, block: str, manager: Firm, figures: Figures, share: Share) -> FixFields:
    """Confirmation of one fund. block: the reference of the message that gave notice of the block."""
    return {
        "664": reference,
        "666": "0",
        "773": "2",
        "665": "4",
        "60": _AT,
        **_terms(figures, manager),
        "73": [_order(figures, _broker_order(block))],
        "80": str(share.quantity),
        "79": share.fund.code,
        "862": [{"528": "A", "863": str(share.quantity)}],
        "6": plain(share.price),
        "381": str(share.gross),
        "118": str(share.net),
        "12": str(share.commission),
        "13": "3",
        "136": list(_fees(share)),
    }


def instruction(reference: str, manager: Firm, figures: Figures, *, own_figures: bool) -> FixFields:
    """AllocationInstruction: how the block is split; with `own_figures` also each fund's money."""
    return {
        "70": reference,
        "71": "0",
        "626": "1" if own_figures else "2",
        "857": "0",
        "60": _AT,
        **_terms(figures, manager),
        "53": str(figures.quantity),
        "6": plain(figures.price),
        "381": str(figures.gross),
        "73": [_order(figures)],
        "78": list(_accounts(figures) if own_figures else _split(figures)),
    }


def calculated(fields: FixFields) -> FixFields:
    """An instruction without figures as one that takes over what the agreed rules make of it."""
    return {**fields, "626": "8", "808": "4"}


def affirmation(reference: str, *, affirmed: bool) -> FixFields:
    """ConfirmationAck: the figures of a confirmation are accepted, or not."""
    fields = {"664": reference, "75": f"{TRADE_DATE:%Y%m%d}", "60": _AT}
    return {**fields, "940": "3"} if affirmed else {**fields, "940": "2", "774": "99", "58": "not our trade"}


def replaced(fields: FixFields, reference: str) -> FixFields:
    """`fields` of a report or an instruction as the one that takes the place of `reference`."""
    own = {"795": reference} if "755" in fields else {}
    return {**fields, "71": "1", "72": reference, "796": "1", **own}


def cancelling(fields: FixFields, reference: str) -> FixFields:
    """What takes back the report or the instruction `fields`; `reference` is its own."""
    earlier, tag = str(fields.get("755", fields.get("70"))), "755" if "755" in fields else "70"
    own = {"795": earlier} if tag == "755" else {}
    return {**fields, tag: reference, "71": "2", "72": earlier, "796": "1", **own}


def _terms(figures: Figures, manager: Firm) -> dict[str, Any]:
    return {
        "54": "1" if figures.buys else "2",
        "55": "[N/A]",
        "48": figures.security.isin,
        "22": "4",
        "207": MARKET,
        "75": f"{TRADE_DATE:%Y%m%d}",
        "64": f"{SETTLEMENT_DATE:%Y%m%d}",
        "453": [
            {"448": BROKER.bic, "447": "B", "452": "1"},
            {"448": manager.bic, "447": "B", "452": "9"},
        ],
    }


def _order(figures: Figures, broker_order: str = "") -> dict[str, str]:
    own = {"37": broker_order} if broker_order else {}
    return {"11": figures.order or _NO_ORDER, **own}


def _broker_order(reference: str) -> str:
    return f"O{reference}"


def _accounts(figures: Figures) -> Iterator[dict[str, Any]]:
    for share in figures.shares:
        yield {
            "79": share.fund.code,
            "80": str(share.quantity),
            "12": str(share.commission),
            "13": "3",
            "153": plain(share.price),
            "154": str(share.net),
            "136": list(_fees(share)),
        }


def _split(figures: Figures) -> Iterator[dict[str, str]]:
    return ({"79": share.fund.code, "80": str(share.quantity)} for share in figures.shares)


def _fees(share: Share) -> Iterator[dict[str, str]]:
    yield {"137": str(share.tax), "139": CONSUMPTION_TAX}
    if share.fee:
        yield {"137": str(share.fee), "139": EXCHANGE_FEE}
