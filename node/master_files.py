"""Changes of master data as files, in the words of a network file, one change a file.

    common_change(path) -> a vote          own_change(path, identity, …) -> an institution's statement

A vote: [institution] with [[relationships]], or [[securities]], or [calendar]. A statement: name, bic and
[[codes]], or [[funds]] and [[closed]].
"""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from canonical.base import Canonical
from node.act import (
    AdmitInstitution,
    Correct,
    InstitutionAct,
    ListSecurities,
    MembersAct,
    SetCalendar,
    StateCodes,
    StateFunds,
)
from node.document import TEXT_BYTES_MAX, About, Document
from node.identity import Identity
from node.network import Network
from node.rules_document import faults_of, read_tree
from node.setup import SetupError
from node.statements import document_of, signed_by

Made = TypeVar("Made", bound=Canonical)


def common_change(path: Path) -> MembersAct:
    """What members vote on. Raises SetupError, RulesDocumentError."""
    tree = read_tree(path)
    if "institution" in tree:
        return _made(AdmitInstitution, tree, path)
    if "securities" in tree:
        return _made(ListSecurities, tree, path)
    if "calendar" in tree:
        return _made(SetCalendar, tree, path)
    raise SetupError(f"{path} holds none of institution, securities, calendar: members vote on those")


def own_change(path: Path, identity: Identity, network: Network, number: int) -> InstitutionAct:
    """What an institution says of its own. Raises SetupError, RulesDocumentError."""
    tree = {**read_tree(path), "institution": identity.lei, "number": number}
    if "funds" in tree or "closed" in tree:
        for fund in tree.get("funds", []):
            fund.setdefault("investor", identity.lei)
        return signed_by(identity, network, _made(StateFunds, tree, path))
    if "name" in tree:
        return signed_by(identity, network, _made(StateCodes, tree, path))
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
    said = _made(Correct, {**tree, "institution": identity.lei, "number": number}, document)
    return signed_by(identity, network, said), made


def _made(model: type[Made], tree: dict[str, Any], path: Path) -> Made:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        faults = (f"{path}: {place}: {text}" for place, text in faults_of(error, model))
        raise SetupError("\n".join(faults)) from error
