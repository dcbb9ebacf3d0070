"""Two nodes say that they run the same contract if and only if they run the same sources."""

import shutil
from pathlib import Path

import pytest

from node.contract_identity import PACKAGE, contract_id


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the canonical package."""
    return Path(
        shutil.copytree(PACKAGE, tmp_path / "canonical", ignore=shutil.ignore_patterns("__pycache__"))
    )


def test_same_sources_same_identity(copy: Path):
    """Where the package lies does not matter."""
    name, _, digest = contract_id("matching/1").partition(":")
    assert (name, len(digest)) == ("matching/1", 64)
    assert contract_id("matching/1", copy) == contract_id("matching/1")


@pytest.mark.parametrize(
    "file",
    [
        "contracts/matching/v1/pairing.py",
        "contracts/matching/v1/__init__.py",
        "contracts/state.py",
        "amounts.py",
        "base.py",
        "currencies.py",
        "diagnosis/cause.py",
        "diagnosis/stating.py",
        "encoding.py",
        "rules/__init__.py",
        "rules/tolerance.py",
    ],
)
def test_other_sources_other_identity(copy: Path, file: str):
    """One byte in the contract, or in what it rests on, is another contract."""
    with (copy / file).open("ab") as source:
        source.write(b"\n")
    assert contract_id("matching/1", copy) != contract_id("matching/1")


@pytest.mark.parametrize(
    "file",
    [
        "answer.py",
        "answer_text.py",
        "schema.py",
        "contracts/__init__.py",
        "contracts/matching/v2/new.py",
        "diagnosis/english.py",
        "diagnosis/japanese.py",
        "diagnosis/written.py",
    ],
)
def test_what_decides_nothing_does_not_count(copy: Path, file: str):
    """Another version beside it, or another way of telling, leaves a contract what it is."""
    (copy / file).parent.mkdir(exist_ok=True)
    with (copy / file).open("ab") as source:
        source.write(b"\n")
    assert contract_id("matching/1", copy) == contract_id("matching/1")


@pytest.mark.parametrize("name", ["matching/0", "matching", "other/1", ""])
def test_unknown_contract(name: str):
    with pytest.raises(ValueError, match="no contract"):
        contract_id(name)
