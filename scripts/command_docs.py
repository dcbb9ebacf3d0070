"""Write docs/operators/commands.md from the commands' own help."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["COLUMNS"] = "100"  # before typer looks for it

from typer import Typer
from typer.testing import CliRunner

from node.commands import commands

PAGE = Path(__file__).parent.parent / "docs" / "operators" / "commands.md"
HEAD = """\
# The commands

What each says with `--help`. All that print take `--json`. Exit codes: 0 done; 1 done, and something was
found that a person should look at; 2 not done, told in one sentence on standard error. `run` has more. This
page is written by scripts/command_docs.py.
"""


def page() -> str:
    """The page as it should be."""
    return HEAD + "".join(f"\n## yakujo {name}\n\n```text\n{_help(name)}\n```\n" for name in _names(commands))


def _names(app: Typer, group: str = "") -> Iterator[str]:
    """What to type after `yakujo`, for every command; those of a group under its name."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield group + (command.name or command.callback.__name__.replace("_", "-"))
    for part in app.registered_groups:
        assert part.typer_instance is not None
        yield from _names(part.typer_instance, f"{group}{part.typer_instance.info.name} ")


def _help(name: str) -> str:
    text = CliRunner().invoke(commands, [*name.split(), "--help"], prog_name="yakujo").output
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
