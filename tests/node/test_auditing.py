"""The audit: a right archive passes, and whatever is altered in a store is found and named."""

import hashlib
from pathlib import Path

import pytest
from audits import altered, audited, flipped, keys_of_node, own, stores, value

from node.audit_keys import no_keys


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stores(tmp_path_factory.mktemp("archive"))


@pytest.mark.parametrize("sp", ["sp1", "sp2", "sp3"])
def test_a_right_archive_passes(made: dict[str, Path], sp: str):
    """With a node's own keys all of it is checked, and nothing is found."""
    before = made[sp].read_bytes()
    found = audited(made[sp], own(sp))
    assert (found.findings, found.not_checked) == ((), ())
    assert found.sequence == found.checked["blocks"] == value(made[sp], "SELECT COUNT(*) FROM archive")
    assert found.size == sum(found.entries.values())
    assert found.passed_over == {"conflicting": 1, "key": 1, "malformed": 1, "repeated": 1}
    assert found.root == str(value(made[sp], "SELECT value FROM setting WHERE name = 'head'")).split()[2]
    assert found.checked["acts"] == 5  # two of people, and what each member has installed
    assert found.checked["checkpoints"] == found.entries["checkpoint"]
    if sp != "sp3":
        assert found.checked["submissions"] == found.checked["decisions"] == 8
        for table, what in (("outcome", "outcomes"), ("state", "records of the contract")):
            assert found.checked[what] == value(made[sp], f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - own words
        assert [one.replayed for one in found.relationships] == ["whole", "whole"]
    assert made[sp].read_bytes() == before


@pytest.mark.parametrize("sp", ["sp1", "sp2", "sp3"])
def test_an_archive_is_checked_without_keys(made: dict[str, Path], sp: str):
    """Everybody can check what is public, and is told what was not checked."""
    found = audited(made[sp], no_keys())
    assert (found.findings, found.relationships) == ((), ())
    assert found.not_checked == ("what is sealed: no contract can be replayed without keys to open it",)
    assert {"blocks", "tiles of the tree", "checkpoints", "acts"} <= found.checked.keys()
    assert not {"submissions", "decisions", "outcomes", "records of the contract"} & found.checked.keys()


def test_one_node_checks_what_another_has_read(made: dict[str, Path]):
    """The other side of every trade comes to the same; what only one of the two reads is not compared."""
    found = audited(made["sp2"], keys_of_node("sp1"))
    assert (found.findings, found.not_checked) == ((), ())
    assert found.checked["decisions"] == 8
    found = audited(made["sp3"], keys_of_node("sp1"))
    assert found.findings == ()
    assert {(one.replayed, one.reason) for one in found.relationships} == {
        ("not", "this store does not read it from its beginning")
    }


def last_of(made: dict[str, Path]) -> int:
    return int(value(made["sp1"], "SELECT MAX(sequence) FROM archive"))


def with_flipped(store: Path, folder: Path, *sequences: int, bit: int = -1, digest: bool = False) -> Path:
    """A copy with a flipped bit in some blocks. digest: altered so that it fits, as who knows how would."""
    for sequence in sequences:
        folder = folder / str(sequence)
        raw = flipped(value(store, "SELECT block FROM archive WHERE sequence = ?", sequence), bit)
        change = "UPDATE archive SET block = :raw WHERE sequence = :sequence"
        store = altered(store, folder, change, raw=raw, sequence=sequence)
        if digest:
            change = "UPDATE archive SET digest = :digest WHERE sequence = :sequence"
            digested = hashlib.sha256(raw).digest()
            store = altered(store, folder / "digest", change, digest=digested, sequence=sequence)
    return store


@pytest.mark.parametrize("bit", [3, 400, 1700, -1])
def test_a_flipped_bit_in_a_block_is_found(made: dict[str, Path], tmp_path: Path, bit: int):
    """Its author's signature does not fit any more; what comes after cannot be placed, and that is said."""
    store = with_flipped(made["sp1"], tmp_path, 6, bit=bit)
    found = audited(store, own("sp1"))
    assert [(one.subject, one.sequence, one.text) for one in found.findings] == [
        ("block", 6, "its bytes are not those that were archived: their digest is another")
    ]
    assert (found.sequence, found.checked["blocks"]) == (5, 5)
    [rest] = found.not_checked
    assert rest.startswith(f"the last {last_of(made) - 5} blocks, after sequence 5, but for their digests")


def test_a_block_altered_with_its_digest_is_found(made: dict[str, Path], tmp_path: Path):
    """Only its author could sign it."""
    store = with_flipped(made["sp1"], tmp_path, 6, digest=True)
    found = audited(store, no_keys())
    assert [(one.sequence, one.text) for one in found.findings] == [
        (6, "the store says that it counts; by the rules it is passed over as 'digest'")
    ]


def test_all_altered_blocks_are_named(made: dict[str, Path], tmp_path: Path):
    """Also those behind the one at which the replay had to end."""
    last = last_of(made)
    found = audited(with_flipped(made["sp1"], tmp_path, 6, 20, last), own("sp1"))
    assert [one.sequence for one in found.findings] == [6, 20, last]
    assert (found.sequence, found.found) == (5, 3)


def test_an_altered_last_block_is_found(made: dict[str, Path], tmp_path: Path):
    """Nothing comes after it that would stand elsewhere."""
    found = audited(with_flipped(made["sp1"], tmp_path, last_of(made)), own("sp1"))
    assert [(one.subject, one.sequence) for one in found.findings] == [("block", last_of(made))]


def test_a_removed_block_is_found(made: dict[str, Path], tmp_path: Path):
    store = altered(made["sp1"], tmp_path, "DELETE FROM archive WHERE sequence IN (6, 7)")
    found = audited(store, own("sp1"))
    assert [(one.sequence, one.text) for one in found.findings] == [
        (6, "it is missing from the archive, and all up to 7")
    ]
    assert found.sequence == 5
    assert found.not_checked[0].startswith(f"the last {last_of(made) - 7} blocks, after sequence 5")
    first = altered(made["sp1"], tmp_path, "DELETE FROM archive WHERE sequence = 1")
    assert [one.sequence for one in audited(first, own("sp1")).findings] == [1]


def test_a_removed_last_block_is_found(made: dict[str, Path], tmp_path: Path):
    """The store says itself that it has been further."""
    last = last_of(made)
    store = altered(made["sp1"], tmp_path, "DELETE FROM archive WHERE sequence = :last", last=last)
    found = audited(store, no_keys())
    assert any("the store's head: its value in the store" in one.text for one in found.findings)


def test_swapped_blocks_are_found(made: dict[str, Path], tmp_path: Path):
    """Two blocks that have changed places, each with all that is noted of it but where it stands."""
    store = altered(
        made["sp1"],
        tmp_path,
        "UPDATE archive SET sequence = -1 WHERE sequence = 6",
        "UPDATE archive SET sequence = 6 WHERE sequence = 7",
        "UPDATE archive SET sequence = 7 WHERE sequence = -1",
    )
    found = audited(store, own("sp1"))
    assert {(one.subject, one.sequence) for one in found.findings} >= {("block", 6)}


def test_nothing_of_an_audit_is_left(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What keys open lies in the temporary directory for the time of the audit alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    audited(made["sp1"], own("sp1"))
    assert list(tmp_path.iterdir()) == []
