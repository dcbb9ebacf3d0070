"""`yakujo delegate` and `yakujo revoke`."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import (
    IdentityFolder,
    NetworkFile,
    Number,
    Output,
    PassphraseFile,
    Until,
    screen,
)
from node.commands.stated import write_and_tell
from node.identity import Identity, load_identity
from node.network import load_network
from node.secret_files import passphrase_in
from node.setup import SetupError, load_card, sign_card, sp_name, write_toml
from node.statements import delegation_statement, revocation


def delegate(
    identity: IdentityFolder,
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The SP's member.toml.", show_default=False)],
    *,
    founding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of a network that is being founded: sign the card.", show_default=False
        ),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a network that runs: make a statement.", show_default=False),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --network: the statement's number, which `yakujo members` shows as the next.",
            show_default=False,
        ),
    ] = None,
    until: Until = None,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Let an SP act for an institution: read its messages, and speak for it.

    Compare the fingerprint with the SP over another channel. With --founding the card is signed and written
    anew, for `yakujo assemble`. With --network a statement is written, for `yakujo submit`.
    """
    own = load_identity(identity, passphrase_in(passphrase_file))
    last = until.date() if until else None
    if founding is not None and network is None and number is None:
        _sign(card, founding, own, last)
    elif network is not None and number is not None and founding is None:
        statement = delegation_statement(own, load_card(card), load_network(network), number, last)
        write_and_tell(statement, output)
        _tell_keys(card, own)
    else:
        raise SetupError("give --founding NAME, or --network FILE and --number N, and not both")


def revoke(
    identity: IdentityFolder,
    sp: Annotated[str, typer.Argument(metavar="SP", help="The SP's name.", show_default=False)],
    *,
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the statement that an SP does not act for an institution any more.

    From its place on the ledger on the SP cannot speak for it, and is given no new secret to read with. What
    it could read before, it has read.
    """
    own = load_identity(identity, passphrase_in(passphrase_file))
    write_and_tell(revocation(own, sp_name(sp), load_network(network), number), output)


def _sign(path: Path, name: str, identity: Identity, until: date | None) -> None:
    signed = sign_card(load_card(path), name, identity, until)
    write_toml(path, signed)
    screen().print(f"Signed {path}: {identity.lei} lets {signed.member.sp} act for it in {name}.")
    _tell_keys(path, identity)


def _tell_keys(path: Path, identity: Identity) -> None:
    """What to compare before it is handed on."""
    card = load_card(path)
    keys = card.fingerprint_of(identity.lei)
    screen().print(f"The keys of {card.member.sp} for {identity.lei}: {keys}")
