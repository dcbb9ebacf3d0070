"""`yakujo assemble`."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from node.commands.options import screen
from node.setup import NETWORK_FILE, SetupError, load_card, write_toml
from node.setup import assemble as assembled


def assemble(
    plan: Annotated[
        Path,
        typer.Argument(metavar="PLAN", help="The network without keys: conf/plan.toml.", show_default=False),
    ],
    cards: Annotated[
        list[Path],
        typer.Argument(metavar="CARD", help="Every founder's member.toml.", show_default=False),
    ],
    *,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the network file.")] = Path(
        NETWORK_FILE
    ),
) -> None:
    """Make the network file of a plan and the founders' cards, and print the network's id.

    Every founder does so by himself, of the same plan and cards in any order, and compares the id with the
    others over another channel: it is the same where the files are. Then `yakujo sign`.
    """
    if output.exists():
        raise SetupError(f"{output} exists and is not overwritten: name another file with --output")
    network = assembled(_tree(plan), [load_card(card) for card in cards])
    write_toml(output, network)
    screen().print(f"{output}: {len(network.members)} members, {len(network.institutions)} institutions")
    screen().print(f"network id {network.id.hex()}")


def _tree(plan: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(plan.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{plan} is not a plan: {error}") from error
