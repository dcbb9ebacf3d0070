"""The document that two sides agree on, as a node of one of them can read it."""

import tomli_w

from node.act import Agreement, AgreeRules
from node.document import Document
from node.documents import rules_in, stored_document
from node.inspection import View
from node.keyring import KeyRing
from node.rules_document import RulesDocument
from node.rules_history import is_about
from node.setup import SetupError
from node.startup import protection


def agreed_document(view: View, act: Agreement) -> Document:
    """What an act names, to be looked at before it is approved.

    Raises SetupError where this node cannot read it, or it is not what the act says; KeyFileError.
    """
    ring = KeyRing.load(view.settings.keys_folder, protection(view.settings))
    document = stored_document(view.connection, view.network.id, ring, bytes.fromhex(act.document))
    if document is None:
        raise SetupError(
            f"this node cannot read the document {act.document[:12]}: it acts for neither side, or was not"
            " granted it. Look at it, and approve, at a node of the institution's SP"
        )
    if isinstance(act, AgreeRules) and not is_about(rules_in(document), act):
        raise SetupError(
            f"the document {act.document[:12]} does not hold the rules that the proposal is about, or rules"
            " that this release does not know: do not approve it"
        )
    return document


def as_text(document: Document) -> bytes:
    """A document for people: rules as TOML (conf/rules.toml), what else there is as it was given."""
    rules = rules_in(document)
    return document.text if rules is None else tomli_w.dumps(_tree(rules)).encode()


def _tree(rules: RulesDocument) -> dict[str, object]:
    return rules.model_dump(exclude_none=True, exclude_unset=True)
