"""`yakujo propose`: to be the first who says what several must say.

Votes on members are also commands of their own.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from node.act import ActivateContract, SetQuorum, StopContract
from node.act_given import act_of
from node.commands.options import (
    HERE,
    PATIENCE,
    AsJson,
    Folder,
    IdentityFolder,
    NetworkFile,
    NoWait,
    Number,
    Output,
    PassphraseFile,
    Wait,
    settings_in,
)
from node.commands.stated import write_and_tell
from node.commands.told import submit_and_tell
from node.commands.votes import admit, remove, replace_key
from node.contract_versions import installed_contracts
from node.identity import load_identity
from node.master_files import common_change, deadlines_change, own_change, relation
from node.master_files import correction as corrected
from node.network import load_network
from node.rules_document import load_rules
from node.secret_files import passphrase_in
from node.setup import SetupError
from node.statements import rules_agreement

_CONTRACT_ID = re.compile("[a-z][a-z0-9_]*/[1-9][0-9]*:[0-9a-f]{64}")
_FRACTION = re.compile("([0-9]{1,4})/([1-9][0-9]{0,3})")

propose = typer.Typer(
    name="propose",
    help="Say first what several must say: others approve it by its id, which `yakujo decisions` shows.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@propose.command()
def contract(
    name: Annotated[
        str, typer.Argument(metavar="CONTRACT", help="Its name, matching/2, or its id.", show_default=False)
    ],
    folder: Folder = HERE,
    *,
    since: Annotated[
        int | None,
        typer.Option("--from", metavar="POSITION", min=0, help="The first it judges.", show_default=False),
    ] = None,
    notice: Annotated[
        int | None,
        typer.Option(
            metavar="POSITIONS", min=0, help="So many after the vote is complete.", show_default=False
        ),
    ] = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote for a contract to judge entries from a position on; without options, right after the vote.

    As many members must have installed it as must vote for it. While contracts are stopped, it judges from
    where they were stopped. Exit code 1: the vote does not count, or is not on the ledger yet.
    """
    if since is not None and notice is not None:
        raise SetupError("give --from or --notice, and not both")
    act = act_of(ActivateContract, {"contract": _contract_id(name), "since": since, "notice": notice})
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


@propose.command()
def stop(
    folder: Folder = HERE,
    *,
    reason: Annotated[str, typer.Option(help="Why; everybody can read it.", show_default=False)] = "",
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote for contracts to be stopped: from the next position on nothing sealed is decided at any node.

    Messages are still taken, ordered and kept; nothing that was decided is altered. Contracts run again once
    one is proposed and approved, the same or another: it judges what came meanwhile. A third of the members
    is enough, unless they have decided otherwise.
    """
    act = act_of(StopContract, {"reason": reason})
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


@propose.command()
def quorum(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="As `yakujo decisions` lists them.", show_default=False)
    ],
    folder: Folder = HERE,
    *,
    over: Annotated[
        str | None, typer.Option("--over", metavar="1/2", help="More than this part.", show_default=False)
    ] = None,
    least: Annotated[
        str | None,
        typer.Option("--least", metavar="2/3", help="This part at least, rounded up.", show_default=False),
    ] = None,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote on how many members must vote for what is of a kind."""
    if (over is None) == (least is None):
        raise SetupError("give --over or --least, and not both")
    part, of = _fraction(over or least or "")
    act = act_of(SetQuorum, {"about": kind, "over": over is not None, "part": part, "of": of})
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


@propose.command()
def deadline(
    times: Annotated[
        str,
        typer.Argument(
            metavar="TIMES", help="Of a trade date, such as 15:00,16:00; none.", show_default=False
        ),
    ],
    folder: Folder = HERE,
    *,
    since: Annotated[
        datetime,
        typer.Option(
            "--from", metavar="DAY", formats=["%Y-%m-%d"], help="The first trade date.", show_default=False
        ),
    ],
    at_once: Annotated[
        bool, typer.Option("--allege-at-once", help="The other side also hears at once of what it lacks.")
    ] = False,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote on the network's deadlines: at what times each side hears what is not matched yet.

    They are for trades from a date on, of all relationships whose own rules name no times. The date must
    still lie ahead when the last vote comes.
    """
    act = deadlines_change(times, since.date(), at_once=at_once)
    submit_and_tell(settings_in(folder), act, 0 if no_wait else wait, as_json=as_json)


@propose.command()
def rules(
    identity: IdentityFolder,
    document: Annotated[
        Path, typer.Argument(metavar="DOCUMENT", help="The rules, as TOML.", show_default=False)
    ],
    *,
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an institution's statement that a document of rules holds between it and the other side.

    The rules hold once both sides have said the same, for trades from the document's trade date on, which
    must still lie ahead then. Beside the statement it writes the document with a key of its own: an SP of the
    institution submits both, and on the ledger nobody but the two sides' SPs can read the document.
    """
    who = load_identity(identity, passphrase_in(passphrase_file))
    said, made = rules_agreement(who, load_rules(document), load_network(network), number)
    write_and_tell(said, output, made)


@propose.command("master-data")
def master_data(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="TOML, in the words of a network file.", show_default=False)
    ],
    folder: Folder = HERE,
    *,
    wait: Wait = PATIENCE,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vote on master data that all have in common: one of these a file.

    [institution] with its [[relationships]]: a new one, that says itself who acts for it. [[securities]]: new
    ones, or other names for known ones. [calendar]: the business days of a market, as
    `yakujo calendar make` drafts them.
    """
    submit_and_tell(settings_in(folder), common_change(file), 0 if no_wait else wait, as_json=as_json)


@propose.command("own-data")
def own_data(
    identity: IdentityFolder,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="TOML, in the words of a network file.", show_default=False)
    ],
    *,
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an institution's statement of its own master data, which holds as soon as it is on the ledger.

    name, bic and [[codes]]: how it is called in messages. [[funds]] and [[closed]]: accounts that it has, and
    has no more. `yakujo submit` puts the statement on the ledger.
    """
    who = load_identity(identity, passphrase_in(passphrase_file))
    write_and_tell(own_change(file, who, load_network(network), number), output)


@propose.command()
def relationship(
    identity: IdentityFolder,
    *,
    broker: Annotated[str, typer.Option(metavar="LEI", help="One side.", show_default=False)],
    investor: Annotated[str, typer.Option(metavar="LEI", help="The other side.", show_default=False)],
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a side's statement that it confirms trades with the other; both are in the network already.

    It holds once both sides have said so. All is then compared exactly and nothing is calculated, until they
    agree on rules of their own.
    """
    who = load_identity(identity, passphrase_in(passphrase_file))
    said = relation(who, load_network(network), number, (broker, investor))
    write_and_tell(said, output)


@propose.command()
def correction(
    identity: IdentityFolder,
    document: Annotated[
        Path, typer.Argument(metavar="DOCUMENT", help="What holds instead.", show_default=False)
    ],
    *,
    position: Annotated[int, typer.Option(min=0, help="What is corrected.", show_default=False)],
    broker: Annotated[str, typer.Option(metavar="LEI", help="One side.", show_default=False)],
    investor: Annotated[str, typer.Option(metavar="LEI", help="The other side.", show_default=False)],
    network: NetworkFile,
    number: Number,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a side's statement that a document holds instead of what stands at a position of the ledger.

    It holds once the other side has approved it; the entry itself stays. Beside the statement it writes the
    document with a key of its own: an SP of the institution submits both, and on the ledger nobody but the
    two sides' SPs can read the document.
    """
    who = load_identity(identity, passphrase_in(passphrase_file))
    sides = (broker, investor)
    said, made = corrected(who, document, load_network(network), number, sides=sides, position=position)
    write_and_tell(said, output, made)


propose.command()(admit)
propose.command()(remove)
propose.command()(replace_key)


def _contract_id(name: str) -> str:
    """The id of a contract of this release, by its name; an id stays what it is. Raises SetupError."""
    known = {one.name: one.id for one in installed_contracts().values()}
    if name in known or _CONTRACT_ID.fullmatch(name):
        return known.get(name, name)
    if ":" in name:
        raise SetupError(f"{name} is no contract's id: matching/2, a colon and 64 hexadecimal digits")
    raise SetupError(f"this release has no contract {name}: it has {', '.join(sorted(known))}")


def _fraction(text: str) -> tuple[int, int]:
    if not (found := _FRACTION.fullmatch(text)):
        raise SetupError(f"{text} is no fraction, or one of large numbers: write it as 1/2")
    return int(found[1]), int(found[2])
