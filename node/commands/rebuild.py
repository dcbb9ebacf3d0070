"""`yakujo rebuild`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.generation import FIRST, Generation, members_at, needed
from node.network import load_network
from node.proof_check import listed
from node.rebuild import enter, look, propose, sign
from node.settings import EmbeddedLedger, NodeSettings, SettingsError

ToPropose = Annotated[
    Path | None,
    typer.Option(
        "--propose",
        metavar="FILE",
        help="Write the statement of this node's archive, signed.",
        show_default=False,
    ),
]
ToSign = Annotated[
    Path | None,
    typer.Option(
        "--sign", metavar="FILE", help="Compare, and add this member's signature.", show_default=False
    ),
]
ToApply = Annotated[
    Path | None,
    typer.Option(
        "--apply",
        metavar="FILE",
        help="Take what more than half of the members have signed.",
        show_default=False,
    ),
]
ForSizes = Annotated[
    list[int] | None,
    typer.Option(
        "--for-size",
        min=1,
        metavar="ENTRIES",
        help="With --propose: have a much shorter archive be comparable with it. May be repeated.",
        show_default=False,
    ),
]
Number = Annotated[
    int | None,
    typer.Option(
        "--generation",
        min=FIRST + 1,
        help="With --propose: its number, where a member has signed another one for the next.",
        show_default=False,
    ),
]


class Rebuilt(BaseModel):
    """How far an archive goes, or what a statement says.

    generation: that the node is in, or that the statement is for. statement: its digest. signed_by, members,
    needed: how many of them must sign. aside: where the server's old data was moved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sp: str
    generation: int
    sequence: int
    size: int
    root: str
    statement: str | None = None
    signed_by: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    needed: int | None = None
    aside: Path | None = None


def rebuild(
    folder: Folder = HERE,
    *,
    to_propose: ToPropose = None,
    to_sign: ToSign = None,
    to_apply: ToApply = None,
    sizes: ForSizes = None,
    number: Number = None,
    as_json: AsJson = False,
) -> None:
    """Begin a new generation of the ledger's stream after most servers have lost their data for good.

    The ledger is in the nodes' archives; the stream is filled from them. All nodes are stopped. Without
    options it says how far this node's archive goes. The member with the highest sequence proposes; the
    others sign the same file; each applies it, then starts its node. A server's old data is moved aside,
    never deleted. Where most servers are whole none of this is needed: the others come back from them.
    """
    settings = settings_in(folder)
    if len([step for step in (to_propose, to_sign, to_apply) if step is not None]) > 1:
        raise SettingsError("--propose, --sign and --apply are three steps: give one of them")
    if to_propose is None and (sizes or number is not None):
        raise SettingsError("--for-size and --generation are for --propose")
    if to_propose is not None:
        done = _stated(settings, propose(settings, to_propose, sizes or (), number))
        following = _signing(folder, to_propose, done)
    elif to_sign is not None:
        done = _stated(settings, sign(settings, to_sign))
        following = _signing(folder, to_sign, done)
    elif to_apply is not None:
        entered = enter(settings, to_apply)
        done = _stated(settings, entered.generation).model_copy(update={"aside": entered.aside})
        following = _starting(settings, folder, done)
    else:
        done, following = _looked(settings), _COMPARING.format(folder=folder)
    if as_json:
        print_json(done)
    else:
        _print(done, following)


def _looked(settings: NodeSettings) -> Rebuilt:
    current, archive = look(settings)
    return Rebuilt(
        sp=settings.sp,
        generation=current,
        sequence=archive.sequence,
        size=archive.size,
        root=archive.root,
    )


def _stated(settings: NodeSettings, generation: Generation) -> Rebuilt:
    statement = generation.statement
    members = tuple(members_at(generation, load_network(settings.network_file)))
    return Rebuilt(
        sp=settings.sp,
        generation=statement.generation,
        sequence=statement.sequence,
        size=statement.size,
        root=statement.root,
        statement=statement.digest,
        signed_by=tuple(one.sp for one in generation.signatures),
        members=members,
        needed=needed(len(members)),
    )


def _signing(folder: Path, file: Path, done: Rebuilt) -> str:
    """What comes after a signature."""
    if (lacking := (done.needed or 0) - len(done.signed_by)) > 0:
        others = listed([sp for sp in done.members if sp not in done.signed_by])
        return f"Next: {lacking} more of {others} must sign.\n  yakujo rebuild FOLDER --sign {file}"
    return f"Next, at every node: enough have signed.\n  yakujo rebuild {folder} --apply {file}"


def _starting(settings: NodeSettings, folder: Path, done: Rebuilt) -> str:
    """What comes after the generation was taken."""
    lines = [f"{settings.sp} is in generation {done.generation} from its next start on."]
    if not isinstance(settings.ledger, EmbeddedLedger):
        lines.append(_OWN_SERVER)
    return "\n".join([*lines, _START.format(folder=folder)])


_COMPARING = """\
Next: compare the sequence with the other members. Whose is highest proposes, the others sign:
  yakujo rebuild {folder} --propose generation-statement.toml
  yakujo rebuild {folder} --sign generation-statement.toml"""
_OWN_SERVER = """\
Its nats-server is run by you: stop it, move its JetStream store_dir aside, give the cluster another name, the
same at all members, and start it empty."""
_START = """\
Next. The stream is made when as many servers run as it has replicas; nodes whose archive is whole fill it:
  yakujo run {folder}"""


def _print(done: Rebuilt, following: str) -> None:
    console = screen()
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = [
        ("generation", str(done.generation)),
        ("sequence", f"{done.sequence:,} blocks"),
        ("size", f"{done.size:,} entries"),
        ("root", done.root),
    ]
    if done.statement is not None:
        signed = f"{listed(done.signed_by)}; {done.needed} of {listed(done.members)} must"
        rows += [
            ("statement", f"{done.statement} (compare it with the other members)"),
            ("signed by", signed),
        ]
    if done.aside is not None:
        rows.append(("moved aside", str(done.aside)))
    for name, value in rows:
        table.add_row(name, value)
    console.print(table, soft_wrap=True)
    console.print(following, soft_wrap=True)
