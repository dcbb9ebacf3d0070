"""The commands by which several decide: proposed, approved, withdrawn, shown and proven."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.document import Opening
from node.network import load_network
from tests.running_node import Daemon, as_data, free_ports, until, yakujo

CONF = Path(__file__).parent.parent / "conf"
BROKER, MANAGER = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"
TOMORROW = datetime.date.today() + datetime.timedelta(days=30)  # noqa: DTZ011 - far enough in any zone
pytestmark = pytest.mark.xdist_group("deciding node")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A network of one that runs, and has ordered a message."""
    folder = tmp_path_factory.mktemp("deciding") / "node"
    made = yakujo("init", folder, "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    with Daemon(folder) as daemon:
        daemon.drop("broker-files", daemon.folder / "samples" / "report.fix")
        until(lambda: as_data("trades", daemon.folder))
        until(lambda: as_data("decisions", daemon.folder)["installed"])
        yield daemon


def said(*arguments: str | Path) -> str:
    """What a command prints that does what it should."""
    ended = yakujo(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def refused(*arguments: str | Path) -> str:
    """The sentence of a command that does nothing."""
    ended = yakujo(*arguments)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stdout + ended.stderr
    return ended.stderr


def signing(node: Daemon, lei: str, output: Path) -> list[str | Path]:
    """The options of an institution's next statement."""
    found = as_data("members", node.folder)["institutions"]
    number = next(one["next_number"] for one in found if one["lei"] == lei)
    return ["--network", node.folder / "network.toml", "--number", str(number), "--output", output]


def identity(node: Daemon, lei: str) -> Path:
    return node.folder / "institutions" / lei


def decided(node: Daemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_data("decisions", node.folder)["decisions"]
    return found


def test_a_member_alone_decides_by_proposing(node: Daemon):
    """Which contract judges, by its name; what it needs to know is told before anything is said."""
    assert "this release has no contract matching/99" in refused(
        "propose", "contract", "matching/99", node.folder
    )
    both = refused("propose", "contract", "matching/2", node.folder, "--from", "1", "--notice", "1")
    assert "and not both" in both
    assert "in effect from there on" in said("propose", "contract", "matching/2", node.folder)
    found = as_data("decisions", node.folder)
    *_, one = [one for one in found["decisions"] if one["kind"] == "activate_contract"]
    assert (one["state"], one["effective_from"]) == ("decided", one["said"][0]["position"] + 1)
    assert found["contracts"][-1]["contract"].startswith("matching/2:")
    shown = said("decisions", node.folder)
    for part in (one["id"][:12], "sp1 at", "matching/2", "stop_contract needs at least 1/3: 1 of 1"):
        assert part in shown


def test_a_stop_shows_in_the_status_until_a_contract_is_activated(node: Daemon):
    said("propose", "stop", node.folder, "--reason", "a trial")
    until(lambda: any("stopped contracts" in one for one in as_data("status", node.folder)["findings"]))
    assert yakujo("status", node.folder).returncode == 1
    assert "name no position" in refused("propose", "contract", "matching/2", node.folder, "--notice", "5")
    said("propose", "contract", "matching/1", node.folder)
    until(lambda: not any("contracts" in one for one in as_data("status", node.folder)["findings"]))


def test_how_many_are_needed_is_proposed_too(node: Daemon):
    assert "give --over or --least" in refused("propose", "quorum", "admit_member", node.folder)
    assert "is no fraction" in refused("propose", "quorum", "admit_member", node.folder, "--over", "half")
    assert "never be reached" in refused("propose", "quorum", "admit_member", node.folder, "--over", "1/1")
    said("propose", "quorum", "admit_member", node.folder, "--least", "2/3")
    assert as_data("decisions", node.folder)["quorums"]["admit_member"] == "at least 2/3: 1 of 1"


def test_two_sides_agree_on_rules(node: Daemon, tmp_path: Path):
    """One proposes, takes it back, proposes again; the other approves it; all can be proven."""
    document = tmp_path / "rules.toml"
    document.write_text(
        f'broker = "{BROKER}"\ninvestor = "{MANAGER}"\nversion = 2\nfrom_trade_date = {TOMORROW}\n'
        "[rules]\nprovisional_after_seconds = 60\n"
    )
    for name in ("first", "second"):
        file, beside = tmp_path / f"{name}.json", tmp_path / f"{name}.document.json"
        said("propose", "rules", identity(node, MANAGER), document, *signing(node, MANAGER, file))
        assert "give it with --document" in refused("submit", file, node.folder)
        assert "1 more vote" in said("submit", file, node.folder, "--document", beside)
        [pending] = [one for one in decided(node) if one["state"] == "pending"]
        if name == "first":
            back = tmp_path / "back.json"
            said(
                "withdraw",
                pending["id"][:8],
                node.folder,
                "--identity",
                identity(node, MANAGER),
                "--output",
                back,
            )
            said("submit", back, node.folder)
            assert [one for one in decided(node) if one["state"] == "pending"] == []
    assert "is for its two institutions" in refused("approve", pending["id"][:8], node.folder)
    assert "at least 4 digits" in refused("approve", "ab", node.folder)
    read = tmp_path / "read.toml"
    said("document", pending["id"][:8], node.folder, "--output", read)
    assert yakujo("rules", "diff", document, read).returncode == 0
    assert "provisional_after_seconds = 60" in said("document", pending["id"][:8], node.folder)
    approval = tmp_path / "approval.json"
    who = ("--identity", identity(node, BROKER), "--output", approval)
    said("approve", pending["id"][:8], node.folder, *who)
    assert "in effect" in said("submit", approval, node.folder)
    rules = [one for one in decided(node) if one["kind"] == "agree_rules"]
    assert [one["state"] for one in rules] == ["withdrawn", "decided"]
    assert {word["by"] for word in rules[1]["said"]} == {BROKER, MANAGER}
    proven(node, rules[1]["id"], tmp_path)


def proven(node: Daemon, decision: str, folder: Path) -> None:
    """Both words on a decision can be shown to an outsider, with the document that they are about."""
    proofs = folder / "proofs"
    until(
        lambda: yakujo("prove", f"decision:{decision[:8]}", node.folder, "--output", proofs).returncode == 0
    )
    made = sorted(proofs.glob("*.tlog-proof"))
    assert len(made) == 2
    opened = folder / "opened.json"
    said("document", decision, node.folder, "--opening", opened)
    for proof in made:
        shown = said("verify", proof, "--network", node.folder / "network.toml", "--disclosure", opened)
        assert "provisional_after_seconds" in shown
    own = Opening.from_bytes(opened.read_bytes())
    opened.write_bytes(own.model_copy(update={"key": "ab" * 32}).to_bytes())
    told = yakujo("verify", made[0], "--network", node.folder / "network.toml", "--disclosure", opened)
    assert (told.returncode, "another one than the proven act names" in told.stdout) == (1, True)


def priced(folder: Path) -> Path:
    """A trade of 2026-12-01 that brings no calendar of its own."""
    path = folder / "trade.toml"
    text = 'side = "buy"\ntrade_date = 2026-12-01\nquantity = 100\nprice = 1000\n'
    path.write_text(text + 'venue = "XTKS"\nfunds = [{ account = "F1", quantity = 100 }]\n')
    return path


def test_master_data_and_corrections(node: Daemon, tmp_path: Path):
    listing, funds, letter = tmp_path / "listing.toml", tmp_path / "funds.toml", tmp_path / "letter.txt"
    listing.write_text('[[securities]]\nisin = "JP3496400007"\njapan_code = "9433"\n')
    assert "list JP3496400007" in said("propose", "master-data", listing, node.folder)
    funds.write_text('[[funds]]\naccount = { code = "NEW-1" }\n')
    statement = tmp_path / "funds.json"
    said("propose", "own-data", identity(node, MANAGER), funds, *signing(node, MANAGER, statement))
    assert "NEW-1: at position" in said("submit", statement, node.folder)
    letter.write_text("It was 2,000, not 1,000.")
    [trade] = as_data("trades", node.folder)
    position = trade["opened"]
    file, beside = tmp_path / "correction.json", tmp_path / "correction.document.json"
    sides = ("--broker", BROKER, "--investor", MANAGER, "--position", str(position))
    said("propose", "correction", identity(node, BROKER), letter, *sides, *signing(node, BROKER, file))
    said("submit", file, node.folder, "--document", beside)
    [pending] = [one for one in decided(node) if one["state"] == "pending"]
    assert said("document", pending["id"], node.folder) == letter.read_text()
    approval = tmp_path / "approval.json"
    who = ("--identity", identity(node, MANAGER), "--output", approval)
    said("approve", pending["id"], node.folder, *who)
    said("submit", approval, node.folder)
    assert f"correct position {position}" in said("trace", trade["trade"], node.folder)
    opened = tmp_path / "opened.json"
    said("document", pending["id"], node.folder, "--opening", opened)
    network = load_network(node.folder / "network.toml").id
    assert Opening.from_bytes(opened.read_bytes()).document(network).id.hex() == pending["document"]
    [listed] = [one for one in decided(node) if one["kind"] == "list_securities"]
    assert "in clear" in refused("document", listed["id"], node.folder)
    months = tmp_path / "calendar.toml"
    days = "first = 2026-12-01\nlast = 2026-12-31\nclosed = [2026-12-02]\n"
    months.write_text(f'[calendar]\nname = "JPX"\n{days}')
    tried = ("rules", "try", CONF / "rules.toml", priced(tmp_path), "--node", node.folder)
    assert as_data(*tried)["settlement_date"] is None
    assert "calendar JPX" in said("propose", "master-data", months, node.folder)
    assert as_data(*tried)["settlement_date"] == "2026-12-04"
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert "members vote on those" in refused("propose", "master-data", empty, node.folder)
