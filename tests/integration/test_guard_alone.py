"""Promises where nobody else can mend: one replica, or a server that the operator runs."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from guard_scene import MEMBERS, NEVER_LOW, fill, flip, until, watching
from ledger_scene import STREAM, alive, api, first, ledger_on, raw_client, single_settings

from node import guard as guarding
from node import monitoring, nats_process
from node.guard import GuardSettings, LedgerDamagedError, ServerGuard
from node.guard_external import ExternalGuard
from node.guard_state import Word
from node.jetstream_settings import stream_config
from node.nats_config import ServerSettings, examining_config
from node.nats_process import NatsProcess, usable_binary
from node.nats_server import EmbeddedServer


def _settings(folder: Path) -> GuardSettings:
    return GuardSettings(STREAM, 1, MEMBERS[:1], folder, NEVER_LOW)


def _guard(server: ServerSettings, archived: int) -> ServerGuard:
    return ServerGuard(server, _settings(server.directory.parent), archived=lambda: archived)


async def _lose_a_block(server: EmbeddedServer) -> None:
    """A stream of three blocks, the second of which is not there."""
    async with raw_client(server) as client:
        await api(client, f"STREAM.CREATE.{STREAM}", stream_config(STREAM, 1) | {"deny_delete": False})
        for number in range(3):
            await client.jetstream().publish("ledger.sp1", b"%d" % number)
        await api(client, f"STREAM.MSG.DELETE.{STREAM}", {"seq": 2, "no_erase": True})


@pytest.mark.parametrize("at", [1_000_000, -1_000])
async def test_damage_in_the_only_replica_is_for_a_person(tmp_path: Path, at: int) -> None:
    """Nothing is moved or made anew by itself: the text says which command gets the ledger back."""
    settings = single_settings(tmp_path)
    async with EmbeddedServer(settings) as server, ledger_on(server) as ledger:
        await fill(ledger, 1, 31)
    guard = _guard(settings, 30)
    async with guard.server:
        assert guard.state.fenced == 0
    flip(settings.directory / "store" / "jetstream" / "$G" / "streams" / STREAM / "msgs" / "1.blk", at)
    with pytest.raises(LedgerDamagedError, match="yakujo rebuild"):
        await guard.server.__aenter__()
    assert guard.state.word is Word.NEEDS_A_PERSON
    assert guard.server.pid is None


async def test_a_hole_in_the_only_replica_stops_server_and_node(tmp_path: Path) -> None:
    """What shows while it runs ends the node too; the server is down before that."""
    guard = _guard(single_settings(tmp_path), 0)
    async with guard.server as server:
        await _lose_a_block(server)
        with pytest.raises(LedgerDamagedError, match="1 of 3 blocks"):
            await guard.run()
        assert server.pid is None


async def test_a_server_that_hangs_is_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that no longer answers is of no use to anybody, and does not end when it is asked to."""
    monkeypatch.setattr(guarding, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(guarding, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(monitoring, "MONITORING_SECONDS", 0.5)
    monkeypatch.setattr(nats_process, "STOP_SECONDS", 0.5)
    async with watching(_guard(single_settings(tmp_path), 0)) as guard:
        await until(lambda: guard.state.word is Word.WELL)
        assert guard.server.pid is not None
        os.kill(guard.server.pid, signal.SIGSTOP)
        await until(lambda: guard.state.restarted == 1)
        await until(lambda: guard.state.word is Word.WELL)
        async with ledger_on(guard.server) as ledger:
            await fill(ledger, 1, 2)


async def test_an_examination_that_outlived_its_daemon_is_ended(tmp_path: Path) -> None:
    """kill -9 of the daemon in the middle of it leaves a server on the store; two would destroy it."""
    settings = single_settings(tmp_path)
    async with EmbeddedServer(settings) as server, ledger_on(server) as ledger:
        await fill(ledger, 1, 3)
    config = settings.directory / "examining.conf"
    config.write_text(examining_config(settings, "x" * 16))
    orphan = NatsProcess(await usable_binary(settings), config)

    async def ready() -> None:
        await orphan.ports()

    await orphan.start(ready, 30.0)
    pid = orphan.pid
    assert pid is not None
    async with watching(_guard(settings, 2)) as guard:
        assert not alive(pid)
        await until(lambda: guard.state.word is Word.WELL)
        assert guard.state.sequence == 2
    assert await asyncio.wait_for(orphan.wait(), 5) == 0


async def test_an_external_server_is_watched_and_stopped_by_the_operators_command(tmp_path: Path) -> None:
    """The node ends, and the text says step by step what is to be done."""
    settings = _settings(tmp_path)
    order = (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').close()", str(tmp_path / "stopped"))
    async with EmbeddedServer(single_settings(tmp_path)) as server:
        guard = ExternalGuard(server.monitoring, settings, fence_command=order)
        async with ledger_on(server) as ledger:
            await fill(ledger, 1, 3)
            await guard.check()
            assert (guard.state.word, guard.state.sequence) == (Word.WELL, 2)
            assert len(await first(ledger, 2)) == 2
    async with EmbeddedServer(single_settings(tmp_path / "other")) as server:
        await _lose_a_block(server)
        guard = ExternalGuard(server.monitoring, settings, fence_command=order)
        with pytest.raises(LedgerDamagedError, match=r"1 of 3 blocks.*has been stopped"):
            await guard.check()
        assert (tmp_path / "stopped").exists()
        guard = ExternalGuard(server.monitoring, settings, fence_command=("/no/such/command",))
        with pytest.raises(LedgerDamagedError, match="Stop that nats-server now"):
            await guard.run()
        assert guard.state.word is Word.NEEDS_A_PERSON


async def test_an_external_server_without_monitoring_is_told_as_such(tmp_path: Path) -> None:
    """It is not said to be well, as nobody looks."""
    guard = ExternalGuard(None, _settings(tmp_path))
    await guard.check()
    assert guard.state.word is Word.NEEDS_A_PERSON
