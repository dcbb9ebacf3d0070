"""`yakujo keys`: the keys of a node, and who can read what with them."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from node.act_submission import submit_entries
from node.commands.exits import FOUND
from node.commands.keys_api import api
from node.commands.keys_own import add, key_list, protect, reader, renew
from node.commands.options import (
    HERE,
    PATIENCE,
    Folder,
    IdentityFolder,
    NetworkFile,
    NoWait,
    Number,
    Output,
    PassphraseFile,
    Wait,
    screen,
    settings_in,
)
from node.commands.stated import write_and_tell
from node.entry import Entry
from node.identity import load_identity
from node.inspection import reading
from node.key_grants import announcement, document_grants, grants, reader_of_card, reader_of_sp, retirements
from node.keyring import KeyRing
from node.network import load_network
from node.secret_files import passphrase_in
from node.settings import NodeSettings
from node.setup import SetupError, sp_name
from node.startup import protection
from node.statements import destruction

DAY = ["%Y-%m-%d"]
FROM: Any = typer.Option("--from", metavar="DAY", formats=DAY, help="The first day.", show_default=False)
TO: Any = typer.Option("--to", metavar="DAY", formats=DAY, help="The last day.", show_default=False)
Institution = Annotated[str, typer.Option(metavar="LEI", help="The institution.", show_default=False)]
Day = Annotated[
    datetime, typer.Argument(metavar="DAY", formats=DAY, help="As 2026-11-20.", show_default=False)
]

keys = typer.Typer(
    name="keys",
    help="The keys of a node, and who can read what with them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
keys.command("list")(key_list)
for command in (add, renew, protect, reader, api):
    keys.command()(command)


@keys.command()
def grant(
    folder: Folder = HERE,
    *,
    institution: Institution,
    card: Annotated[
        Path | None,
        typer.Option("--reader", metavar="CARD", help="The reader's reader.toml.", show_default=False),
    ] = None,
    sp: Annotated[
        str | None,
        typer.Option(metavar="SP", help="Another SP that acts for the institution.", show_default=False),
    ] = None,
    first: Annotated[datetime | None, FROM] = None,
    last: Annotated[datetime | None, TO] = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
) -> None:
    """Let a later reader read an institution's messages: an auditor, a trust bank, or another SP of it.

    Everybody sees that something was granted, and nobody but the reader what. Another SP takes part from the
    next message on once it has been granted all days; --from and --to are for readers. With them goes all
    that the institution and others have agreed on, as rules. What is granted cannot be taken back.
    """
    settings = settings_in(folder)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    with reading(settings) as view:
        if card is not None and sp is None:
            later = reader_of_card(card)
        elif sp is not None and card is None:
            later = reader_of_sp(view, institution, sp_name(sp))
        else:
            raise SetupError("give --reader CARD or --sp SP")
        documents = document_grants(view, ring, institution, later.lasting)
        granted = grants(view, ring, institution, later.of_day, _date(first), _date(last))
    told = f"documents granted: {len(documents)}; secrets granted" if documents else "secrets granted"
    _submit(settings, [*documents, *granted], told, 0 if no_wait else wait, count=len(granted))


@keys.command()
def announce(
    folder: Folder = HERE,
    *,
    institution: Institution,
    first: Annotated[
        datetime,
        typer.Option("--from", metavar="DAY", formats=DAY, help="The first day.", show_default=False),
    ],
    last: Annotated[
        datetime, typer.Option("--to", metavar="DAY", formats=DAY, help="The last day.", show_default=False)
    ],
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
) -> None:
    """Announce this SP's keys of past days, before another SP grants it what is of those days.

    Secrets granted to the key of their day can be destroyed with the day, others cannot. Keys of coming days
    are announced by the node itself.
    """
    settings = settings_in(folder)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    with reading(settings) as view:
        entries = announcement(view, ring, institution, first.date(), last.date())
    _submit(settings, entries, "announcements", 0 if no_wait else wait)


@keys.command()
def rotate(
    folder: Folder = HERE,
    *,
    institution: Institution,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
) -> None:
    """Have the institution's messages sealed with new secrets from now on.

    For when one of today's may be known to somebody: each relationship's next message gets a new one.
    """
    settings = settings_in(folder)
    with reading(settings) as view:
        entries = retirements(view, institution)
    _submit(settings, entries, "secrets retired", 0 if no_wait else wait)


@keys.command()
def shred(
    identity: IdentityFolder,
    day: Day,
    *,
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the statement that has an institution's nodes destroy what opens its messages of a day.

    `yakujo submit` puts it on the ledger. After it nobody can read that day any more with what its SPs have,
    and all proofs still hold. The other party of a trade keeps what is its own, until it says the same.
    """
    own = load_identity(identity, passphrase_in(passphrase_file))
    write_and_tell(destruction(own, day.date(), load_network(network), number), output)


def _submit(
    settings: NodeSettings,
    entries: Sequence[Entry],
    what: str,
    wait_seconds: float,
    *,
    count: int | None = None,
) -> None:
    """Queue entries, and say whether they are on the ledger. count: what is told, all if not given."""
    if not entries:
        screen().print(f"{what}: none")
        return
    landed = submit_entries(settings, entries, wait_seconds)
    where = "on the ledger" if landed else "in the outbox, on their way to the ledger"
    screen().print(f"{what}: {len(entries) if count is None else count}, {where}")
    raise typer.Exit(0 if landed or not wait_seconds else FOUND)


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None
