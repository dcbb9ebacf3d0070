"""An institution that comes while the network runs, by an operator's commands, up to its first trade."""

from pathlib import Path
from typing import Any

from tests.running_node import Daemon, as_data, free_ports, until, yakujo

BROKER, NEWCOMER = "YAKUJOTRIALBROKER023", "YAKUJOTRIALNEWFD0044"
OWN = """\
name = "New Funds"
bic = "NEWFJPJT"
"""
FUNDS = """\
[[funds]]
account = { code = "F1" }
[[funds]]
account = { code = "F2" }
"""


def said(*arguments: str | Path) -> str:
    """What a command prints that does what it should."""
    ended = yakujo(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Newcomer:
    """An institution that makes statements, each with the next number. network: of the node's folder."""

    def __init__(self, folder: Path, node: Path, lei: str, identity: Path) -> None:
        self.folder, self.node, self.lei, self.identity = folder, node, lei, identity

    def states(self, *command: str | Path) -> str:
        """Make a statement and put it on the ledger."""
        known = as_data("members", self.node)["institutions"]
        number = str(next(one["next_number"] for one in known if one["lei"] == self.lei))
        output = self.folder / f"{self.lei}-{number}.json"
        said(*command, "--network", self.node / "network.toml", "--number", number, "--output", output)
        return said("submit", output, self.node)


def admitted(folder: Path, node: Path) -> Newcomer:
    """A new institution that the only member has voted for."""
    identity = folder / "newcomer"
    said("identity", identity, "--institution", NEWCOMER)
    key = (identity / "identity.toml").read_text().split('identity_key = "')[1].split('"')[0]
    file = folder / "newcomer.toml"
    head = f'[institution]\nlei = "{NEWCOMER}"\nname = "New"\nrole = "investor"\n'
    file.write_text(f'{head}identity_key = "{key}"\n')
    assert "in effect" in said("propose", "master-data", file, node)
    return Newcomer(folder, node, NEWCOMER, identity)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def give_client(node: Path) -> None:
    """A client of the newcomer's, like the shipped asset manager's."""
    known = (node / "clients" / "manager-cp932.toml").read_text()
    made = known.replace("manager-cp932", "newcomer").replace("YAKUJOTRIALFUNDS0017", NEWCOMER)
    (node / "clients" / "newcomer.toml").write_text(made)
    for part in ("in", "out", "error", "archive"):
        (node / "exchange" / "newcomer" / part).mkdir(parents=True)


def report_to(bic: str, sample: Path, path: Path) -> Path:
    """The sample report, to another investor."""
    raw = sample.read_bytes().replace(b"EXAMJPJT", bic.encode())
    body = raw[: raw.rindex(b"10=")]
    path.write_bytes(body + b"10=%03d\x01" % (sum(body) % 256))
    return path


def test_an_institution_comes_and_trades(tmp_path: Path):
    """Admitted by members, it states all else itself: its SP, its names, its funds, with whom it trades."""
    node = tmp_path / "node"
    assert yakujo("init", node, "--port", str(free_ports(3))).returncode == 0
    with Daemon(node):
        newcomer = admitted(tmp_path, node)
        said("keys", "add", node, "--institution", NEWCOMER)
        own = newcomer.identity
        assert "lets sp1 act for it" in newcomer.states("delegate", own, node / "member.toml")
        sides = ("--broker", BROKER, "--investor", NEWCOMER)
        assert "1 more vote" in newcomer.states("propose", "relationship", own, *sides)
        broker = Newcomer(tmp_path, node, BROKER, node / "institutions" / BROKER)
        assert "in effect" in broker.states("propose", "relationship", broker.identity, *sides)
        names, funds = written(tmp_path / "own.toml", OWN), written(tmp_path / "funds.toml", FUNDS)
        newcomer.states("propose", "own-data", own, names)
        newcomer.states("propose", "own-data", own, funds)
    give_client(node)
    assert "New Funds" in said("check", node)
    with Daemon(node) as daemon:
        daemon.drop(
            "broker-files", report_to("NEWFJPJT", node / "samples" / "report.fix", tmp_path / "r.fix")
        )
        daemon.drop("newcomer", node / "samples" / "allocations.csv")
        until(lambda: [one["status"] for one in as_data("trades", node)] == ["MAGR"])
        trades: list[dict[str, Any]] = as_data("trades", node)
        assert trades[0]["investor"] == "New Funds"
        assert trades[0]["trade"] in said("trace", "A20261120-1", node)


def test_deadlines_and_a_drafted_calendar_are_voted_on(tmp_path: Path):
    """The draft of a calendar is proposed as it is; deadlines show among the decisions."""
    node = tmp_path / "node"
    assert yakujo("init", node, "--port", str(free_ports(3))).returncode == 0
    draft = tmp_path / "jpx.toml"
    said("calendar", "make", "JPX", "--from", "2026", "--to", "2027", "--output", draft)
    with Daemon(node):
        assert "calendar JPX" in said("propose", "master-data", draft, node)
        late = yakujo("propose", "deadline", "15:00,16:00", node, "--from", "2026-01-05")
        assert "name a later day" in late.stderr
        wrong = yakujo("propose", "deadline", "16:00,15:00", node, "--from", "2100-01-04")
        assert "times rise" in wrong.stderr
        assert "in effect" in said("propose", "deadline", "15:00,16:00", node, "--from", "2100-01-04")
        told = "what is open is told at 15:00, 16:00, for trades from 2100-01-04 on"
        assert as_data("decisions", node)["deadlines"] == [told]
        assert f"deadlines of the network: {told}" in said("decisions", node)
        assert "last member" in yakujo("propose", "remove", "sp1", node).stderr
