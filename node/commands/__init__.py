"""The command line: one module per command, put together here.

Exit codes, the same for all: 0 done, 1 done and something found that a person should look at, 2 not done: a
wrong argument, setting or file, told in one sentence on standard error. `yakujo run` has two more.
"""

import sys
from collections.abc import Callable, Sequence
from inspect import getdoc
from typing import Any, TypeAlias

import typer

from node.commands.assemble import assemble
from node.commands.audit import audit
from node.commands.bench import bench
from node.commands.calendar import calendar
from node.commands.check import check
from node.commands.decisions import approve, decisions, withdraw
from node.commands.delegate import delegate, revoke
from node.commands.demo import demo
from node.commands.document import document
from node.commands.drill import drill
from node.commands.exits import EXPECTED, NOT_DONE
from node.commands.identity import identity, replace_identity
from node.commands.init import init
from node.commands.keys import keys
from node.commands.members import members
from node.commands.propose import propose
from node.commands.prove import prove
from node.commands.rebuild import rebuild
from node.commands.relocate import relocate
from node.commands.restore import restore
from node.commands.rules import rules
from node.commands.run import run
from node.commands.scrub import scrub
from node.commands.sign import sign
from node.commands.stats import stats
from node.commands.status import status
from node.commands.submit import submit
from node.commands.trace import trace
from node.commands.trades import trades
from node.commands.verify import verify
from node.commands.votes import admit, remove, replace_key

Commands: TypeAlias = tuple[Callable[..., Any], ...]

commands = typer.Typer(
    name="yakujo",
    help="Trade confirmation between brokers and institutional investors over a shared, encrypted ledger.",
    epilog="Start here: yakujo init trial && yakujo check trial && yakujo run trial",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
FOUNDING: Commands = (init, identity, delegate, assemble, sign)
RUNNING: Commands = (check, run, status, trades, trace, stats)
GOVERNING: Commands = (
    members,
    decisions,
    document,
    approve,
    withdraw,
    admit,
    remove,
    relocate,
    replace_key,
    submit,
    revoke,
    replace_identity,
)
PROVING: Commands = (prove, verify, audit)
MENDING: Commands = (scrub, restore, rebuild)
SHOWING: Commands = (demo, drill, bench)
for command in (*FOUNDING, *RUNNING, *GOVERNING, *PROVING, *MENDING, *SHOWING):
    commands.command()(command)
for group in (propose, keys, calendar, rules):
    commands.add_typer(group)


def _list_whole_sentences(typed: typer.Typer) -> None:
    """Have the list of commands say all of what each does first; what is not given it cuts to one line."""
    for command in typed.registered_commands:
        command.short_help = _first_sentence(getdoc(command.callback))
    for part in typed.registered_groups:
        assert part.typer_instance is not None
        part.short_help = _first_sentence(part.typer_instance.info.help)
        _list_whole_sentences(part.typer_instance)


def _first_sentence(text: str | None) -> str:
    assert text, "each command says what it does"
    return " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")


_list_whole_sentences(commands)


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments`, by default those of the process, and exit with its code."""
    try:
        commands(arguments)
    except EXPECTED as error:
        print(f"yakujo: {error}", file=sys.stderr)
        sys.exit(NOT_DONE)
