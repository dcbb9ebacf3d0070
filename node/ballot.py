"""What this member has signed last of all statements of generations, so that it never signs two for one.

Two statements for one generation, each with a majority, could lead to two ledgers. So a member signs at most
one for each, and none for an earlier generation than its last. Numbers may be left out.
"""

import tomllib
from pathlib import Path

import tomli_w
from pydantic import BaseModel, ConfigDict

from node.generation import FIRST, GenerationError, Statement
from node.private_file import write_private

BALLOT_FILE = "generation.signed.toml"  # beside the network file


class Ballot(BaseModel):
    """The last statement that was signed: its digest, empty for one that was refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generation: int = FIRST
    statement: str = ""


def read_ballot(network_file: Path) -> Ballot:
    """What was signed last. Raises GenerationError where the file is damaged."""
    path = network_file.with_name(BALLOT_FILE)
    if not path.exists():
        return Ballot()
    try:
        return Ballot.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise GenerationError(f"{path} is not what this node has written: {error}") from error


def keep_ballot(network_file: Path, statement: Statement, *, refused: bool = False) -> None:
    """Note what is about to be signed, on disk when this returns, or what never will be."""
    ballot = Ballot(generation=statement.generation, statement="" if refused else statement.digest)
    tree = ballot.model_dump()
    write_private(network_file.with_name(BALLOT_FILE), tomli_w.dumps(tree).encode())


def check_free(ballot: Ballot, statement: Statement) -> None:
    """Raise GenerationError where signing this would break the rule. The same one may be signed again."""
    is_same = (ballot.generation, ballot.statement) == (statement.generation, statement.digest)
    if statement.generation <= ballot.generation and not is_same:
        raise GenerationError(
            f"this member has signed, or refused, another statement for generation {ballot.generation}: two "
            "for one could lead to two ledgers. Have it proposed anew, with "
            f"`--generation {ballot.generation + 1}`"
        )


def first_free(ballot: Ballot, statement: Statement) -> Statement:
    """`statement`, for the first generation from its own on that this member may still sign it for."""
    later = statement.model_copy(update={"generation": max(statement.generation, ballot.generation)})
    if later.generation > ballot.generation or later.digest == ballot.statement:
        return later
    return later.model_copy(update={"generation": ballot.generation + 1})
