"""`yakujo stats` beside a node that runs, and the page that tells of it: what it shows is typed here."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.network import load_network
from tests.running_node import Daemon, as_data, free_ports, until, yakujo

PAGE = Path(__file__).parent.parent / "docs" / "operators" / "figures.md"
pytestmark = pytest.mark.xdist_group("running node")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A trial network, of which one trade is agreed and one file was refused before it came to the ledger."""
    folder = tmp_path_factory.mktemp("stats") / "node"
    made = yakujo("init", folder, "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    with Daemon(folder) as daemon:
        daemon.drop("broker-files", folder / "samples" / "report.fix")
        until(lambda: as_data("trades", folder))
        daemon.drop("manager-cp932", folder / "samples" / "allocations.csv")
        until(lambda: [row["status"] for row in as_data("trades", folder)] == ["MAGR"])
        yield daemon


def lei_of(node: Daemon) -> str:
    """An institution of the trial network, all of which its one provider acts for."""
    return load_network(node.folder / "network.toml").institutions[0].lei


def test_it_counts_what_trades_lists(node: Daemon):
    found = as_data("stats", node.folder)
    assert found["total"]["trades"] == found["total"]["agreed_exactly"] == 1
    assert found["total"]["funds"] == found["total"]["funds_matched"] == 2
    assert [day["trade_date"] for day in found["days"]] == ["2026-11-20"]
    assert found["verification"] is None
    shown = yakujo("stats", node.folder)
    assert shown.returncode == 0, shown.stderr
    for part in (found["network_id"], found["contracts"][0], "2026-11-20", "Asia/Tokyo", "16:00:00"):
        assert part in shown.stdout


def test_a_replay_gives_the_same(node: Daemon):
    until(lambda: as_data("status", node.folder)["outbox"] == 0)
    done = yakujo("stats", node.folder, "--verify")
    assert (done.returncode, "contract replayed: the stored outcomes give the same" in done.stdout) == (
        0,
        True,
    ), done.stdout + done.stderr
    assert as_data("stats", node.folder, "--verify")["verification"]["same"] is True


def test_institutions_of_this_provider_alone(node: Daemon):
    """A scorecard for its own, one sentence for another's, also where that is no LEI."""
    lei = lei_of(node)
    [card] = as_data("stats", node.folder, "--institution", lei)["cards"]
    assert (card["trades"], card["agreed"]) == (1, 1)
    assert "answers in" in yakujo("stats", node.folder, "--institution", lei).stdout
    for other in ("529900T8BM49AURSDO55", "nobody"):
        done = yakujo("stats", node.folder, "--institution", other)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"does not act for {other}" in done.stderr


def test_arguments_that_cannot_be(node: Daemon):
    done = yakujo("stats", node.folder, "--at", "999999")
    assert (done.returncode, "up to position" in done.stderr) == (2, True)
    for wrong in (("--at", "-1"), ("--by", "noon")):
        assert yakujo("stats", node.folder, *wrong).returncode == 2


def test_the_page_shows_what_can_be_typed(node: Daemon, tmp_path: Path):
    """Every command on it is executed, with this node's folder, LEI and positions for those that it names."""
    lei = lei_of(node)
    shown = re.findall(r"^ {4}yakujo (stats .*?)(?: +#.*)?$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(shown) >= 6
    named = {"FOLDER": str(node.folder), "LEI": lei, "POSITION": "4", "SHEETS": str(tmp_path / "sheets")}
    for line in shown:
        done = yakujo(*[named.get(word, word) for word in line.split()])
        assert done.returncode == 0, line + done.stdout + done.stderr
    sheets = {path.stem for path in (tmp_path / "sheets").iterdir()}
    told = set(re.findall(r"^\| `(\w+)\.csv` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == sheets
    [total] = csv.DictReader((tmp_path / "sheets" / "total.csv").read_text(encoding="utf-8").splitlines())
    assert total["trades"] == "1"


def test_the_page_explains_every_figure(node: Daemon):
    """No figure without a word on what it counts."""
    page = PAGE.read_text(encoding="utf-8")
    for name in as_data("stats", node.folder)["total"]:
        assert f"`{name}`" in page, name
