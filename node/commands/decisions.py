"""`yakujo decisions`, `yakujo approve` and `yakujo withdraw`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from node.act import Act, Agreement, Joint, Withdraw
from node.act_records import stored_register
from node.act_words import short_contract
from node.agreed_document import agreed_document
from node.commands.options import (
    HERE,
    PATIENCE,
    AsJson,
    Folder,
    NoWait,
    Output,
    PassphraseFile,
    Wait,
    print_json,
    screen,
    settings_in,
)
from node.commands.stated import write_and_tell
from node.commands.told import submit_and_tell
from node.decisions import Decisions, DecisionShown, decisions_of, proposal_of
from node.identity import Identity, load_identity
from node.inspection import reading
from node.proposals import State
from node.register import Register
from node.secret_files import passphrase_in
from node.setup import SetupError
from node.statements import as_said_by, taking_back

SHORT_DIGITS = 12

Named = Annotated[
    str,
    typer.Argument(metavar="ID", help="The first digits that `yakujo decisions` shows.", show_default=False),
]
AsInstitution = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        metavar="IDENTITY",
        help="An institution's folder: write its statement instead of voting.",
        show_default=False,
    ),
]


def decisions(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """What has been proposed and decided: who has said so, how many must, and from where it holds.

    Beside it which contract judges which entries, what each member has installed, how many members must vote
    for what, and the network's deadlines; as far as this node has applied the ledger. `yakujo prove
    decision:ID` exports the proofs.
    """
    with reading(settings_in(folder)) as view:
        found = decisions_of(view)
    if as_json:
        print_json(found)
    else:
        _print(found, screen())


def approve(
    name: Named,
    folder: Folder = HERE,
    *,
    identity: AsInstitution = None,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Say the same as a proposal that is pending: as this member, or with --identity as an institution.

    Look at it first, with `yakujo decisions`, and at what it names, with `yakujo document`. Exit code 1: it
    does not count, or is not on the ledger yet.
    """
    settings = settings_in(folder)
    with reading(settings) as view:
        register = stored_register(view.connection, view.network)
        proposal = proposal_of(register, name, pending=True)
    if isinstance(proposal.act, Joint) != (identity is not None):
        who = "its two institutions: give --identity" if identity is None else "members: leave out --identity"
        raise SetupError(f"{proposal.id[:SHORT_DIGITS]} is for {who}")
    if identity is not None and isinstance(proposal.act, Joint):
        if isinstance(proposal.act, Agreement):
            with reading(settings) as view:
                agreed_document(view, proposal.act)
        own = load_identity(identity, passphrase_in(passphrase_file))
        number = _next_number(register, own)
        write_and_tell(as_said_by(own, proposal.act, view.network, number), output)
        return
    act: Act = proposal.act  # type: ignore[assignment] # the register holds acts of the union alone
    submit_and_tell(settings, act, 0 if no_wait else wait, as_json=as_json)


def withdraw(
    name: Named,
    folder: Folder = HERE,
    *,
    identity: AsInstitution = None,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take back what this member, or with --identity an institution, has said, while that is pending."""
    settings = settings_in(folder)
    with reading(settings) as view:
        register = stored_register(view.connection, view.network)
        proposal = proposal_of(register, name, pending=True)
    if identity is not None:
        own = load_identity(identity, passphrase_in(passphrase_file))
        write_and_tell(taking_back(own, proposal.id, view.network, _next_number(register, own)), output)
        return
    submit_and_tell(settings, Withdraw(proposal=proposal.id), 0 if no_wait else wait, as_json=as_json)


def _next_number(register: Register, identity: Identity) -> int:
    return register.next_number(identity.lei)


def _print(found: Decisions, console: Console) -> None:
    table = Table("id", "what", "said by", "state", "holds from", box=None, pad_edge=False)
    for one in found.decisions:
        said = ", ".join(f"{word.by} at {word.position}" for word in one.said) or "-"
        since = str(one.effective_from) if one.effective_from is not None else "-"
        table.add_row(one.id[:SHORT_DIGITS], one.act, said, _state(one), since)
    if found.decisions:
        console.print(table)
    for choice in found.contracts:
        contract = short_contract(choice.contract) if choice.contract is not None else "no contract: stopped"
        console.print(f"entries from position {choice.since} on: {contract}")
    for sp, ids in found.installed.items():
        console.print(f"{sp} has {', '.join(map(short_contract, ids)) or 'no contract'}", soft_wrap=True)
    for kind, quorum in found.quorums.items():
        console.print(f"{kind} needs {quorum}")
    for deadlines in found.deadlines:
        console.print(f"deadlines of the network: {deadlines}", soft_wrap=True)


def _state(one: DecisionShown) -> str:
    if one.state is State.PENDING:
        return f"pending: {len(one.said)} of {one.needed}"
    return f"{one.state.value} at {one.ended}"
