"""Changes of master data as files, in the words of a network file, one change a file.

    common_change(path) -> a vote          own_change(path, identity, …) -> an institution's statement

A vote: [institution] with [[relationships]], or [[securities]], or [calendar], or one of [[calendars]] as
`yakujo calendar make` drafts it. A statement: name, bic and
[[codes]], or [[funds]] and [[closed]].
"""

import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from node.act import (
    AdmitInstitution,
    Correct,
    InstitutionAct,
    ListSecurities,
    MembersAct,
    Relate,
    SetCalendar,
    SetDeadlines,
    StateCodes,
    StateFunds,
)
from node.act_given import act_of
from node.document import TEXT_BYTES_MAX, About, Document
from node.identity import Identity
from node.network import Network, NetworkDeadlines
from node.rules_document import read_tree
from node.setup import SetupError
from node.statements import document_of, signed_by, statement_of


def common_change(path: Path) -> MembersAct:
    """What members vote on. Raises SetupError, RulesDocumentError."""
    tree = _calendar_alone(read_tree(path))
    if "institution" in tree:
        return act_of(AdmitInstitution, tree, f"{path}: ")
    if "securities" in tree:
        return act_of(ListSecurities, tree, f"{path}: ")
    if "calendar" in tree:
        return act_of(SetCalendar, tree, f"{path}: ")
    raise SetupError(f"{path} holds none of institution, securities, calendar: members vote on those")


def deadlines_change(times: str, since: datetime.date, *, at_once: bool) -> SetDeadlines:
    """The network's deadlines, from a trade date on. times: "15:00,16:00", or "none". Raises SetupError."""
    named = [] if times == "none" else times.split(",")
    tree = {"from_trade_date": since, "remind_at": named, "allege_at_once": at_once}
    try:
        deadlines = NetworkDeadlines.model_validate(tree)
    except ValidationError as error:
        text = error.errors(include_url=False)[0]["msg"]
        raise SetupError(f"{times}: {text}; write times that rise, such as 15:00,16:00") from error
    return SetDeadlines(deadlines=deadlines)


def own_change(path: Path, identity: Identity, network: Network, number: int) -> InstitutionAct:
    """What an institution says of its own. Raises SetupError, RulesDocumentError."""
    tree = {**read_tree(path), "institution": identity.lei, "number": number}
    if "funds" in tree or "closed" in tree:
        for fund in tree.get("funds", []):
            fund.setdefault("investor", identity.lei)
        return signed_by(identity, network, act_of(StateFunds, tree, f"{path}: "))
    if "name" in tree:
        return signed_by(identity, network, act_of(StateCodes, tree, f"{path}: "))
    raise SetupError(f"{path} holds neither funds nor a name: an institution states those itself")


def correction(
    identity: Identity,
    document: Path,
    network: Network,
    number: int,
    *,
    sides: tuple[str, str],
    position: int,
) -> tuple[Correct, Document]:
    """A side's word that a document holds instead of what stands at a position, and the document.

    sides: LEIs of broker and investor. Raises SetupError.
    """
    if identity.lei not in sides:
        raise SetupError(f"{identity.lei} is no side of it: {sides[0]} and {sides[1]} are")
    try:
        with document.open("rb") as file:
            text = file.read(TEXT_BYTES_MAX + 1)
    except OSError as error:
        raise SetupError(f"{document} cannot be read: {error.strerror}") from error
    made = document_of(network, *sides, About.CORRECTION, text)
    tree = {"broker": sides[0], "investor": sides[1], "position": position, "document": made.id.hex()}
    return statement_of(Correct, identity, network, number, **tree), made


def relation(identity: Identity, network: Network, number: int, sides: tuple[str, str]) -> Relate:
    """A side's word that it confirms trades with the other. sides: LEIs of broker and investor.

    Raises SetupError.
    """
    if identity.lei not in sides:
        raise SetupError(f"{identity.lei} is no side of it: {sides[0]} and {sides[1]} are")
    return statement_of(Relate, identity, network, number, broker=sides[0], investor=sides[1])


def _calendar_alone(tree: dict[str, Any]) -> dict[str, Any]:
    """One of [[calendars]], as a draft has it, is the [calendar] that is voted on."""
    match tree:
        case {"calendars": [calendar], **others}:
            return {**others, "calendar": calendar}
    return tree
