"""Promises about the guard of the own server: what its disk did wrong is found, and mended."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from guard_scene import (
    BLOCKS,
    Network,
    Others,
    all_blocks,
    copied_network,
    fill,
    fill_network,
    flip,
    until,
    until_word,
    watching,
)
from ledger_scene import first, ledger_on

from node import guard as guarding
from node import guard_admission
from node.guard_state import Word
from node.ledger import LedgerUnavailableError
from node.nats_server import EmbeddedServer


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of three servers that hold the same blocks and have stopped in good order."""
    directory = tmp_path_factory.mktemp("filled")
    asyncio.run(fill_network(directory))
    return directory


@pytest.fixture
def network(filled: Path, tmp_path: Path) -> Network:
    """A network on copies of those files."""
    return copied_network(filled, tmp_path)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "GROUP_SECONDS", 1.0)


def _raft_group(network: Network) -> Path:
    return next((network.store() / "$SYS" / "_js_").glob("S-R3F-*"))


def _flip_in_a_block(network: Network) -> None:
    flip(network.blocks() / "1.blk", 4_000_000)


def _cut_a_block(network: Network) -> None:
    with (network.blocks() / "2.blk").open("r+b") as file:
        file.truncate(4_000_000)


def _flip_in_the_groups_snapshot(network: Network) -> None:
    flip(next((_raft_group(network) / "snapshots").iterdir()), 20)


def _flip_in_the_clusters_snapshot(network: Network) -> None:
    flip(next((network.store() / "$SYS" / "_js_" / "_meta_" / "snapshots").iterdir()), 20)


def _lose_the_directory(network: Network) -> None:
    shutil.rmtree(network.settings[0].directory)


@pytest.mark.parametrize(
    ("befalls", "asides"),
    [
        (_flip_in_a_block, 1),
        (_cut_a_block, 1),
        (_flip_in_the_clusters_snapshot, 1),
        (_flip_in_the_groups_snapshot, 1),
        (_lose_the_directory, 0),
    ],
)
async def test_damage_is_found_before_the_server_serves_and_mended(
    network: Network, befalls: Callable[[Network], None], asides: int
) -> None:
    """The others go on meanwhile; afterwards this member has every block, and what was damaged is kept."""
    befalls(network)
    async with Others(network) as others, watching(network.guard()) as guard:
        await fill(others.ledger, BLOCKS + 1, BLOCKS + 21)
        await until_word(guard, Word.WELL)
        await all_blocks(guard, BLOCKS + 20)
        assert guard.state.fenced == guard.state.resynchronised == 1
        assert len(list((network.settings[0].directory / "aside").glob("*/*"))) == asides


def _flip_in_the_last_block(network: Network) -> None:
    flip(network.blocks() / "3.blk", -1_000)


def _lose_the_stream(network: Network) -> None:
    shutil.rmtree(network.blocks().parent)


@pytest.mark.parametrize("befalls", [_flip_in_the_last_block, _lose_the_stream])
async def test_a_copy_that_ends_early_is_filled_up(
    network: Network, befalls: Callable[[Network], None]
) -> None:
    """What is whole up to somewhere need not be moved aside: Raft brings the rest, also of what is new."""
    befalls(network)
    async with Others(network) as others, watching(network.guard()) as guard:
        await fill(others.ledger, BLOCKS + 1, BLOCKS + 11)
        await until(lambda: guard.state.word is Word.WELL and guard.state.sequence == BLOCKS + 10)
        await all_blocks(guard, BLOCKS + 10)
        assert guard.state.fenced == 0
    assert not (network.settings[0].directory / "aside").exists()


async def test_a_running_node_outlives_the_repair_of_its_server(network: Network) -> None:
    """The others go on while a server is mended, and the node's own reader catches up."""
    async with Others(network) as others, watching(network.guard()) as guard:
        await until_word(guard, Word.WELL)
        async with ledger_on(guard.server, "sp1", 3, create=False) as ledger:
            reader = asyncio.create_task(first(ledger, 60, after=BLOCKS))
            await fill(others.ledger, BLOCKS + 1, BLOCKS + 21)
            await guard.server.fence()
            flip(network.blocks() / "2.blk", 3_000_000)
            await fill(others.ledger, BLOCKS + 21, BLOCKS + 41)
            guard.server.unfence()
            await fill(others.ledger, BLOCKS + 41, BLOCKS + 61)
            assert [number for number, _ in await reader] == list(range(BLOCKS + 1, BLOCKS + 61))
            await until(lambda: guard.state.resynchronised == 1)
            await ledger.append(b"from here", "1")
        assert guard.state.fenced == 1


async def test_a_bit_that_flips_under_a_running_server_is_found(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody need read the block for that: the daily sweep over all files does."""
    monkeypatch.setattr(guarding, "SWEEP_SECONDS", 0.0)
    async with Others(network), watching(network.guard()) as guard:
        await until_word(guard, Word.WELL)
        await until((network.settings[0].directory / "blocks.json").exists)
        assert guard.state.fenced == guard.state.restarted == guard.server.restarts == 0
        flip(network.blocks() / "1.blk", 5_000_000)
        await until(lambda: guard.state.resynchronised == 1)
        await all_blocks(guard, BLOCKS)
        assert guard.state.restarted == 1


async def test_what_a_person_must_do_is_said(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no other member there, a damaged copy stays aside and nothing is made up in its place."""
    monkeypatch.setattr(guarding, "STALL_SECONDS", 1.0)
    _flip_in_a_block(network)
    async with watching(network.guard()) as guard:
        await until_word(guard, Word.NEEDS_A_PERSON)
        assert "stands still at 0 of 300 blocks" in guard.state.text
        assert "not connected: sp2, sp3" in guard.state.text
        async with Others(network):
            await until(lambda: guard.state.resynchronised == 1)
            await all_blocks(guard, BLOCKS)


async def test_a_lost_store_waits_until_the_others_hold_everything(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an empty store beside too few others, an empty ledger could be elected."""
    _lose_the_directory(network)
    guard = network.guard()
    async with EmbeddedServer(network.settings[1]):
        monkeypatch.setattr(guard_admission, "PEERS_SECONDS", 0.0)
        with pytest.raises(LedgerUnavailableError, match="not connected: sp3"):
            await guard.server.__aenter__()
        assert guard.state.word is Word.NEEDS_A_PERSON
        assert not network.store().exists()
        monkeypatch.undo()
        monkeypatch.setattr(guard_admission, "PEERS_PAUSE_SECONDS", 0.1)
        waiting = asyncio.create_task(guard.server.__aenter__())
        async with EmbeddedServer(network.settings[2]):
            await waiting
            watch = asyncio.create_task(guard.run())
            await until(lambda: guard.state.resynchronised == 1)
            watch.cancel()
            await guard.server.__aexit__(None, None, None)
