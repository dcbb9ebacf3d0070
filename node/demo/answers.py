"""Native answers, read as the firms' own systems would read them: by the standards' codes and our layouts.

Every answer is read on its own terms, FIX by its tags, CSV by its columns, ISO 20022 by its elements; no
mapping is used. An answer that is not sound in its own format is a fault of ours, and counts as one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.format import Decoded, Fields
from node.demo import csv_messages, iso_messages
from node.demo.clients import Native
from node.demo.figures import BLOCK, Differences
from node.demo.fix_messages import fix_format
from node.demo.market import BROKER, MANAGER_A, MANAGER_B, MANAGER_C

RECEIVED, REFUSED, PENDING, MISMATCHED, MATCHED, CANCELLED = (
    "received",
    "refused",
    "pending",
    "mismatched",
    "matched",
    "cancelled",
)
COPY: Final = "copy"

_DIFFERENCE = re.compile(r"(\w+): broker (.+?), investor (.+?)(?: \(.+\))?")  # the reason in parentheses
_CUT = re.compile(r"(\.\.\.|…)$")


@dataclass(frozen=True, slots=True)
class Heard:
    """What one native answer says. id: its delivery. problems: of a refusal, as the client is shown them.

    cut: its text did not have room for all.
    """

    id: str
    reference: str
    status: str
    differences: Differences = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    cut: bool = False


class UnsoundAnswerError(Exception):
    """An answer breaks the rules of its own format; the message says which."""


def heard_in(client: str, native: Native) -> Heard:
    """What `native` says to `client`. Raises UnsoundAnswerError."""
    return _READERS[client](native)


def fix_fields(raw: bytes) -> tuple[str, dict[str, Any]]:
    """The type and the fields of a FIX message that came. Raises UnsoundAnswerError."""
    [decoded] = fix_format().decode(raw)
    _check(decoded)
    return decoded.message, decoded.fields


def _check(decoded: Decoded) -> None:
    if decoded.problems:
        text = "; ".join(f"{problem.field} {problem.text}" for problem in decoded.problems)
        raise UnsoundAnswerError(f"{decoded.message or 'a file'} is not sound: {text}")


def _fix(native: Native) -> Heard:
    message, fields = fix_fields(native.raw)
    if message in ("AK", "AS"):
        return Heard(native.id, fields["664" if message == "AK" else "755"], COPY)
    text = str(fields.get("355", fields.get("58", "")))
    if message in ("j", "3"):
        return Heard(native.id, fields.get("379", ""), REFUSED, problems=(text,))
    reference = fields[{"AT": "755", "P": "70", "AU": "664"}[message]]
    status = _fix_status(message, fields)
    if status == REFUSED:
        return Heard(native.id, reference, REFUSED, problems=(text,))
    found = differences_in(text)
    for account in fields.get("78", ()):
        said = str(account.get("361", account.get("161", "")))
        found |= differences_in(said, account["79"])
    return Heard(native.id, reference, status, found, cut=bool(_CUT.search(text)))


def _fix_status(message: str, fields: Fields) -> str:
    """Status (AU 940, else 87) and match status (573): the latter is there once there is a counterpart."""
    compared = fields.get("573")
    if message == "AU":
        told = {"1": RECEIVED, "2": REFUSED, "3": MATCHED}[str(fields["940"])]
    else:
        told = {"0": CANCELLED, "1": REFUSED, "2": REFUSED, "3": RECEIVED}[str(fields["87"])]
    if compared is None:
        return told
    return {RECEIVED: PENDING, REFUSED: MISMATCHED, CANCELLED: MATCHED, MATCHED: MATCHED}[told]


def _csv(native: Native) -> Heard:
    rows = list(csv_messages.read(native.raw))
    first = rows[0]
    if "規則コード" in first:
        shown = tuple(f"{r['行']} {r['項目']} {r['規則コード']}: {r['内容']}" for r in rows)
        return Heard(native.id, first["取引参照番号"], REFUSED, problems=shown)
    if "結果番号" not in first:
        return Heard(native.id, first["取引参照番号"], COPY)
    status = {
        "受付": RECEIVED,
        "照合中": PENDING,
        "不一致": MISMATCHED,
        "ファンド不一致": MISMATCHED,
        "一致": MATCHED,
        "取消済": CANCELLED,
    }[first["結果"]]
    found = differences_in(first["内容"])
    for row in rows[1:]:
        found |= differences_in(row["内容"], row["ファンドコード"])
    return Heard(native.id, first["取引参照番号"], status, found, cut=bool(_CUT.search(first["内容"])))


def _iso(native: Native) -> Heard:
    decoded = iso_messages.decoded(native.raw)
    for one in decoded:
        _check(one)
    block, *funds = (dict[str, Any](one.fields) for one in decoded)
    reference = block["Refs"][0]["Ref"]["InstgPtyTxId"]
    processing, matching = block.get("PrcgSts", {}), block.get("MtchgSts", {})
    if "Rjctd" in processing:
        return Heard(native.id, reference, REFUSED, problems=tuple(_reasons(processing["Rjctd"])))
    told = (*processing, *matching, *block.get("CxlPrcgSts", {}))
    statuses = {
        "AckdAccptd": RECEIVED,
        "PdgPrcg": PENDING,
        "Mtchd": MATCHED,
        "Umtchd": MISMATCHED,
        "CxlCmpltd": CANCELLED,
    }
    [status] = [statuses[name] for name in told]
    found: Differences = {}
    cut = False
    for text in _reasons(matching.get("Umtchd", {})):
        found |= differences_in(text)
        cut = cut or bool(_CUT.search(text))
    for fund in funds:
        account = fund["Refs"][1]["Ref"]["IndvAllcnId"]
        for text in _reasons(fund["MtchgSts"].get("Umtchd", {})):
            found |= differences_in(text, account)
    return Heard(native.id, reference, status, found, cut=cut)


def _reasons(status: dict[str, Any]) -> Iterator[str]:
    for reason in status.get("Rsn", ()):
        yield str(reason.get("AddtlRsnInf", ""))


_READERS: Final[dict[str, Callable[[Native], Heard]]] = {
    BROKER.client: _fix,
    MANAGER_A.client: _csv,
    MANAGER_B.client: _iso,
    MANAGER_C.client: _fix,
}


def differences_in(text: str, account: str = BLOCK) -> Differences:
    """The differences that a text tells in words: "block: price: broker 1, investor 2; fund F1: net: …".

    What a text cut off tells is left out with the piece that it cut.
    """
    found: Differences = {}
    scope = account
    pieces = text.split("; ")
    for piece in pieces[:-1] if _CUT.search(text) else pieces:
        named, _, rest = piece.partition(": ")
        is_scope = named == "block" or named.startswith("fund ")
        if is_scope:
            scope = named.removeprefix("fund ").removeprefix("block")
        match = _DIFFERENCE.fullmatch(rest if is_scope else piece)
        if match:
            found[scope, match[1]] = (match[2], match[3])
    return found
