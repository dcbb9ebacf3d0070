"""Trades worked by hand, from both sides' figures to the codes by which each format tells the result."""

from pathlib import Path

import pytest
from worked import FOLDER, native, results, shown, worked

PATHS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_worked(path: Path):
    """Status, figures, causes and native codes are those of the example, whichever side speaks first."""
    example = worked(path)
    told = results(example)
    last = told[-1]
    assert {**shown(last), "native": native(last)} == example.expected
    assert shown(results(example, investor_first=True)[-1]) == shown(last)


def test_there_are_enough():
    assert len(PATHS) >= 60
