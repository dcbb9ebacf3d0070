"""What institutions say of themselves: signed where the identity key is, put on the ledger by any member.

    delegation_statement, revocation, new_identity, destruction -> a signed statement
    write_statement(path, statement)        read_statement(path) -> statement

A file is the statement's byte form (node.act), a line of JSON; it is public, and altered it does not count.
"""

import datetime
from pathlib import Path
from typing import TypeVar

from canonical.encoding import canonical_bytes
from node.act import (
    ACT_BYTES_MAX,
    ActInvalidError,
    AgreeRules,
    Delegate,
    InstitutionAct,
    Joint,
    ReplaceIdentity,
    Revoke,
    Shred,
    Statement,
    TakeBack,
    decode_act,
    encode_act,
)
from node.act_given import act_of
from node.document import OPENING_BYTES_MAX, About, Document, Opening, new_document
from node.identity import Identity, sign_statement
from node.network import Network
from node.private_file import write_private
from node.rules_document import RulesDocument
from node.setup import Card, SetupError

Signed = TypeVar("Signed", bound=Statement)


def delegation_statement(
    identity: Identity, card: Card, network: Network, number: int, until: datetime.date | None
) -> Delegate:
    """The institution lets the SP of a card act for it, until a business day or until it says otherwise.

    Raises SetupError where the card asks for no delegation of it.
    """
    asked = card.asked_of(identity.lei).model_copy(update={"signature": "", "until": until})
    return statement_of(Delegate, identity, network, number, delegation=asked)


def revocation(identity: Identity, sp: str, network: Network, number: int) -> Revoke:
    """The institution does not let an SP act for it any more."""
    return statement_of(Revoke, identity, network, number, sp=sp)


def new_identity(identity: Identity, successor: Identity, network: Network, number: int) -> ReplaceIdentity:
    """The institution signs with another key from now on. Raises SetupError where it is another's."""
    if successor.lei != identity.lei:
        raise SetupError(f"the new identity is that of {successor.lei}, the old one of {identity.lei}")
    return statement_of(ReplaceIdentity, identity, network, number, identity_key=successor.public_text)


def destruction(identity: Identity, day: datetime.date, network: Network, number: int) -> Shred:
    """The institution has its nodes destroy what opens a business day."""
    return statement_of(Shred, identity, network, number, day=day)


def rules_agreement(
    identity: Identity, rules: RulesDocument, network: Network, number: int
) -> tuple[AgreeRules, Document]:
    """The institution agrees on rules with the other side: its statement, and the document that it names.

    Raises SetupError.
    """
    if identity.lei not in (rules.broker, rules.investor):
        raise SetupError(f"{identity.lei} is no side of these rules: {rules.broker}, {rules.investor}")
    document = document_of(network, rules.broker, rules.investor, About.RULES, canonical_bytes(rules))
    said = statement_of(
        AgreeRules,
        identity,
        network,
        number,
        broker=rules.broker,
        investor=rules.investor,
        version=rules.version,
        from_trade_date=rules.from_trade_date,
        document=document.id.hex(),
    )
    return said, document


def document_of(network: Network, broker: str, investor: str, about: About, text: bytes) -> Document:
    """A new document between two institutions. Raises SetupError where it is empty or too large."""
    try:
        return new_document(network.id, broker, investor, about, text)
    except ValueError as error:
        raise SetupError(str(error)) from error


def write_opening(path: Path, document: Document) -> None:
    """Write a document with its key, for this user alone. Raises SetupError where there is a file already."""
    if path.exists():
        raise SetupError(f"{path} exists and is not overwritten: name another file with --output")
    write_private(path, Opening.of(document).to_bytes())


def read_opening(path: Path, network: bytes) -> Document:
    """The document in a file. network: its id. Raises SetupError."""
    try:
        with path.open("rb") as file:
            return Opening.from_bytes(file.read(OPENING_BYTES_MAX + 1)).document(network)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SetupError(f"{path} is no document as `yakujo propose` writes it: {error}") from error


def as_said_by(identity: Identity, act: Joint, network: Network, number: int) -> InstitutionAct:
    """What the other side has said, said by this one. Raises SetupError where it is no side of it."""
    if identity.lei not in (act.broker, act.investor):
        raise SetupError(f"{identity.lei} is no side of it: {act.broker} and {act.investor} are")
    said = act.model_copy(update={"institution": identity.lei, "number": number, "signature": ""})
    signed: InstitutionAct = said.model_copy(update=_signature(said, identity, network))  # type: ignore[assignment] # all joint statements are of the union
    return signed


def taking_back(identity: Identity, proposal: str, network: Network, number: int) -> TakeBack:
    """The institution takes back what it has said, while the other side has not."""
    return statement_of(TakeBack, identity, network, number, proposal=proposal)


def write_statement(path: Path, statement: InstitutionAct) -> None:
    """Write a statement. Raises SetupError where there is a file already."""
    try:
        with path.open("xb") as file:
            file.write(encode_act(statement) + b"\n")
    except FileExistsError as error:
        raise SetupError(f"{path} exists and is not overwritten: name another file with --output") from error


def read_statement(path: Path) -> InstitutionAct:
    """The statement in a file. Raises SetupError."""
    try:
        with path.open("rb") as file:
            act = decode_act(file.read(ACT_BYTES_MAX + 1).removesuffix(b"\n"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except ActInvalidError as error:
        raise SetupError(f"{path} is not an institution's statement: {error}") from error
    if not isinstance(act, Statement):
        raise SetupError(f"{path} is a vote of members: they give theirs with `yakujo admit` and the like")
    return act


def statement_of(
    kind: type[Signed], identity: Identity, network: Network, number: int, **fields: object
) -> Signed:
    """A signed statement with these fields. Raises SetupError where it cannot be said."""
    given = {"institution": identity.lei, "number": number, **fields}
    return signed_by(identity, network, act_of(kind, given))


def signed_by(identity: Identity, network: Network, said: Signed) -> Signed:
    """A statement with its institution's signature."""
    return said.model_copy(update=_signature(said, identity, network))


def _signature(said: Statement, identity: Identity, network: Network) -> dict[str, str]:
    return {"signature": sign_statement(identity.signing, said.signed(network.id.hex()))}
