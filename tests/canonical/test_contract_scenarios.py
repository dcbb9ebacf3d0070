"""The scenarios of tests/golden/contract, each at two replicas that keep their state in other ways."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scenarios import FOLDER, actual, replica_of, steps

from canonical.encoding import canonical_bytes
from canonical.message import NODE_KINDS
from canonical.result import Receipt, Rejection

PATHS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_scenario(path: Path):
    """Each side hears what the scenario promises; a node that stores its state as JSON says the same."""
    replica, stored = replica_of(path), replica_of(path, stored=True)
    for number, step in enumerate(steps(path), start=1):
        outcomes = step.apply(replica)
        assert actual(outcomes) == step.expected, f"step {number}"
        assert [canonical_bytes(o) for o in outcomes] == [canonical_bytes(o) for o in step.apply(stored)]
        is_by_node = step.submission.messages[0].kind in NODE_KINDS
        assert isinstance(outcomes[0], Receipt | Rejection) or is_by_node if outcomes else is_by_node
        assert len({outcome.id for outcome in outcomes}) == len(outcomes)
    assert replica.digest() == stored.digest()


def test_there_are_scenarios():
    assert len(PATHS) >= 25


def told() -> str:
    """SHA-256 of all outcomes of all scenarios."""
    whole = hashlib.sha256()
    for path in PATHS:
        replica = replica_of(path)
        for step in steps(path):
            for outcome in step.apply(replica):
                whole.update(canonical_bytes(outcome))
        whole.update(replica.digest().encode())
    return whole.hexdigest()


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_hash_seed_does_not_matter(seed: str):
    """No outcome depends on the order of a set: another process, with another seed, says the same bytes."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent)])
    environment: dict[str, Any] = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
    code = "from test_contract_scenarios import told; print(told())"
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told()
