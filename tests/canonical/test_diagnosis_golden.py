"""The worked examples of tests/golden/diagnosis, each done by hand in its comment."""

from pathlib import Path

import pytest

from canonical.diagnosis import diagnose
from tests.canonical.diagnosis_scene import GOLDEN, case, sides_of, told

PATHS = sorted(GOLDEN.glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_example(path: Path):
    """The causes that a person finds by hand are those that the diagnosis tells, in both languages."""
    words = case(path)
    assert words["promise"]
    diagnosis = diagnose(sides_of(words))
    assert diagnosis is not None
    assert [told(cause) for cause in diagnosis.causes] == words["cause"]


def test_there_are_examples():
    assert len(PATHS) >= 30
