"""`yakujo identity` and `yakujo replace-identity`."""

from pathlib import Path
from typing import Annotated

import typer

from node.act_words import fingerprint
from node.commands.options import IdentityFolder, NetworkFile, Number, Output, PassphraseFile, screen
from node.commands.stated import write_and_tell
from node.identity import CARD_FILE, create_identity, load_identity
from node.network import load_network
from node.secret_files import passphrase_in
from node.statements import new_identity


def identity(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if absent.", show_default=False)],
    *,
    institution: Annotated[str, typer.Option(metavar="LEI", help="Whose it is.", show_default=False)],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an institution's identity: the key by which it says which SPs act for it.

    It stays with the institution, not with its SPs, and is not needed day by day: keep it offline, and keep a
    copy. An identity is never overwritten.
    """
    made = create_identity(folder, institution, passphrase_in(passphrase_file))
    screen().print(f"Made the identity of {made.lei} in {folder}: {fingerprint(made.public_text)}")
    screen().print(f"{folder / CARD_FILE} is its public part; {folder} itself stays with the institution.")


def replace_identity(
    identity: IdentityFolder,
    successor: Annotated[
        Path,
        typer.Argument(metavar="SUCCESSOR", help="The folder of its new identity.", show_default=False),
    ],
    *,
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
    successor_passphrase_file: PassphraseFile = None,
) -> None:
    """Make the statement that an institution signs with another identity from now on.

    It is signed with the old one; whoever has lost that must have the members found the network anew.
    `yakujo submit` puts it on the ledger. Then destroy the old identity.
    """
    old = load_identity(identity, passphrase_in(passphrase_file))
    new = load_identity(successor, passphrase_in(successor_passphrase_file))
    write_and_tell(new_identity(old, new, load_network(network), number), output)
