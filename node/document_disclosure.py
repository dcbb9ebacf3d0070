"""What two sides have agreed on by an act, for somebody who holds no key: the document with its own key.

    said_by(proof, raw) -> what the proven entry says, opened by the disclosure or the document in `raw`

Beside a proof that the act stands on the ledger (node.proof), the document with its key (node.document) shows
what it is about: nobody can make another one with the id that the act names.
"""

from typing import Any

from canonical.base import Canonical
from node.act import ActInvalidError, Agreement, decode_act
from node.disclosure import DisclosureInvalidError, disclosed, read_disclosure
from node.document import Opening
from node.entry import ActEntry, EntryInvalidError, decode_entry
from node.proof import Proof


def said_by(proof: Proof, raw: bytes) -> dict[str, Any]:
    """What the entry says that `proof` proves, as data. Raises DisclosureInvalidError."""
    try:
        opening = Opening.from_bytes(raw)
    except ValueError:
        return _data(disclosed(proof, read_disclosure(raw)))
    act = _joint(proof.entry)
    try:
        document = opening.document(proof.network)
    except ValueError as error:
        raise DisclosureInvalidError(str(error)) from error
    if document.id.hex() != act.document:
        raise DisclosureInvalidError("the document is another one than the proven act names")
    text = document.text.decode(errors="backslashreplace")
    return {"act": _data(act), "about": document.about.value, "text": text}


def _joint(raw: bytes) -> Agreement:
    try:
        entry = decode_entry(raw)
        act = decode_act(entry.act) if isinstance(entry, ActEntry) else None
    except (EntryInvalidError, ActInvalidError) as error:
        raise DisclosureInvalidError(str(error)) from error
    if not isinstance(act, Agreement):
        raise DisclosureInvalidError("the proven entry is no act that names a document")
    return act


def _data(said: Canonical) -> dict[str, Any]:
    return said.model_dump(mode="json", exclude_none=True)
