"""What keeps a node from starting: another one on its folder, another network, keys that do not fit."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from founding import BROKER, INVESTOR, client, keys_of, network

from node import compose
from node.compose import check_member, run_node
from node.key_files import create_keys, load_keys
from node.keys import NodeKeys
from node.network import load_network
from node.settings import ExternalLedger, NodeSettings, SettingsError
from node.setup import assemble, card_of, write_toml


class NoLedgerError(Exception):
    """As far as a node of these tests gets."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeSettings:
    """An SP on its own, complete but for a ledger."""
    keys = create_keys(tmp_path / "keys", [BROKER], None)
    plan = {
        "name": "alone",
        "replicas": 1,
        "institutions": [{"lei": BROKER, "name": "Broker", "role": "broker"}],
    }
    write_toml(tmp_path / "network.toml", assemble(plan, [card_of("sp1", keys, None)]))

    def no_ledger(*_: Any, **__: Any) -> None:
        raise NoLedgerError

    monkeypatch.setattr(compose, "attached", no_ledger)
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=tmp_path / "password")
    return NodeSettings(
        sp="sp1",
        network_file=tmp_path / "network.toml",
        keys_folder=tmp_path / "keys",
        data_folder=tmp_path / "data",
        ledger=nowhere,
    )


async def test_a_node_starts_again_on_its_own_folder(settings: NodeSettings):
    """What it has made is for its owner alone."""
    for _ in range(2):
        with pytest.raises(NoLedgerError):
            await run_node(settings)
    paths = [settings.data_folder, *settings.data_folder.iterdir()]
    assert [path.stat().st_mode & 0o077 for path in paths] == [0] * len(paths)


async def test_two_nodes_on_one_folder_are_refused(settings: NodeSettings):
    """They would destroy each other's store; the lock is free when the first has ended."""
    settings.data_folder.mkdir()
    running_already = pytest.raises(SettingsError, match="a node is running already")
    with compose._alone(settings.data_folder), running_already:
        await run_node(settings)
    with pytest.raises(NoLedgerError):
        await run_node(settings)


async def test_another_network_is_refused(settings: NodeSettings):
    """A store that belongs to another network file would mix two ledgers."""
    with pytest.raises(NoLedgerError):
        await run_node(settings)
    other = load_network(settings.network_file).model_copy(update={"name": "other"})
    write_toml(settings.network_file, type(other).model_validate_json(other.model_dump_json()))
    with pytest.raises(SettingsError, match="the store belongs to another network"):
        await run_node(settings)


async def test_a_missing_password_is_told(settings: NodeSettings, monkeypatch: pytest.MonkeyPatch):
    """A password for somebody else's server is never made up."""
    monkeypatch.undo()
    with pytest.raises(SettingsError, match=r"password cannot be read"):
        async with asyncio.timeout(20):
            await run_node(settings)
    assert not (settings.keys_folder.parent / "password").exists()


def member(sp: str, keys: NodeKeys, *names: str) -> None:
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("-"))
    settings = NodeSettings(sp=sp, ledger=nowhere, clients=tuple(map(client, names)))
    check_member(settings, network(), keys)


def test_a_node_is_the_member_that_it_says():
    """Each thing that does not fit is told in one sentence."""
    member("sp1", keys_of("sp1"), "broker")
    with pytest.raises(SettingsError, match="sp9 is not a member"):
        member("sp9", keys_of("sp1"))
    with pytest.raises(SettingsError, match="is not the one that the network has for sp2"):
        member("sp2", keys_of("sp1"))
    with pytest.raises(SettingsError, match=f"institution {INVESTOR} has no delegation to sp1"):
        member("sp1", keys_of("sp1"), "investor")
    with pytest.raises(SettingsError, match=f"lacks the keys of {BROKER}"):
        member("sp1", NodeKeys(keys_of("sp1").signing, {}))


def test_keys_on_disk_are_those_of_the_card(tmp_path: Path):
    """What the other founders were told is what the node will sign with."""
    made = create_keys(tmp_path / "keys", [BROKER], None)
    assert card_of("sp1", made, None) == card_of("sp1", load_keys(tmp_path / "keys", None), None)
