"""What asset manager B's own system says in ISO 20022: setr.027 for the block and for each of its funds."""

from typing import Any, Final

from adapters.format import Decoded, Fields
from adapters.iso20022 import Iso20022
from canonical.amounts import plain
from node.demo.figures import Figures, Share
from node.demo.market import (
    BROKER,
    MANAGER_B,
    MARKET,
    PROVIDER_BICS,
    SETTLEMENT_DATE,
    TRADE_DATE,
)

CONFIRMATION: Final = "setr.027.001.05"
_ISO: Final = Iso20022()


def messages(reference: str, figures: Figures, *, remark: str = "") -> list[Fields]:
    """The block, and one message per fund; the block's reference holds them together."""
    block = _message(reference, reference, figures, figures.quantity, figures.gross)
    if remark:
        block["TradDtls"]["AddtlTradInstrPrcgInf"] = remark
    total = len(figures.shares)
    funds = [
        _fund(reference, number, total, figures, share) for number, share in enumerate(figures.shares, 1)
    ]
    return [block, *funds]


def written(given: list[Fields]) -> bytes:
    """A file with these messages, each behind its header."""
    return _ISO.encode([Decoded(CONFIRMATION, fields) for fields in given])


def decoded(raw: bytes) -> tuple[Decoded, ...]:
    """The messages of a file that came back."""
    return _ISO.decode(raw)


def _message(reference: str, block: str, figures: Figures, quantity: int, gross: int) -> dict[str, Any]:
    order = [{"Ref": {"ClntOrdrLkId": figures.order}}] if figures.order else []
    return {
        "AppHdr": _header(reference),
        "Id": {"TxId": reference},
        "Refs": [{"Ref": {"BlckId": block}}, *order],
        "TradDtls": {
            "BizPrcTp": {"Cd": "ISUP"},
            "Sd": "BUYI" if figures.buys else "SELL",
            "Pmt": "APMT",
            "TradTxTp": {"Cd": "TRAD"},
            "PlcOfTrad": {"Id": {"MktIdrCd": MARKET}, "Tp": {"Cd": "EXCH"}},
            "TradDt": {"Dt": {"Dt": TRADE_DATE.isoformat()}},
            "SttlmDt": {"Dt": {"Dt": SETTLEMENT_DATE.isoformat()}},
            "ConfQty": {"Qty": {"Unit": str(quantity)}},
            "GrssTradAmt": {"Amt": _yen(gross)},
            "DealPric": {"Val": {"Amt": {"@Ccy": "JPY", "#": plain(figures.price)}}, "Tp": "ACTU"},
            "TpOfPric": {"Cd": "AVER"},
        },
        "FinInstrmId": {"ISIN": figures.security.isin, "Desc": figures.security.code},
        "ConfPties": [_parties(figures)],
        "SttlmParams": {"SttlmTxTp": {"Cd": "TRAD"}},
    }


def _fund(block: str, number: int, total: int, figures: Figures, share: Share) -> dict[str, Any]:
    message = _message(f"{block}-{number}", block, figures, share.quantity, share.gross)
    amounts = {"ExctgBrkrAmt": _charge(share.commission), "CsmptnTax": _charge(share.tax)}
    if share.fee:
        amounts["StockXchgTax"] = _charge(share.fee)
    identity = {"PrtryId": {"Id": share.fund.code, "Issr": "DEMB"}}
    return message | {
        "NbCnt": {"TtlNb": {"CurInstrNb": f"{number:03}", "TtlOfLkdInstrs": f"{total:03}"}},
        "SttlmAmt": {"Amt": _yen(share.net), "CdtDbtInd": "DBIT" if share.buys else "CRDT"},
        "OthrAmts": [amounts],
        "OthrBizPties": {"Invstr": [{"Id": identity, "SfkpgAcct": share.fund.code}]},
    }


def _header(reference: str) -> dict[str, Any]:
    return {
        "Fr": _firm(MANAGER_B.bic),
        "To": _firm(PROVIDER_BICS[MANAGER_B.sp]),
        "BizMsgIdr": reference,
        "MsgDefIdr": CONFIRMATION,
        "CreDt": f"{TRADE_DATE.isoformat()}T15:31:05+09:00",
    }


def _firm(bic: str) -> dict[str, Any]:
    return {"FIId": {"FinInstnId": {"BICFI": bic}}}


def _parties(figures: Figures) -> dict[str, Any]:
    buyer, seller = (MANAGER_B, BROKER) if figures.buys else (BROKER, MANAGER_B)
    firms = {"Buyr": buyer, "Sellr": seller, "ExctgBrkr": BROKER}
    return {role: {"Id": {"AnyBIC": firm.bic}} for role, firm in firms.items()}


def _yen(amount: int) -> dict[str, str]:
    return {"@Ccy": "JPY", "#": str(amount)}


def _charge(amount: int) -> dict[str, Any]:
    return {"Amt": _yen(amount), "CdtDbtInd": "DBIT"}
