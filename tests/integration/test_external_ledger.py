"""A node on a nats-server that somebody else runs, as an SP has it under systemd."""

import asyncio
import re
from pathlib import Path

from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer
from tests.running_node import Daemon, as_data, free_ports, until, yakujo


async def test_a_node_uses_a_server_of_the_operator(tmp_path: Path):
    """Only the [ledger] section differs; both sides have their answers, and the server outlives the node."""
    trial = tmp_path / "trial"
    first = free_ports(6)
    assert yakujo("init", trial, "--port", str(first)).returncode == 0
    ports = {"client_port": first + 3, "cluster_port": first + 4, "monitor_port": first + 5}
    server = ServerSettings(
        name="operator", directory=tmp_path / "nats", cluster="operator", cluster_secret="", **ports
    )
    async with EmbeddedServer(server) as running:
        password = trial / "keys" / "nats.password"
        password.touch(mode=0o600)
        password.write_text(running.password)
        node = trial / "node.toml"
        outside = [
            "[ledger]",
            'kind = "external"',
            f'servers = ["{running.url}"]',
            f'user = "{running.user}"',
            'password_file = "keys/nats.password"',
            f'monitoring = "{running.monitoring}"',
        ]
        node.write_text(
            re.sub(r"(?ms)^\[ledger\]\n.*?(?=^\[|\Z)", "\n".join(outside) + "\n", node.read_text())
        )
        await asyncio.to_thread(_confirm, trial)
        assert running.pid is not None
        assert running.restarts == 0


def _confirm(trial: Path) -> None:
    checked = as_data("check", trial)
    assert [finding for finding in checked if finding["verdict"] == "error"] == []
    with Daemon(trial) as daemon:
        daemon.drop("broker-files", trial / "samples" / "report.fix")
        daemon.drop("manager-cp932", trial / "samples" / "allocations.csv")
        until(lambda: [row["status"] for row in as_data("trades", trial)] == ["MAGR"])
    assert not (trial / "data" / "nats").exists(), "the node started no server of its own"
