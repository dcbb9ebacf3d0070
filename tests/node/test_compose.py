"""What keeps a node from starting: another one on its folder, another network, keys that do not fit."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from acts import enact, revoke
from founding import BROKER, INVESTOR, client, identity_of, keys_of, lei, network

from node import compose
from node.act import RemoveMember, ReplaceMemberKey
from node.block_key import BlockKey
from node.clients import Client
from node.compose import run_node
from node.key_files import create_keys, load_keys
from node.keys import NodeKeys, signing_text
from node.network import Network
from node.own_membership import membership_faults
from node.register import Register
from node.secret_files import SecretMissingError
from node.settings import ExternalLedger, NodeSettings, SettingsError
from node.setup import card_of, found_alone, write_toml
from node.startup import alone, check_member


class NoLedgerError(Exception):
    """As far as a node of these tests gets."""


def alone_on(plan: dict[str, Any], keys: NodeKeys) -> Network:
    """A network of one, signed by it and by the broker."""
    return found_alone(plan, [card_of("sp1", keys, None)], [identity_of(BROKER)], {"sp1": keys.signing})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeSettings:
    """An SP on its own, complete but for a ledger."""
    plan = {
        "name": "alone",
        "replicas": 1,
        "institutions": [{"lei": BROKER, "name": "Broker", "role": "broker"}],
    }
    write_toml(tmp_path / "network.toml", alone_on(plan, create_keys(tmp_path / "keys", [BROKER], None)))

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
    with alone(settings.data_folder), running_already:
        await run_node(settings)
    with pytest.raises(NoLedgerError):
        await run_node(settings)


async def test_another_network_is_refused(settings: NodeSettings):
    """A store that belongs to another network file would mix two ledgers."""
    with pytest.raises(NoLedgerError):
        await run_node(settings)
    plan = {
        "name": "other",
        "replicas": 1,
        "institutions": [{"lei": BROKER, "name": "Broker", "role": "broker"}],
    }
    write_toml(settings.network_file, alone_on(plan, load_keys(settings.keys_folder, None)))
    with pytest.raises(SettingsError, match="the store belongs to another network"):
        await run_node(settings)


async def test_a_missing_password_is_told(settings: NodeSettings, monkeypatch: pytest.MonkeyPatch):
    """A password for somebody else's server is never made up."""
    monkeypatch.undo()
    with pytest.raises(SecretMissingError, match=r"there is no .*password: make it"):
        async with asyncio.timeout(20):
            await run_node(settings)
    assert not (settings.keys_folder.parent / "password").exists()


def node_of(sp: str, *names: str) -> NodeSettings:
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("-"))
    return NodeSettings(sp=sp, ledger=nowhere, clients=tuple(map(client, names)))


def test_what_can_never_be_right_is_refused_at_once():
    """Each thing in one sentence. Keys that the founders did not know may have been voted for since."""
    check_member(node_of("sp1", "broker"), network(), keys_of("sp1"))
    check_member(node_of("sp4"), network(), keys_of("sp4"))
    check_member(node_of("sp2"), network(), NodeKeys(keys_of("sp4").signing, {}))
    with pytest.raises(SettingsError, match="is that of sp1, not of sp9"):
        check_member(node_of("sp9"), network(), keys_of("sp1"))
    strange = client("broker", institution=lei("NOBODY"))
    with pytest.raises(SettingsError, match=r"client broker: institution .* is not in this network"):
        Client(strange, network(), None)


def faults(register: Register, sp: str, keys: NodeKeys, *names: str) -> dict[str, str]:
    key = BlockKey(sp, register, [keys.signing])
    return dict(membership_faults(node_of(sp, *names), register, keys, key))


def test_a_node_is_the_member_that_the_ledger_knows():
    """Judged by what has been voted and said since the founding; each fault says what to do."""
    register = Register(network())
    assert faults(register, "sp1", keys_of("sp1"), "broker") == {}
    assert faults(register, "sp4", keys_of("sp4"), "broker").keys() == {"member"}
    wrong = faults(register, "sp2", NodeKeys(keys_of("sp4").signing, keys_of("sp2").institutions))
    assert "is not the one that the network has for sp2" in wrong.pop("key")
    assert wrong == {}
    missing = faults(register, "sp1", NodeKeys(keys_of("sp1").signing, {}))
    assert f"lacks the keys of {BROKER}" in missing[f"keys/{BROKER}"]
    strange = faults(register, "sp1", keys_of("sp1"), "investor")
    assert f"institution {INVESTOR} has no delegation to sp1" in strange["client/investor"]
    enact(register, revoke(BROKER, "sp1", 1), RemoveMember(sp="sp3"))
    assert faults(register, "sp1", keys_of("sp1"), "broker").keys() == {"client/broker"}
    assert faults(register, "sp3", keys_of("sp1")).keys() == {"member"}


def test_a_node_signs_with_the_key_that_the_members_know():
    """The next one from the entry after the vote on; none while the SP is no member."""
    old, new = keys_of("sp1").signing, keys_of("sp4").signing
    register = Register(network())
    key, stranger = BlockKey("sp1", register, [old, new]), BlockKey("sp4", register, [new])
    assert (key.now(), stranger.now()) == (old, None)
    enact(register, ReplaceMemberKey(sp="sp1", signing_key=signing_text(new.public_key())))
    assert key.now() is new
    assert BlockKey("sp1", register, [old]).now() is None
    enact(register, RemoveMember(sp="sp1"))
    assert key.now() is None


def test_keys_on_disk_are_those_of_the_card(tmp_path: Path):
    """What the other founders were told is what the node will sign with."""
    made = create_keys(tmp_path / "keys", [BROKER], None)
    assert card_of("sp1", made, None) == card_of("sp1", load_keys(tmp_path / "keys", None), None)
