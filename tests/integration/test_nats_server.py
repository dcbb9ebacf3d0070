"""Promises about the embedded nats-server: it starts, says why not, and leaves nothing behind or open."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from ledger_scene import (
    CLUSTER_SECRET,
    PATIENCE_SECONDS,
    alive,
    first,
    ledger_on,
    single_settings,
)

from node.ledger import LedgerUnavailableError
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer, ServerMissingError, ServerSettingsError, ServerStartError

DAEMON = """
import asyncio, sys
from pathlib import Path
from node.nats_config import ServerSettings
from node.nats_server import EmbeddedServer

async def main():
    client, cluster, monitor = map(int, sys.argv[2:])
    settings = ServerSettings("sp1", Path(sys.argv[1]), client, cluster, monitor, "test", "0123456789abcdef")
    async with EmbeddedServer(settings) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_daemon_does_not_block_its_successor(tmp_path: Path) -> None:
    """kill -9 of the daemon leaves its server running; the next start ends that one and finds its data."""
    settings = single_settings(tmp_path)
    ports = (settings.client_port, settings.cluster_port, settings.monitor_port)
    arguments = ["-c", DAEMON, str(settings.directory), *map(str, ports)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert daemon.stdout is not None
    orphan = int(await daemon.stdout.readline())
    try:
        before = EmbeddedServer(settings)
        before.password = (settings.directory / "client.password").read_text()
        async with ledger_on(before) as ledger:
            await ledger.append(b"kept", "1")
        daemon.kill()
        await daemon.wait()
        assert alive(orphan)
        async with EmbeddedServer(settings) as server, ledger_on(server) as ledger:
            assert not alive(orphan)
            assert await first(ledger, 1) == [(1, b"kept")]
    finally:
        with contextlib.suppress(ProcessLookupError):
            daemon.kill()
        if alive(orphan):
            os.kill(orphan, signal.SIGKILL)


async def test_a_foreign_process_with_the_old_pid_is_left_alone(tmp_path: Path) -> None:
    """A pid file from before a reboot may name anybody; only our own server is ended."""
    settings = single_settings(tmp_path)
    settings.directory.mkdir()
    (settings.directory / "nats.pid").write_text(str(os.getpid()))
    async with EmbeddedServer(settings) as server:
        assert server.pid is not None


async def test_what_keeps_a_server_from_starting_is_shown(tmp_path: Path) -> None:
    """A taken port, a wrong path and a wrong program are told in the operator's words."""
    settings = single_settings(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.client_port))
        taken.listen()
        with pytest.raises(ServerStartError, match="address already in use"):
            await EmbeddedServer(settings).__aenter__()
    for binary, text in ((tmp_path / "none", "cannot be run"), (Path("/bin/echo"), "is needed")):
        changed = ServerSettings("sp1", settings.directory, 1, 2, 3, "test", CLUSTER_SECRET, binary=binary)
        with pytest.raises(ServerMissingError, match=text):
            await EmbeddedServer(changed).__aenter__()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": 'a" }'}, "names"),
        ({"cluster": "a b"}, "names"),
        ({"cluster_secret": "short"}, "secret"),
        ({"routes": ("host:1] }",)}, "host:port"),
    ],
)
async def test_settings_cannot_write_configuration(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    """No value can say something else in the server's configuration than it means."""
    fields = {"name": "sp1", "cluster": "test", "cluster_secret": CLUSTER_SECRET, "routes": ("127.0.0.1:1",)}
    settings = ServerSettings(
        directory=tmp_path, client_port=1, cluster_port=2, monitor_port=3, **fields | change
    )
    with pytest.raises(ServerSettingsError, match=text):
        await EmbeddedServer(settings).__aenter__()


async def test_a_fenced_server_stays_down_until_it_may_start(tmp_path: Path) -> None:
    """Supervision does not bring it back by itself, and what speaks against a start is tried again."""
    objections = iter((None, LedgerUnavailableError("the others are away"), None))

    async def before_start() -> None:
        if (objection := next(objections)) is not None:
            raise objection

    async with EmbeddedServer(single_settings(tmp_path), before_start) as server:
        await server.fence()
        assert (server.pid, server.ready, server.restarts) == (None, False, 0)
        server.unfence()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while server.trouble is None:  # noqa: ASYNC110 - tests alone wait for it
                await asyncio.sleep(0.01)
            assert server.trouble == "the others are away"
            while not server.ready:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        assert (server.restarts, server.trouble) == (2, None)
        async with ledger_on(server) as ledger:
            assert await ledger.append(b"again", "1") == 1


async def test_files_of_the_server_are_private(tmp_path: Path) -> None:
    """Passwords, log and store are for their owner alone, and no password is in the log."""
    settings = single_settings(tmp_path)
    async with EmbeddedServer(settings) as server, ledger_on(server) as ledger:
        await ledger.append(b"content of a block", "1")
        password = server.password
    for path in settings.directory.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.is_relative_to(settings.directory / "store")
    text = (settings.directory / "nats.log").read_text()
    assert password not in text
    assert "content of a block" not in text
