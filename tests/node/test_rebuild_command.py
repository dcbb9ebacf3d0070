"""`yakujo rebuild`: what an operator sees of a new generation, step by step."""

import json
from pathlib import Path

import pytest
import typer
from archives import Stopped, founded, traffic
from typer.testing import CliRunner, Result

from node.commands.exits import EXPECTED
from node.commands.rebuild import rebuild
from node.settings import ExternalLedger
from node.setup import NODE_FILE, write_tree


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Stopped]:
    """Three members that have archived the same; sp3 has a server that its operator runs."""
    made = founded(tmp_path, "sp1", "sp2", "sp3")
    blocks = traffic(made.values(), 4)
    for sp, member in made.items():
        member.has(blocks)
        settings = member.settings
        if sp == "sp3":
            outside = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("-"))
            settings = settings.model_copy(update={"ledger": outside})
        tree = settings.model_dump(mode="json", exclude_none=True, exclude={"clients"})
        write_tree(member.folder / NODE_FILE, tree)
    return made


def yakujo_rebuild(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(rebuild)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_each_step_says_what_comes_next(members: dict[str, Stopped], tmp_path: Path):
    """Whoever does this once in years is led by what is printed."""
    file = tmp_path / "statement.toml"
    folders = {sp: member.folder for sp, member in members.items()}
    looked = yakujo_rebuild(folders["sp1"]).stdout
    assert "sequence    13 blocks" in looked
    assert "Whose is highest proposes, the others sign" in looked
    proposed = yakujo_rebuild(folders["sp1"], "--propose", file).stdout
    assert "signed by   sp1; 2 of sp1, sp2 and sp3 must" in proposed
    assert f"Next: 1 more of sp2 and sp3 must sign.\n  yakujo rebuild FOLDER --sign {file}" in proposed
    signed = yakujo_rebuild(folders["sp2"], "--sign", file).stdout
    assert "Next, at every node: enough have signed." in signed
    (folders["sp1"] / "data" / "nats").mkdir()
    entered = yakujo_rebuild(folders["sp1"], "--apply", file).stdout
    assert f"moved aside  {folders['sp1']}/data/nats-of-generation-1-" in entered
    assert "sp1 is in generation 2 from its next start on.\nNext. The stream is made when" in entered
    outside = yakujo_rebuild(folders["sp3"], "--apply", file).stdout
    assert "Its nats-server is run by you: stop it, move its JetStream store_dir aside" in outside


def test_each_step_gives_data(members: dict[str, Stopped], tmp_path: Path):
    file = tmp_path / "statement.toml"
    looked = json.loads(yakujo_rebuild(members["sp1"].folder, "--json").stdout)
    assert (looked["sp"], looked["generation"], looked["sequence"]) == ("sp1", 1, 13)
    said = json.loads(yakujo_rebuild(members["sp1"].folder, "--propose", file, "--json").stdout)
    assert (said["generation"], said["root"], said["signed_by"]) == (2, looked["root"], ["sp1"])
    signed = json.loads(yakujo_rebuild(members["sp2"].folder, "--sign", file, "--json").stdout)
    assert (signed["statement"], signed["signed_by"]) == (said["statement"], ["sp1", "sp2"])
    entered = json.loads(yakujo_rebuild(members["sp2"].folder, "--apply", file, "--json").stdout)
    assert (entered["generation"], entered["needed"], entered["aside"]) == (2, 2, None)
    assert json.loads(yakujo_rebuild(members["sp2"].folder, "--json").stdout)["generation"] == 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--propose", "a", "--sign", "b"), "are three steps: give one of them"),
        (("--for-size", "3"), "--for-size and --generation are for --propose"),
        (("--sign", "a", "--generation", "3"), "--for-size and --generation are for --propose"),
        (("--apply", "missing.toml"), "missing.toml cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(members: dict[str, Stopped], options: tuple[str, ...], text: str):
    done = yakujo_rebuild(members["sp1"].folder, *options)
    assert isinstance(done.exception, EXPECTED)
    assert text in str(done.exception)
