"""`yakujo init`."""

from pathlib import Path
from typing import Annotated

import typer

from node.act_words import fingerprint
from node.commands.options import screen
from node.secret_files import passphrase_in
from node.setup import CARD_FILE, SetupError, make_member
from node.trial import FIRST_PORT, lay_out_examples, make_trial


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if absent.", show_default=False)],
    *,
    member: Annotated[
        bool,
        typer.Option(
            "--member/--trial",
            help="Keys and card for a network to be founded or joined, or a network of one to try out.",
        ),
    ] = False,
    sp: Annotated[str, typer.Option(help="The service provider's name: a-z, 0-9 and -.")] = "sp1",
    institution: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEI", help="With --member: an institution that is to use this SP. May be repeated."
        ),
    ] = None,
    bic: Annotated[str | None, typer.Option(help="With --member: the SP's BIC.", show_default=False)] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Encrypt the private keys with the passphrase in it.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1024, max=65_533, help="With --trial: the first of three ports on loopback.")
    ] = FIRST_PORT,
) -> None:
    """Make a node's folder: keys, and with --trial a configuration that runs at once.

    --trial has one SP, a broker that drops FIX messages as files and an asset manager that drops CSV files.
    --member makes keys/ and member.toml, the card that institutions sign and that founders or members of a
    network take, and lays plan.toml and node.toml beside them to be edited.
    Existing keys and settings are never overwritten.
    """
    if member:
        card = make_member(folder, sp, institution or (), passphrase_in(passphrase_file), bic)
        lay_out_examples(folder, sp)
        screen().print(_MEMBER_NEXT.format(folder=folder, card=folder / CARD_FILE), soft_wrap=True)
        screen().print(f"{sp} signs with the key {fingerprint(card.member.signing_key)}")
        for lei in card.delegations:
            screen().print(f"The keys of {sp} for {lei}: {card.fingerprint_of(lei)}")
        return
    if institution or bic:
        raise SetupError("--institution and --bic are for --member: a trial has its own institutions")
    make_trial(folder, sp, port, passphrase_file)
    screen().print(_WHAT_NEXT.format(folder=folder), soft_wrap=True)


_MEMBER_NEXT = """\
Made {folder}/keys and {card}. Next: its institutions sign the card (`yakujo delegate`).
Then the founders of a network assemble it, or the members of one that runs admit it (`yakujo admit`).
Edit {folder}/node.toml, and to found a network {folder}/plan.toml with the others."""

_WHAT_NEXT = """\
Made a network of one in {folder}. Next:
  yakujo check {folder}
  yakujo run {folder}                 in this terminal; the rest in another
  cp {folder}/samples/report.fix {folder}/exchange/broker-files/in/.report && \
mv {folder}/exchange/broker-files/in/.report {folder}/exchange/broker-files/in/report.fix
  cp {folder}/samples/allocations.csv {folder}/exchange/manager-cp932/in/
  ls {folder}/exchange/*/out
  yakujo trace A20261120-1 {folder}"""
