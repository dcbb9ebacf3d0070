"""`yakujo keys api`: a token for a client of the API."""

from pathlib import Path
from typing import Annotated

import typer

from adapters.http_access import new_token, token_digest
from node.private_file import write_private


def api(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Where to write the token, for the client alone.", show_default=False
        ),
    ],
) -> None:
    """Make a token for a client of the API: write it to a file, and print what its settings keep of it.

    The client sends it as `Authorization: Bearer TOKEN`; hand it over by a way that nobody else reads, and
    keep no copy. The line that is printed belongs under [link] in the client's file in clients/: the token
    cannot be had from it. Several may stand there in one list while one token replaces another.
    """
    token = new_token()
    write_private(file, token.encode())
    typer.echo(f'token_sha256 = ["{token_digest(token)}"]')
