"""What clients of the scene say in FIX 4.4 and ISO 20022: requests, acceptances, consents."""

from pathlib import Path

from messages import fix
from scene import Node

SAMPLE = Path(__file__).parent.parent / "golden" / "mapping" / "read" / "iso20022" / "setr.027"
TERMS = (
    ("54", "1"), ("55", "[N/A]"), ("48", "JP3633400001"), ("22", "4"), ("53", "30000"), ("6", "2845.5"),
    ("15", "JPY"), ("75", "20261120"), ("64", "20261125"),
)  # fmt: skip
SPLIT = (("78", "2"), ("79", "F1"), ("80", "20000"), ("79", "F2"), ("80", "10000"))
_BROKER = (("453", "1"), ("448", "BRKAJPJT"), ("447", "B"), ("452", "1"))
_INVESTOR = (("453", "1"), ("448", "ASMGJPJT"), ("447", "B"), ("452", "9"))


def _header(kind: str) -> tuple[tuple[str, str], ...]:
    return (
        ("35", kind), ("49", "CLIENT"), ("56", "YAKUJO"), ("34", "9"), ("52", "20261120-07:00:00.000"),
    )  # fmt: skip


def instruction(reference: str, *more: tuple[str, str], order: str = "B-1") -> bytes:
    """An investor's AllocationInstruction (J). more: 626 and what belongs to it."""
    orders = (("857", "1"), ("73", "1"), ("11", order))
    return fix(*_header("J"), ("70", reference), ("71", "0"), *more, *orders, *TERMS, *_BROKER, *SPLIT)


def claim(reference: str, *more: tuple[str, str]) -> bytes:
    """A broker's AllocationReport (AS) as a request to the intermediary (794=8)."""
    head = (("755", reference), ("71", "0"), ("794", "8"), *more, ("87", "3"), ("857", "0"))
    return fix(*_header("AS"), *head, *TERMS, *_INVESTOR, *SPLIT)


def broker_cancellation(reference: str, cancels: str) -> bytes:
    """A broker's report is taken back (AS with 71=2)."""
    return fix(
        ("35", "AS"), ("49", "BROKER"), ("56", "YAKUJO"), ("34", "3"), ("52", "20261120-07:00:00.000"),
        ("755", reference), ("795", cancels), ("71", "2"), ("796", "99"), ("72", "NONE"), ("794", "3"),
        ("87", "3"), ("857", "0"), ("54", "1"), ("55", "[N/A]"), ("53", "30000"), ("6", "2845.5"),
        ("75", "20261120"), ("453", "1"), ("448", "ASMGJPJT"), ("447", "B"), ("452", "9"),
    )  # fmt: skip


def accepted(report: str, reference: str) -> bytes:
    """An AllocationReportAck (AT) that accepts calculated figures. reference: what 70 of the report says."""
    said = (("755", report), ("70", reference), ("60", "20261120-07:00:00.000"), ("87", "0"))
    return fix(*_header("AT"), *said, ("794", "8"), ("808", "4"))


def taken(report: str, status: str) -> bytes:
    """An AllocationReportAck (AT) of the investor's: the broker's report is taken (0), or not (1)."""
    said = (("755", report), ("70", "NONE"), ("60", "20261120-07:00:00.000"), ("87", status))
    return fix(*_header("AT"), *said, *((("88", "7"),) if status == "1" else ()))


def split(case: str, order: str = "B-1") -> bytes:
    """An investor's setr.027, one for the block and one per fund, from a sample of the mapping."""
    text = (SAMPLE / case / "message.xml").read_text(encoding="utf-8")
    return text.replace(">O1<", f">{order}<").encode()


def response(reference: str, status: str, **refs: str) -> bytes:
    """A setr.030. status: a code, or a proprietary one of ours, as "ADPT". refs: what is named."""
    ours = f"<Prtry><Id>{status}</Id><Issr>YAKUJO</Issr></Prtry>"
    told = f"<Cd>{status}</Cd>" if status in ("AFFI", "NAFI") else ours
    return _document(
        "setr.030.001.03", "SctiesTradConfRspn", reference, refs, f"<Sts><AffirmSts>{told}</AffirmSts></Sts>"
    )


def cancellation(reference: str, cancels: str) -> bytes:
    """A setr.029."""
    return _document("setr.029.001.02", "SctiesTradConfCxl", reference, {"InstgPtyTxId": cancels}, "")


def _document(message: str, root: str, reference: str, refs: dict[str, str], rest: str) -> bytes:
    named = "".join(f"<Refs><Ref><{kind}>{name}</{kind}></Ref></Refs>" for kind, name in refs.items())
    body = f"<Id><TxId>{reference}</TxId></Id>{named}{rest}"
    space = f"urn:iso:std:iso:20022:tech:xsd:{message}"
    return f'<Document xmlns="{space}"><{root}>{body}</{root}></Document>'.encode()


def heard(node: Node, client: str) -> list[str]:
    """All that a client has had, in order: FIX with "|" between fields."""
    query = "SELECT bytes FROM delivery WHERE client = ? ORDER BY number"
    return [raw.decode().replace("\x01", "|") for (raw,) in node.rows(query, client)]


def statuses(node: Node) -> list[str]:
    """The statuses of the trade, as they came."""
    return [s for (s,) in node.rows("SELECT status FROM outcome WHERE kind = 'result' ORDER BY position")]
