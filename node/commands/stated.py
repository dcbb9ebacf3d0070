"""An institution's statement, written to a file for whoever submits it."""

from pathlib import Path

from node.act import InstitutionAct
from node.act_words import in_words
from node.commands.options import screen
from node.statements import write_statement


def write_and_tell(statement: InstitutionAct, output: Path | None) -> None:
    """Write a statement and say what it says."""
    path = output or Path(f"{statement.institution}-{statement.number}.json")
    write_statement(path, statement)
    screen().print(f"{path}, number {statement.number}: {in_words(statement)}", soft_wrap=True)
    screen().print("Give it to any member, for `yakujo submit`.")
