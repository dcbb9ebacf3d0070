"""What became of an act that a command has submitted, told and turned into an exit code."""

import typer

from node.act import Act
from node.act_submission import Submitted, submit_act
from node.commands.exits import FOUND
from node.commands.options import print_json, screen
from node.document import Document
from node.settings import NodeSettings


def submit_and_tell(
    settings: NodeSettings,
    act: Act,
    wait_seconds: float,
    *,
    as_json: bool,
    document: Document | None = None,
) -> None:
    """Submit an act, say what became of it, and exit: 1 where it does not count or is not placed yet."""
    found = submit_act(settings, act, wait_seconds, document)
    if as_json:
        print_json(found)
    else:
        screen().print(sentence(found), soft_wrap=True)
    unsure = found.position is None and wait_seconds > 0
    raise typer.Exit(FOUND if found.fault or unsure else 0)


def sentence(found: Submitted) -> str:
    """What became of it, for people."""
    if found.position is None:
        return f"{found.act}: it waits in the outbox; `yakujo members` shows it once it is on the ledger"
    where = f"{found.act}: at position {found.position}"
    if found.fault:
        return f"{where}, and it does not count: {found.fault}"
    if found.in_effect:
        return f"{where}, in effect from there on"
    missing = (found.needed or 0) - len(found.voted)
    votes = f"{missing} more {'votes are' if missing > 1 else 'vote is'} needed"
    return f"{where}; so far said by {', '.join(found.voted)}, {votes}"
