"""`yakujo run`."""

from typing import Annotated

import typer

from node.commands.options import HERE, Folder, settings_in
from node.daemon import serve
from node.logs import LogForm, LogLevel, configure_logging


def run(
    folder: Folder = HERE,
    *,
    log: Annotated[
        LogForm,
        typer.Option(help="How events are written on standard error. auto: in words on a terminal."),
    ] = LogForm.AUTO,
    log_level: Annotated[
        LogLevel, typer.Option(help="The least grave event that is written.")
    ] = LogLevel.INFO,
) -> None:
    """Run the node until SIGTERM or Ctrl-C.

    Exit code 0: ended as asked. 2: cannot run, a setting or file must be mended. 70: stopped itself, for
    going on would be wrong; look at the log before a restart. 75: something beside it is missing, such as
    the ledger's quorum or room on the disk; a restart may help.
    """
    configure_logging(log, log_level)
    raise typer.Exit(serve(settings_in(folder)))
