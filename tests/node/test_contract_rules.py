"""A contract in which something may differ from node to node is found, with its place and what to do."""

import shutil
from pathlib import Path

import pytest

from canonical.contracts import CONTRACTS
from node import startup
from node.contract_identity import PACKAGE
from node.contract_rules import Finding, contract_findings
from node.settings import SettingsError


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(PACKAGE, tmp_path / "canonical")


def test_the_contracts_of_this_release_follow_the_rules():
    assert list(contract_findings(*CONTRACTS)) == []


@pytest.mark.parametrize(
    ("file", "source", "what"),
    [
        ("contracts/matching/v1/shares.py", "HALF = 1 / 2", "divides with /"),
        ("contracts/matching/v2/contract.py", "import time", "imports time"),
        ("rules/spread.py", "RATE = 0.1", "write Decimal('0.1')"),
    ],
)
def test_what_breaks_them_is_found_where_it_stands(copy: Path, file: str, source: str, what: str):
    """In the contract itself and in what it rests on."""
    path = copy / file
    lines = len(path.read_text().splitlines())
    path.write_text(f"{path.read_text()}{source}\n")
    [finding] = contract_findings("matching/2", package=copy)
    assert (finding.file, finding.line) == (f"canonical/{file}", lines + 1)
    assert what in str(finding)


def test_a_node_does_not_run_a_contract_that_breaks_them(monkeypatch: pytest.MonkeyPatch):
    """It says which file and line."""
    monkeypatch.setattr(
        startup, "contract_findings", lambda *_: iter([Finding("canonical/a.py", 7, "float")])
    )
    with pytest.raises(SettingsError, match=r"canonical/a.py:7: float"):
        startup.check_contracts()
