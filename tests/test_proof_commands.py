"""`yakujo prove`, `verify --disclosure` and `audit`, beside a node that runs and after it has ended."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog
import typer
from typer.testing import CliRunner, Result

from node.commands.audit import audit
from node.commands.exits import EXPECTED
from node.commands.prove import prove
from node.commands.verify import verify
from node.reader_keys import create_reader
from tests.running_node import Daemon, as_data, free_ports, until, yakujo

TRADE = "A20261120-1"
pytestmark = pytest.mark.xdist_group("running node")


def command(name: str, *arguments: str | Path) -> Result:
    """One of the commands, run to its end."""
    app = typer.Typer()
    app.command()({"audit": audit, "prove": prove, "verify": verify}[name])
    try:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])
    finally:
        structlog.reset_defaults()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A trial network whose samples have been dropped and answered."""
    folder = tmp_path_factory.mktemp("trial") / "node"
    made = yakujo("init", folder, "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    with Daemon(folder) as daemon:
        daemon.drop("broker-files", folder / "samples" / "report.fix")
        until(lambda: as_data("trades", folder))
        daemon.drop("manager-cp932", folder / "samples" / "allocations.csv")
        until(lambda: as_data("trades", folder, "--status", "MAGR"))
        until(lambda: all(q["waiting"] == 0 for q in as_data("status", folder)["deliveries"]))
        until(lambda: is_covered(folder))
        yield daemon


def is_covered(folder: Path) -> bool:
    """Whether the node has signed all that was said."""
    return command("prove", TRADE, folder, "--output", folder / "tried").exit_code == 0


def by_position(folder: Path, suffix: str) -> list[Path]:
    """Files named position-34, in order."""
    return sorted(folder.glob(f"*{suffix}"), key=lambda path: int(path.stem.removeprefix("position-")))


@pytest.fixture(scope="module")
def proofs(node: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all proofs and disclosures of the trade."""
    folder = tmp_path_factory.mktemp("proofs")
    done = command("prove", TRADE, node.folder, "--output", folder, "--disclose")
    assert done.exit_code == 0, done.output
    return folder


def test_a_trade_is_proven_entry_by_entry(node: Daemon, proofs: Path, tmp_path: Path):
    """One file for each, named by its position; the output says what each proves and how to check it."""
    done = command("prove", TRADE, node.folder, "--output", tmp_path)
    names = [path.name for path in by_position(tmp_path, ".tlog-proof")]
    assert names == [path.name for path in by_position(proofs, ".tlog-proof")]
    lines = done.stdout.splitlines()
    assert len(lines) == len(names) + 1 == 4
    assert "execution notice B20261120-1, confirmation B20261120-1; entry " in lines[0]
    assert "that sp1 signed" in lines[0]
    assert f"allocation instruction {TRADE}" in lines[1]
    assert "sp1 attests the result MAGR of trade" in lines[2]
    network = node.folder / "network.toml"
    assert lines[3] == f"Check one: yakujo verify {tmp_path / names[0]} --network {network}"
    for name in names:
        checked = command("verify", tmp_path / name, "--network", network)
        assert (checked.exit_code, checked.stdout.startswith("The proof holds")) == (0, True)


def test_any_entry_is_proven_by_its_position(node: Daemon, tmp_path: Path):
    done = command("prove", "position:0", node.folder, "--output", tmp_path, "--json", "--without-keys")
    [written] = json.loads(done.stdout)
    assert written["file"] == str(tmp_path / "position-0.tlog-proof")
    assert (written["verdict"]["position"], written["disclosure"]) == (0, None)
    assert [one["sp"] for one in written["verdict"]["cosigners"]] == ["sp1"]


def test_a_disclosure_shows_one_message_to_an_outsider(node: Daemon, proofs: Path):
    """With the network file, the proof and the key of this message; its owner alone can read the file."""
    network = node.folder / "network.toml"
    first, second, *_ = by_position(proofs, ".disclosure")
    assert first.stat().st_mode & 0o777 == 0o600
    shown = ("--network", network, "--disclosure", first)
    done = command("verify", first.with_suffix(".tlog-proof"), *shown)
    assert done.exit_code == 0, done.output
    assert '"reference": "B20261120-1"' in done.stdout
    data = json.loads(command("verify", first.with_suffix(".tlog-proof"), *shown, "--json").stdout)
    assert (data["holds"], data["said"]["messages"][0]["reference"]) == (True, "B20261120-1")
    done = command("verify", second.with_suffix(".tlog-proof"), *shown)
    assert done.exit_code == 1
    assert done.stdout.startswith("The proof holds, the disclosure does not: the disclosure is of position ")


def test_what_cannot_be_proven_is_told_in_one_sentence(node: Daemon):
    for arguments, said in (
        (["nothing", node.folder], "nothing here is called 'nothing'"),
        (["position:9999", node.folder], "there is no position 9999"),
        ([TRADE, node.folder, "--disclose", "--without-keys"], "--disclose needs keys"),
    ):
        done = command("prove", *arguments)
        assert isinstance(done.exception, EXPECTED)
        assert said in str(done.exception)


def test_the_archive_of_a_node_that_runs_is_audited(node: Daemon):
    done = command("audit", node.folder)
    assert done.exit_code == 0, done.output
    assert "those of sp1" in done.stdout
    assert "not checked" not in done.stdout
    assert done.stdout.rstrip().endswith(" entries/s: nothing found")
    data = json.loads(command("audit", node.folder, "--json").stdout)
    assert (data["found"], data["checked"]["decisions"], data["not_checked"]) == (0, 2, [])
    assert data["relationships"][0]["replayed"] == "whole"
    public = command("audit", node.folder, "--without-keys")
    assert public.exit_code == 0
    assert "not checked: what is sealed" in public.stdout


def copied(node: Daemon, folder: Path) -> Path:
    """What an auditor gets: the network file, and a copy of the store as it is now."""
    folder.mkdir()
    shutil.copy(node.folder / "network.toml", folder)
    with closing(sqlite3.connect(node.folder / "data" / "yakujo.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "yakujo.db"),))
    return folder


def test_an_auditor_needs_a_network_file_and_a_copy(node: Daemon, tmp_path: Path):
    """Without a node: what is public with no key, the rest with the keys that there are."""
    folder = copied(node, tmp_path / "auditor")
    done = command("audit", folder)
    assert (done.exit_code, "not checked: what is sealed" in done.stdout) == (0, True)
    create_reader(tmp_path / "reader", "regulator", None)
    done = command("audit", folder, "--keys", tmp_path / "reader")
    assert done.exit_code == 0, done.output
    assert "that of the reader regulator" in done.stdout
    assert "not checked: the contract for " in done.stdout
    done = command("audit", folder, "--keys", node.folder / "keys", "--json")
    assert json.loads(done.stdout)["relationships"][0]["replayed"] == "whole"
    done = command("audit", node.folder, "--archive", folder / "yakujo.db")
    assert (done.exit_code, "nothing found" in done.stdout) == (0, True)


def test_what_was_altered_is_told_in_red_and_by_the_exit_code(node: Daemon, tmp_path: Path):
    folder = copied(node, tmp_path / "altered")
    with closing(sqlite3.connect(folder / "yakujo.db")) as connection, connection:
        connection.execute("UPDATE outcome SET status = 'MISM' WHERE status = 'MAGR'")
        connection.execute("UPDATE archive SET state = zeroblob(32) WHERE sequence = 2")
    done = command("audit", folder, "--keys", node.folder / "keys")
    assert done.exit_code == 1
    found = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert found[0] == "! the block at sequence 2: its digest of what is public is not what the replay gives"
    assert found[1].endswith("its status in the store is not what the ledger gives")
    assert done.stdout.rstrip().endswith("2 findings")


def test_what_cannot_be_audited_is_told_in_one_sentence(node: Daemon, tmp_path: Path):
    (tmp_path / "text").write_text("no store")
    for arguments, said in (
        ([tmp_path], "has neither node.toml nor network.toml"),
        ([node.folder, "--archive", tmp_path / "none"], "is no file"),
        ([node.folder, "--archive", tmp_path / "text"], "is damaged"),
        ([node.folder, "--keys", tmp_path], "sp.key"),
        ([node.folder, "--keys", tmp_path, "--without-keys"], "exclude one another"),
    ):
        done = command("audit", *arguments)
        assert isinstance(done.exception, EXPECTED), (arguments, done.output)
        assert said in str(done.exception)
