"""All that can be said of a rules document before it is signed: what is wrong, and what looks odd."""

from pathlib import Path

from pydantic import ValidationError

from node.checking import Check, Verdict
from node.rules_advice import advice_on
from node.rules_document import RulesDocument, RulesDocumentError, faults_of, read_tree


def checks_of_document(path: Path) -> list[Check]:
    """Errors by place; or, where there are none, that it is well, and advice."""
    try:
        document = RulesDocument.model_validate(read_tree(path))
    except RulesDocumentError as error:
        return [Check(subject="document", verdict=Verdict.ERROR, text=str(error))]
    except ValidationError as error:
        faults = faults_of(error, RulesDocument)
        return [Check(subject=place, verdict=Verdict.ERROR, text=text) for place, text in faults]
    text = f"version {document.version}, for trades from {document.from_trade_date} on"
    well = Check(subject="document", verdict=Verdict.OK, text=text)
    advice = advice_on(document)
    return [well, *(Check(subject=place, verdict=Verdict.WARNING, text=text) for place, text in advice)]
