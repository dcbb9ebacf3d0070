"""Promises about attaching to a ledger: what would lose blocks is refused, and the operator hears why."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from ledger_scene import (
    STREAM,
    api,
    cluster_settings,
    ledger_on,
    raw_client,
    single_settings,
)

from node.jetstream_settings import stream_config, stream_findings, version_findings
from node.ledger import LedgerRefusedError, LedgerUnavailableError
from node.nats_config import server_config
from node.nats_server import EmbeddedServer


async def test_wrong_stream_settings_are_refused_all_at_once(tmp_path: Path) -> None:
    """The operator sees every setting that could lose blocks, in one message."""
    async with EmbeddedServer(single_settings(tmp_path)) as server, raw_client(server) as client:
        wrong = {"deny_delete": False, "deny_purge": False, "max_age": 10**18, "discard": "old"}
        await api(client, f"STREAM.CREATE.{STREAM}", stream_config(STREAM, 1) | wrong)
        with pytest.raises(LedgerRefusedError) as caught:
            await ledger_on(server).__aenter__()
        text = str(caught.value)
        assert len(caught.value.findings) == len(wrong)
        assert all(name in text for name in wrong)


async def test_a_server_that_does_not_sync_is_refused(tmp_path: Path) -> None:
    """Without a sync for each write, a power failure would lose what was acknowledged."""
    settings = single_settings(tmp_path)
    settings.directory.mkdir()
    config = settings.directory / "lazy.conf"
    config.write_text(server_config(settings, "x" * 16).replace(", sync_interval: always", ""))
    server = EmbeddedServer(settings)
    server.password = "x" * 16
    process = await asyncio.create_subprocess_exec(Path(sys.executable).parent / "nats-server", "-c", config)
    try:
        with pytest.raises(LedgerRefusedError, match="sync_interval: always"):
            await ledger_on(server).__aenter__()
        async with ledger_on(server, monitoring=None) as ledger:
            findings = await ledger.check()
            assert [finding.refuse for finding in findings] == [False]
            assert "no monitoring URL" in str(findings[0])
        with pytest.raises(LedgerRefusedError, match="correct the URL"):
            await ledger_on(server, monitoring="http://127.0.0.1:1").__aenter__()
    finally:
        process.terminate()
        await process.wait()


async def test_without_a_quorum_the_wait_ends_and_says_why(tmp_path: Path) -> None:
    """A member that starts alone does not hang for ever."""
    settings = cluster_settings(tmp_path)[0]
    async with EmbeddedServer(settings) as server:
        with pytest.raises(LedgerUnavailableError):
            await ledger_on(server, replicas=3, wait_seconds=1.5).__aenter__()
    with pytest.raises(LedgerUnavailableError, match="no connection"):
        await ledger_on(server, wait_seconds=0.5).__aenter__()


async def test_settings_that_waiting_never_mends_are_refused_at_once(tmp_path: Path) -> None:
    """Three replicas on one lone server, and a ledger that has vanished, are told as what they are."""
    async with EmbeddedServer(single_settings(tmp_path)) as server:
        with pytest.raises(LedgerRefusedError, match="cannot be made"):
            await ledger_on(server, replicas=3).__aenter__()
        with pytest.raises(LedgerRefusedError, match="has it been deleted"):
            await ledger_on(server, create=False).__aenter__()


@pytest.mark.parametrize("version", ["2.15.1", "v2.15.1", "2.16.0-RC.1", "3.0.0"])
def test_new_servers_are_accepted(version: str) -> None:
    """The floor is a floor."""
    assert version_findings(version) == ()


@pytest.mark.parametrize("version", ["2.15.0", "2.10.29", "1.99.99", "", "newest"])
def test_old_servers_are_refused(version: str) -> None:
    """Versions that lose data are not run."""
    assert [finding.refuse for finding in version_findings(version)] == [True]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"persist_mode": "async"}, "persist_mode"),
        ({"mirror": {"name": "x"}}, "mirror"),
        ({"sealed": True}, "sealed"),
        ({"num_replicas": 1}, "num_replicas"),
        ({"subjects": ["ledger.>"]}, "subjects"),
        ({"max_msgs": 5}, "max_msgs"),
    ],
)
def test_each_dangerous_stream_setting_is_found(change: dict[str, Any], name: str) -> None:
    """No setting that loses or alters blocks passes."""
    config = stream_config(STREAM, 3)
    assert stream_findings(config, STREAM, 3) == ()
    assert [name in str(finding) for finding in stream_findings(config | change, STREAM, 3)] == [True]
