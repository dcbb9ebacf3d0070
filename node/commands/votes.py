"""`yakujo admit`, `yakujo remove` and `yakujo replace-key`: what more than half of the members must say."""

from pathlib import Path
from typing import Annotated

import typer

from node.act import AdmitMember, RemoveMember, ReplaceMemberKey
from node.commands.options import HERE, PATIENCE, AsJson, Folder, NoWait, Wait, settings_in
from node.commands.told import submit_and_tell
from node.setup import load_card, sp_name

Card = Annotated[Path, typer.Argument(metavar="CARD", help="The SP's member.toml.", show_default=False)]


def admit(
    card: Card,
    folder: Folder = HERE,
    *,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote for an SP to become a member.

    It is one as soon as more than half of the members have voted for the same card: compare its fingerprint
    with the SP over another channel. Exit code 1: the vote does not count, or is not on the ledger yet.
    """
    act = AdmitMember(member=load_card(card).member)
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


def remove(
    sp: Annotated[str, typer.Argument(metavar="SP", help="The member's name.", show_default=False)],
    folder: Folder = HERE,
    *,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote for an SP to be a member no more.

    As soon as more than half of the members have voted so, its blocks are passed over and its delegations
    end. Exit code 1: the vote does not count, or is not on the ledger yet.
    """
    act = RemoveMember(sp=sp_name(sp))
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


def replace_key(
    card: Annotated[
        Path,
        typer.Argument(metavar="CARD", help="As `yakujo keys renew` writes it.", show_default=False),
    ],
    folder: Folder = HERE,
    *,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote for a member to sign with another key from now on.

    It does as soon as more than half of the members have voted for the same card: compare its fingerprint
    with the member over another channel. Exit code 1: the vote does not count, or is not on the ledger yet.
    """
    member = load_card(card).member
    act = ReplaceMemberKey(sp=member.sp, signing_key=member.signing_key)
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)
