"""The command line: one module per command, put together here.

Exit codes, the same for all: 0 done, 1 done and something found that a person should look at, 2 not done: a
wrong argument, setting or file, told in one sentence on standard error. `yakujo run` has two more.
"""

import sys
from collections.abc import Sequence

import typer

from node.commands.assemble import assemble
from node.commands.bench import bench
from node.commands.check import check
from node.commands.demo import demo
from node.commands.exits import EXPECTED, NOT_DONE
from node.commands.init import init
from node.commands.run import run
from node.commands.status import status
from node.commands.trace import trace
from node.commands.trades import trades

commands = typer.Typer(
    name="yakujo",
    help="Trade confirmation between brokers and institutional investors over a shared, encrypted ledger.",
    epilog="Start here: yakujo init trial && yakujo check trial && yakujo run trial",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (init, assemble, check, run, status, trades, trace, demo, bench):
    commands.command()(command)


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments`, by default those of the process, and exit with its code."""
    try:
        commands(arguments)
    except EXPECTED as error:
        print(f"yakujo: {error}", file=sys.stderr)
        sys.exit(NOT_DONE)
