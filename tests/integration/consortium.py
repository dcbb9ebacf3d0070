"""Three members of one network on this machine, as operators run them, and what their clients exchange.

sp1  serves the broker, sp2 the asset manager, sp3 nobody; a fourth may be set up beside them
"""

import secrets
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from node.identity import create_identity
from node.key_files import load_keys
from node.settings import EmbeddedLedger, NodeSettings
from node.setup import found_alone, make_member, write_node
from tests.running_node import Daemon, as_data, free_ports, until, yakujo
from tests.sessions.fix_peers import fix_text

CONF = Path(__file__).parent.parent.parent / "conf"
BROKER, MANAGER = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"
SERVED = {"sp1": (BROKER,), "sp2": (MANAGER,), "sp3": ()}
CLIENTS = {"sp1": "broker-files", "sp2": "manager-cp932"}


class Consortium:
    """The members' folders, their daemons, and the institutions' identities."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.first_port = free_ports(3 * (len(SERVED) + 1))
        self.daemons = {sp: Daemon(root / sp) for sp in (*SERVED, "sp4")}

    def folder(self, sp: str) -> Path:
        """A node's folder."""
        return self.root / sp

    def identity(self, institution: str) -> Path:
        """An institution's folder."""
        return self.root / institution

    def found(self) -> None:
        """Everything that three members need before their first start."""
        plan = {**tomllib.loads((CONF / "plan.toml").read_text()), "replicas": 3}
        cards = [make_member(self.folder(sp), sp, served, None) for sp, served in SERVED.items()]
        identities = [create_identity(self.identity(lei), lei, None) for lei in (BROKER, MANAGER)]
        founders = {sp: load_keys(self.folder(sp) / "keys", None).signing for sp in SERVED}
        network, secret = found_alone(plan, cards, identities, founders), secrets.token_hex(32)
        for sp in SERVED:
            write_node(self.folder(sp), network, self.settings(sp), secret)
        for sp, client in CLIENTS.items():
            self.serve(sp, client)

    def settings(self, sp: str) -> NodeSettings:
        """What a node's node.toml says."""
        number = list(self.daemons).index(sp)
        first = self.first_port + 3 * number
        ledger = EmbeddedLedger(
            kind="embedded",
            client_port=first,
            cluster_port=first + 1,
            monitor_port=first + 2,
            routes=tuple(
                f"127.0.0.1:{self.first_port + 3 * other + 1}"
                for other in range(len(SERVED))
                if other != number
            ),
            cluster_secret_file=Path("keys/cluster.secret"),
        )
        return NodeSettings(sp=sp, ledger=ledger, provider_bic="SPAAJPJT")

    def serve(self, sp: str, client: str) -> None:
        """Put a client's example into a node's configuration."""
        (self.folder(sp) / "clients").mkdir(exist_ok=True)
        shutil.copy(CONF / "clients" / f"{client}.toml", self.folder(sp) / "clients")
        for part in ("in", "out", "error", "archive"):
            (self.folder(sp) / "exchange" / client / part).mkdir(parents=True)

    def report(self, number: int) -> None:
        """The broker reports a trade, at sp1."""
        sample = (CONF / "samples" / "report.fix").read_bytes()
        told = sample.replace(b"B20261120-1", b"B20261120-%d" % number)
        pairs = [
            field.partition(b"=") for field in told.replace(b"7203-1", b"7203-%d" % number).split(b"\x01")
        ]
        framed = fix_text(*((int(tag), text) for tag, _, text in pairs[2:-2]))
        self._drop("sp1", "broker-files", f"{number}.fix", framed)

    def allocate(self, sp: str, number: int) -> None:
        """The manager says the same, at one of its SPs."""
        sample = (CONF / "samples" / "allocations.csv").read_bytes()
        told = sample.replace(b"A20261120-1", b"A20261120-%d" % number)
        self._drop(sp, "manager-cp932", f"{number}.csv", told.replace(b"7203-1", b"7203-%d" % number))

    def _drop(self, sp: str, client: str, name: str, raw: bytes) -> None:
        path = self.root / name
        path.write_bytes(raw)
        self.daemons[sp].drop(client, path)

    def statuses(self, sp: str) -> list[str]:
        """The status of each trade that a node can read."""
        return [row["status"] for row in as_data("trades", self.folder(sp))]

    def heads(self, *sps: str) -> set[tuple[int, str]]:
        """How far nodes are, and what they have come to: one if they agree."""
        return {
            (status["size"], status["root"]) for status in (as_data("status", self.folder(sp)) for sp in sps)
        }

    def told(self, *arguments: str | Path) -> Any:
        """What a command of an act says became of it."""
        found = as_data(*arguments)
        assert found["fault"] is None, found
        return found


@contextmanager
def running(root: Path) -> Iterator[Consortium]:
    """Found a network of three and run it; whatever runs at the end is ended."""
    consortium = Consortium(root)
    consortium.found()
    with ExitStack() as stack:
        members = [consortium.daemons[sp] for sp in SERVED]
        for daemon in members:
            daemon.start()
            stack.callback(daemon.end)
        for daemon in members:
            daemon.wait_until_it_runs()
        yield consortium


def done(*arguments: str | Path) -> str:
    """What a command prints that does what it should."""
    ended = yakujo(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def level(consortium: Consortium, *sps: str) -> None:
    """Wait until nodes have come to the same."""
    until(lambda: len(consortium.heads(*sps)) == 1)
