"""`yakujo sign`."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import Folder, screen, settings_in
from node.founding_files import own_signature, unsigned, with_file, write_signature
from node.key_files import load_keys
from node.network import read_network
from node.setup import with_signature, write_toml
from node.startup import protection


def sign(
    folder: Folder,
    signatures: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SIGNATURE]...",
            help="The other founders', as this command wrote them.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Sign the network file as a founder, and add the other founders' signatures to it.

    Compare the id that is printed with the other founders over another channel. Writes SP.signature.toml into
    FOLDER, to give to them. A node runs once all founders have signed its network file.
    """
    settings = settings_in(folder)
    network = read_network(settings.network_file)
    screen().print(f"network id {network.id.hex()}")
    keys = load_keys(settings.keys_folder, protection(settings))
    own = own_signature(network, settings.sp, keys.signing)
    signed = with_signature(network, own.sp, own.signature)
    for path in signatures or ():
        signed = with_file(signed, path)
    write_toml(settings.network_file, signed)
    write_signature(folder / f"{own.sp}.signature.toml", own)
    missing = unsigned(signed)
    rest = f"still to sign: {', '.join(missing)}" if missing else "all founders have signed"
    screen().print(f"{settings.network_file}, {folder / own.sp}.signature.toml: {rest}", soft_wrap=True)
