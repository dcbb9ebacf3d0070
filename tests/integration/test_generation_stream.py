"""The stream of a later generation on a real nats-server: filled in order, and never mixed with another."""

import asyncio
from pathlib import Path

import pytest
from ledger_scene import first, ledger_on, single_settings

from node.jetstream import JetStreamLedger, LedgerSettings
from node.ledger import LedgerRefusedError, LedgerUnavailableError
from node.nats_server import EmbeddedServer


def later(server: EmbeddedServer, **other: bool) -> JetStreamLedger:
    """The ledger of a node in generation 2."""
    login = (server.user, server.password)
    monitoring = server.monitoring
    return JetStreamLedger(
        LedgerSettings((server.url,), *login, "LEDGER-2", "sp1", 1, monitoring, wait_seconds=30.0, **other)
    )


async def test_a_block_is_put_behind_the_one_it_must_follow_or_not_at_all(tmp_path: Path):
    """Many fillers at once, each with all under way at once, leave each block once and in order."""
    async with EmbeddedServer(single_settings(tmp_path)) as server, later(server) as ledger:
        appends = [ledger.append_after(number, b"%d" % number) for number in range(50) for _ in range(3)]
        results = await asyncio.gather(*appends, return_exceptions=True)
        assert results.count(None) == 50
        assert all(one is None or isinstance(one, LedgerUnavailableError) for one in results)
        assert await first(ledger, 50) == [(number + 1, b"%d" % number) for number in range(50)]
        with pytest.raises(LedgerUnavailableError, match="wrong last sequence: 50"):
            await ledger.append_after(7, b"again")
        assert await ledger.append(b"goes on", "sp1-1") == 51


async def test_streams_of_two_generations_are_never_beside_one_another(tmp_path: Path):
    """A node that does not know of the new generation makes no stream of its own, and is told what helps."""
    settings = single_settings(tmp_path)
    async with EmbeddedServer(settings) as server:
        async with later(server) as ledger:
            await ledger.append(b"first", "sp1-1")
        with pytest.raises(
            LedgerRefusedError, match="have the stream LEDGER-2, and this node looks for LEDGER"
        ):
            await ledger_on(server).__aenter__()
        with pytest.raises(LedgerRefusedError, match="see `yakujo rebuild`"):
            await ledger_on(server, create=False).__aenter__()


async def test_a_lost_stream_is_not_made_anew_by_who_has_read_it(tmp_path: Path):
    async with EmbeddedServer(single_settings(tmp_path)) as server:
        with pytest.raises(
            LedgerRefusedError, match="Where most of the servers have lost their data for good"
        ):
            await later(server, create=False).__aenter__()
