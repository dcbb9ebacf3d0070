"""The document that an act names, checked and sealed before the act goes on the ledger."""

from node.act import Act, Agreement, AgreeRules
from node.act_records import stored_register
from node.document import Document, seal_document
from node.documents import lasting_readers, rules_in
from node.entry import DocumentEntry
from node.inspection import View
from node.rules_history import is_about


class DocumentSubmissionError(Exception):
    """A document cannot be put on the ledger, or must be; the message says what to do."""


def document_entries(view: View, act: Act, document: Document | None) -> list[DocumentEntry]:
    """What must stand on the ledger before an act. document: what it names, if it is not there yet.

    Raises DocumentSubmissionError.
    """
    if not isinstance(act, Agreement):
        if document is not None:
            raise DocumentSubmissionError("this statement names no document: leave out --document")
        return []
    register = stored_register(view.connection, view.network)
    is_served = bool(register.served_by(view.settings.sp) & {act.broker, act.investor})
    query = "SELECT 1 FROM document WHERE id = ?"
    if view.connection.execute(query, (bytes.fromhex(act.document),)).fetchone() is not None:
        return []
    if document is None:
        if is_served:
            raise DocumentSubmissionError(
                "the document that the statement names is not on the ledger, or not for this SP: give it with"
                " --document"
            )
        return []  # whether it is there, its readers know
    if not is_served:
        raise DocumentSubmissionError(
            f"{view.settings.sp} acts for neither side: the document is not for it. Have an SP of one of them"
            " submit both"
        )
    _check_is_named(act, document)
    return [seal_document(document, lasting_readers(register, act.broker, act.investor))]


def _check_is_named(act: Agreement, document: Document) -> None:
    """Raise DocumentSubmissionError where a document is not the one that an act names, or not of it."""
    if document.id.hex() != act.document:
        raise DocumentSubmissionError("the document is another one than the statement names")
    if isinstance(act, AgreeRules) and not is_about(rules_in(document), act):
        raise DocumentSubmissionError(
            "the document does not hold the rules that the statement is about, or they are not valid: propose"
            " it anew"
        )
