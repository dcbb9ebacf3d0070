"""Write docs/operators/commands.md from the commands' own help."""

import os
from pathlib import Path

os.environ["COLUMNS"] = "100"  # before typer looks for it

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
    names = [command.callback.__name__ for command in commands.registered_commands if command.callback]
    return HEAD + "".join(f"\n## yakujo {name}\n\n```text\n{_help(name)}\n```\n" for name in names)


def _help(name: str) -> str:
    text = CliRunner().invoke(commands, [name, "--help"], prog_name="yakujo").output
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
