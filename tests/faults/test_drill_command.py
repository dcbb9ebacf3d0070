"""The command by which an operator plays drills, with drills that take no time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from node.commands.drill import drill
from node.demo.providers import DemoError
from node.drill import DRILLS, Drill
from node.drill.account import Account, Asked, ImpossibleError
from node.setup import SetupError

APP = typer.Typer()
APP.command()(drill)


async def well(asked: Asked, account: Account) -> None:
    account.tell(f"seed {asked.seed}, {asked.seconds:g} seconds, {asked.count} times")
    account.must("all is well", [])


async def broken(_: Asked, account: Account) -> None:
    account.must("all is well", ["it is not"])


async def stuck(_: Asked, account: Account) -> None:
    account.must("all is well", [])
    raise DemoError("nothing happens any more")


async def blind(_: Asked, account: Account) -> None:
    account.tell("nothing was looked at")


async def impossible(_: Asked, __: Account) -> None:
    raise ImpossibleError("install it first")


@pytest.fixture(autouse=True)
def drills(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drills of our own in the place of the real ones."""
    for name in list(DRILLS):
        monkeypatch.delitem(DRILLS, name)
    for play in (well, broken, stuck, blind, impossible):
        monkeypatch.setitem(DRILLS, play.__name__, Drill(play, f"it is {play.__name__}", 7, 3, "times"))


def played(*arguments: str | Path) -> Any:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_list_names_each_with_what_its_options_mean() -> None:
    listed = played("--list")
    assert listed.exit_code == 0
    assert all(name in listed.output and one.brings in listed.output for name, one in DRILLS.items())
    assert "3 times" in listed.output


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("well", 0, ["holds: all is well", "all 1 promises held"]),
        ("broken", 1, ["DOES NOT HOLD: all is well", "it is not", "1 of 1 promises did not hold"]),
        ("stuck", 1, ["DOES NOT HOLD: the drill comes to its end", "nothing happens any more"]),
        ("blind", 1, []),
    ],
)
def test_the_exit_code_says_whether_everything_held(name: str, code: int, said: Sequence[str]) -> None:
    """A drill that ends early, or has looked at nothing, has not shown that anything holds."""
    done = played(name)
    assert done.exit_code == code
    assert [words for words in said if words not in done.output] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["impossible"], "install it first"),
        (["unknown"], "there is no drill unknown"),
        (["--seconds", "5"], "name it"),
    ],
)
def test_what_was_not_played_is_told_as_such(arguments: Sequence[str], said: str) -> None:
    done = played(*arguments)
    assert isinstance(done.exception, SetupError)
    assert said in str(done.exception)


def test_all_are_played_where_none_is_named() -> None:
    """One that this machine does not allow is told, and keeps the others from nothing."""
    done = played()
    assert done.exit_code == 1
    assert "impossible: not played: install it first" in done.output
    assert "well: all 1 promises held" in done.output


def test_the_report_as_data_has_what_was_asked(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    done = played("well", "--json", "--seed", "5", "--seconds", "2", "--count", "9", "--keep", folder)
    [report] = json.loads(done.output)
    assert (report["held"], report["folder"], done.exit_code) == (True, str(folder), 0)
    assert [event["text"] for event in report["events"]] == ["seed 5, 2 seconds, 9 times"]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """Somebody's files are never mixed with a drill's."""
    (tmp_path / "letter.txt").write_text("dear")
    done = played("well", "--keep", tmp_path)
    assert isinstance(done.exception, SetupError)
    assert "is not empty" in str(done.exception)
