"""Worked examples of tests/golden/worked: what two sides say and what follows; README.md there tells how."""

import csv
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree
from mapping_scene import mapping, written_bytes
from test_mappings_golden import BESIDE
from trades import BROKER, INVESTOR, Replica, message, submission

from adapters.mapping import write
from canonical.answer import Answer, answers
from canonical.diagnosis.english import in_english
from canonical.diagnosis.japanese import in_japanese
from canonical.difference_japanese import names_of
from canonical.message import Role
from canonical.result import Difference, Result
from canonical.rules import Rules
from canonical.submission import Submission

FOLDER = Path(__file__).parent / "golden" / "worked"
_PLAIN = Difference(field="net", broker="", investor="")
LINKS = {"links": {"client_order": "O1"}}


@dataclass(frozen=True)
class Worked:
    """One example: what each side says first, in few words (tests/trades.py), and then, in order."""

    rules: Rules
    broker: list[dict[str, Any]]
    investor: list[dict[str, Any]]
    then: list[tuple[str, list[dict[str, Any]]]]
    expected: dict[str, Any]


def worked(path: Path) -> Worked:
    """The example in a file."""
    document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    rules = Rules.model_validate(document.get("rules", {}))
    then = [spoken for step in document.get("then", ()) for spoken in step.items()]
    return Worked(rules, document["broker"], document["investor"], then, document["expected"])


def results(example: Worked, *, investor_first: bool = False) -> list[Result]:
    """What the contract tells of the trade once both sides have spoken."""
    replica = Replica(rules=example.rules)
    first = [("broker", example.broker), ("investor", example.investor)]
    spoken = [*(reversed(first) if investor_first else first), *example.then]
    said = [_submission(*each) for each in spoken if each[1]]
    return [outcome for one in said for outcome in replica.apply(one) if isinstance(outcome, Result)]


def shown(result: Result) -> dict[str, Any]:
    """What is expected of a result, as an example has it."""
    found: dict[str, Any] = {
        "status": result.status.value,
        "block": _status(result.block.status.value, result.block.differences),
    }
    found["funds"] = [
        _status(f"{fund.account.code} {fund.status}", fund.differences) for fund in result.funds
    ]
    found["unaffirmed"] = [
        _status(fund.account.code, fund.unaffirmed) for fund in result.funds if fund.unaffirmed
    ]
    names = names_of(next((d for fund in result.funds for d in fund.unaffirmed), _PLAIN))
    diagnosis = result.diagnosis or result.unaffirmed
    causes = diagnosis.causes if diagnosis is not None else ()
    found["because"] = [in_english(cause, names.english) for cause in causes]
    found["because_ja"] = [in_japanese(cause, names.japanese) for cause in causes]
    return {name: value for name, value in found.items() if value}


def native(result: Result) -> dict[str, Any]:
    """The codes by which each format tells it: to the broker in FIX, to the investor in a file and in XML.

    The rows and messages of single funds are those of funds that differ or match within tolerance.
    """
    [broker] = answers(result, Role.BROKER)[:1]
    [investor] = answers(result, Role.INVESTOR)[:1]
    told = tuple(fund for fund in investor.funds if fund.differences or fund.unaffirmed)
    parts = investor.model_copy(update={"funds": told})
    found = {
        "fix": _fix(broker),
        "csv": _rows("delimited/result", investor)[0],
        "csv_funds": _rows("delimited/result_fund", parts) if told else [],
        "iso20022": _statuses("iso20022/setr.044", investor)[0],
        "iso20022_funds": _statuses("iso20022/setr.044.fund", parts) if told else [],
    }
    return {name: value for name, value in found.items() if value}


def _submission(sender: str, spoken: list[dict[str, Any]]) -> Submission:
    lei = {"broker": BROKER, "investor": INVESTOR}[sender]
    return submission(lei, *(message({**LINKS, **words}) for words in spoken))


def _status(status: str, differences: tuple[Difference, ...]) -> str:
    return f"{status}: {', '.join(map(_difference, differences))}" if differences else status


def _difference(found: Difference) -> str:
    holds = f" {found.holds} holds" if found.within else ""
    return f"{found.field} {found.broker or '-'}/{found.investor or '-'}{holds}"


def _bytes(name: str, answer: Answer) -> bytes:
    return b"".join(written_bytes(name, write(mapping(name), answer, BESIDE)))


def _fix(answer: Answer) -> str:
    """87, 88, 573 and the accounts with their 776 of an AllocationReportAck (35=AT)."""
    fields = [field.split("=", 1) for field in _bytes("fix44/AT", answer).decode().split("\x01") if field]
    return "|".join(f"{tag}={value}" for tag, value in fields if tag in ("87", "88", "573", "79", "776"))


def _rows(name: str, answer: Answer) -> list[str]:
    """The fund, 結果 and 不一致項目 of each row."""
    rows = csv.reader(_bytes(name, answer).decode("cp932").splitlines()[1:])
    return [" ".join(filter(None, (row[3], row[6], row[7]))) for row in rows]


def _statuses(name: str, answer: Answer) -> list[str]:
    """The status element of each setr.044, with the fund and the codes."""
    whole = etree.fromstring(_bytes(name, answer))
    found = []
    for document in whole.iter("{*}Document"):
        account = [node.text for node in document.iter("{*}IndvAllcnId")]
        named = (*document.iter("{*}Cd"), *document.iterfind(".//{*}Prtry/{*}Id"))
        codes = [node.text for node in named if not len(node)]
        status = next(node[0] for node in document.iter("{*}MtchgSts", "{*}PrcgSts", "{*}CxlPrcgSts"))
        found.append(" ".join([*account, etree.QName(status).localname, *codes]))
    return found
