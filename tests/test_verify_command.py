"""`yakujo verify`: an outsider checks a proof with a network file, and is told in plain words."""

import json
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from node.checkpoint import member_key
from node.commands.exits import EXPECTED
from node.commands.verify import verify as command
from node.note import VerifierKey
from node.proof import write_proof
from node.setup import write_toml
from tests.proof_scene import (
    NETWORK,
    ORIGIN,
    changed_proof,
    key_of,
    small_proof,
)


def vkey(name: str) -> VerifierKey:
    return member_key(ORIGIN, name.partition(" ")[0], key_of(name).public_key())


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A network file and a proof."""
    write_toml(tmp_path / "network.toml", NETWORK)
    (tmp_path / "a.tlog-proof").write_bytes(write_proof(small_proof()))
    return tmp_path / "network.toml", tmp_path / "a.tlog-proof"


def yakujo_verify(proof: Path, network: Path, *more: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(proof), "--network", str(network), *more])


def test_the_command_says_in_plain_words_what_is_proven(files: tuple[Path, Path]):
    network, proof = files
    done = yakujo_verify(proof, network)
    assert done.exit_code == 0, done.output
    sentence = done.stdout.splitlines()[0]
    place = "position 13 of network scene, entry 2 of block 2 of sp2"
    assert sentence.startswith(f"The proof holds: {place} at 2026-11-")
    assert sentence.endswith("by its clock, is under the root that sp1, sp2 and sp3 signed.")
    assert f"network id  {NETWORK.id.hex()} (compare it" in done.stdout
    assert done.stdout.count("signed      sp") == 3
    assert "2 of sp1, sp2 and sp3" in done.stdout


def test_the_command_prints_data(files: tuple[Path, Path]):
    network, proof = files
    data = json.loads(yakujo_verify(proof, network, "--json").stdout)
    assert (data["holds"], data["position"], data["sp"], data["block"]) == (True, 13, "sp2", 2)
    assert [one["sp"] for one in data["cosigners"]] == ["sp1", "sp2", "sp3"]


def test_the_command_says_why_a_proof_does_not_hold(files: tuple[Path, Path]):
    network, proof = files
    proof.write_bytes(proof.read_bytes().replace(b"index 13", b"index 12"))
    done = yakujo_verify(proof, network)
    assert (done.exit_code, done.stdout.count("\n")) == (1, 1)
    assert done.stdout.startswith("The proof does not hold: this entry is not at position 12 under the root")
    data = json.loads(yakujo_verify(proof, network, "--json").stdout)
    assert (data["holds"], data["reason"]) == (False, "root")


def test_the_command_takes_keys_and_a_number(files: tuple[Path, Path]):
    network, proof = files
    proof.write_bytes(write_proof(changed_proof(acts=())))
    assert yakujo_verify(proof, network).exit_code == 1
    assert yakujo_verify(proof, network, "--at-least", "1").exit_code == 0
    keys = ["--vkey", vkey("sp1 later").text, "--vkey", vkey("sp4").text]
    done = yakujo_verify(proof, network, *keys)
    assert done.exit_code == 0, done.output
    assert "sp1, sp3 and sp4 signed" in done.stdout
    assert yakujo_verify(proof, network, "--at-least", "0").exit_code == 2


@pytest.mark.parametrize(
    "more", [["--vkey", "nonsense"], ["--vkey", vkey("sp4").text.replace("scene", "other")]]
)
def test_the_command_tells_what_cannot_be_checked(files: tuple[Path, Path], more: list[str]):
    network, proof = files
    done = yakujo_verify(proof, network, *more)
    assert isinstance(done.exception, EXPECTED)
    assert "--vkey: " in str(done.exception)


def test_the_command_tells_what_is_missing(files: tuple[Path, Path]):
    network, proof = files
    for arguments in ((proof.with_name("none"), network), (proof, proof), (proof, network.with_name("none"))):
        assert isinstance(yakujo_verify(*arguments).exception, EXPECTED)


def test_a_network_file_that_the_founders_did_not_sign_proves_nothing(files: tuple[Path, Path]):
    """Anybody can write a file with keys of his own."""
    network, proof = files
    tree = tomllib.loads(network.read_text())
    signing_key = tree["members"][0]["signing_key"]
    other = tree["members"][1]["signing_key"]
    network.write_text(network.read_text().replace(signing_key, other[::-1].lstrip("=") + "="))
    assert isinstance(yakujo_verify(proof, network).exception, EXPECTED)
