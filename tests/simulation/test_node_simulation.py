"""Whatever is lost, repeated or killed, in whichever order: all nodes come to the same, and no word is lost.

A seed decides all of a run, down to when each node writes what. A failing one is in the test's name; it alone
is run again by YAKUJO_SEED=7. YAKUJO_SEEDS=1000 runs that many, for a long campaign.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from market import CLIENTS, Plan, plan
from node_world import accepted, live
from scene import Node, Scene, digest, first_answers, outcomes
from virtual_time import run

SEEDS = 40
MEMORY = Path("/dev/shm")  # noqa: S108 - nothing here rests on a disk, and many disks are slow


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the stores lie: in memory, where the system lets one."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def seeds() -> list[int]:
    """The seeds of this run."""
    one = os.environ.get("YAKUJO_SEED")
    return [int(one)] if one else list(range(int(os.environ.get("YAKUJO_SEEDS", SEEDS))))


@pytest.mark.parametrize("seed", seeds())
def test_nodes(folder: Path, seed: int):
    """One ledger, one state, one outcome of each message, each told to whom it concerns."""
    chosen = plan(seed)
    scene, _ = run(live(chosen, folder))
    assert_one_ledger(scene)
    assert_one_state(scene)
    assert_all_answered(chosen, scene)
    assert_all_final(scene)
    assert_all_told(scene)
    for node in scene.nodes.values():
        assert_delivered(node)
        assert node.alarms() == {}


def test_a_seed_decides_everything(folder: Path):
    """The same blocks at the same moments: what a run has shown can be looked at again."""
    traces = [run(live(plan(3), folder / name))[1] for name in ("once", "again")]
    assert traces[0] == traces[1] != []
    assert traces[0] != run(live(plan(4), folder / "another"))[1]


def assert_one_ledger(scene: Scene) -> None:
    """Every node has the same blocks, faults, places, root and public state."""
    archives = [node.rows("SELECT * FROM archive ORDER BY sequence") for node in scene.nodes.values()]
    assert all(archive == archives[0] for archive in archives)
    assert len({node.head() for node in scene.nodes.values()}) == 1
    faults = {fault for (fault,) in scene.sp1.rows("SELECT DISTINCT fault FROM archive")}
    assert faults <= {None, "repeated"}  # each author's blocks were in order, one at a time


def assert_one_state(scene: Scene) -> None:
    """Whoever can read a message comes to the same outcomes, and to the same state of the contract."""
    told: dict[int, set[str]] = {}
    state: dict[str, set[str]] = {}
    for node in scene.nodes.values():
        at = {position: "" for (position,) in node.rows("SELECT position FROM said")}
        for outcome in outcomes(node):
            at[outcome[1]] += repr(outcome)
        for position, found in at.items():
            told.setdefault(position, set()).add(found)
        for key, record in node.rows("SELECT key, class || value FROM state"):
            state.setdefault(key, set()).add(record)
    assert told
    assert all(len(found) == 1 for found in told.values())
    assert all(len(found) == 1 for found in state.values())


def assert_all_answered(chosen: Plan, scene: Scene) -> None:
    """What a node took is kept and said in order; it is refused, or has one answer at each node."""
    expected: Counter[str] = Counter()
    for (sp, name), taken in accepted(chosen).items():
        kept = scene.nodes[sp].rows("SELECT bytes FROM raw WHERE client = ? ORDER BY id", name)
        assert kept == [(sent.raw,) for sent in taken]
        refusals = [one for one in scene.nodes[sp].link.to(name) if "-refused-" in one.id]
        assert len(refusals) == sum(sent.refused for sent in taken)
        ordered = [digest(sent.raw) for sent in taken if not sent.refused]
        query = "SELECT source FROM said WHERE sp = ? AND sender = ? ORDER BY position"
        sender = next(lei for lei, client in CLIENTS.items() if client == name)
        assert scene.nodes[sp].rows(query, sp, sender) == [(source,) for source in ordered]
        expected += Counter(ordered)
    found: dict[str, set[int]] = {}
    for node in scene.nodes.values():
        for source, count in first_answers(node).items():
            found.setdefault(source, set()).add(count)
    assert found == {source: {count} for source, count in expected.items()}


def assert_all_final(scene: Scene) -> None:
    """Every result was attested by both sides, whoever was away in between."""
    for node in scene.nodes.values():
        assert {found for (found,) in node.rows("SELECT finality FROM decided")} <= {"final"}
        assert node.rows("SELECT 1 FROM decided WHERE due = 1") == []


def assert_all_told(scene: Scene) -> None:
    """Each outcome has been told to each client whose message it answers, through one of its SPs at least."""
    told, to_tell = set(), set()
    for node in scene.nodes.values():
        told.update(node.rows("SELECT outcome, client FROM delivery WHERE delivered IS NOT NULL"))
        origins = node.rows("SELECT source, client FROM submission")
        for name, _, _, _, _, text in outcomes(node):
            answered = set(re.findall(r'"raw":"([0-9a-f]{64})"', text))
            to_tell |= {(name, client) for source, client in origins if source in answered}
    assert to_tell <= told


def assert_delivered(node: Node) -> None:
    """In the order of the queue, each id with one content; what was provisional has been confirmed."""
    for client in node.clients:
        queued = node.rows("SELECT id, bytes FROM delivery WHERE client = ? ORDER BY number", client.name)
        assert [(one.id, one.raw) for one in node.link.to(client.name)] == queued
        assert {(one.id, one.raw) for one in node.link.sent if one.client == client.name} == set(queued)
        ids = {name for name, _ in queued}
        provisional = {name for name in ids if re.search(r"-\d+-p-\d+-", name)}
        assert {re.sub(r"-p(-\d+-)", r"\1", name) for name in provisional} <= ids
