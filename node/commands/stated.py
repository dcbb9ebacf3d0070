"""An institution's statement, written to a file for whoever submits it, and the document that it names."""

from pathlib import Path

from node.act import InstitutionAct
from node.act_words import in_words
from node.commands.options import screen
from node.document import Document
from node.statements import write_opening, write_statement


def write_and_tell(statement: InstitutionAct, output: Path | None, document: Document | None = None) -> None:
    """Write a statement and say what it says. document: what it names, where it is new."""
    path = output or Path(f"{statement.institution}-{statement.number}.json")
    beside = path.with_suffix(".document.json")
    if document is not None:
        write_opening(beside, document)
    write_statement(path, statement)
    screen().print(f"{path}, number {statement.number}: {in_words(statement)}", soft_wrap=True)
    if document is None:
        screen().print("Give it to any member, for `yakujo submit`.")
    else:
        screen().print(
            f"{beside} has the document in clear. Give both to an SP of the institution, for `yakujo submit"
            f" {path.name} --document {beside.name}`.",
            soft_wrap=True,
        )
